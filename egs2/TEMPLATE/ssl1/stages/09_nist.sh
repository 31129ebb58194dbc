# shellcheck shell=bash disable=SC2034,SC2154
title="score with NIST's programs, as Kaldi's recipe does"
home=$decode_dir
inputs=()
options=(nist_args)
outputs=()
if [[ -z $nist_args ]]; then
  skip="no --nist_args"
elif [[ -z ${SCTK:-} ]] && ! command -v hubscr.pl >/dev/null && [[ ! -f /usr/lib/sctk/bin/hubscr.pl &&
  ! -f $root/.cache/deb/sctk/usr/lib/sctk/bin/hubscr.pl ]]; then
  skip="Debian's sctk is not installed; tools/fetch_deb.sh .cache/deb/sctk sctk"
fi
for set in "${tests[@]}"; do
  inputs+=("$data/$set/text" "$data/$set/utt2spk" "$decode_dir/$set/text")
  for table in stm glm segments reco2file_and_channel; do
    [[ ! -f $data/$set/$table ]] || inputs+=("$data/$set/$table")
  done
  outputs+=("$decode_dir/$set/score_nist/wer")
done

run() {
  local set
  local -a rules
  read -ra rules <<<"$nist_args"
  for set in "${tests[@]}"; do
    python -m espnet_ext.bin.score_nist --data "$data/$set" --hyp "$decode_dir/$set/text" \
      "${rules[@]}" --out "$decode_dir/$set/score_nist"
  done
}
