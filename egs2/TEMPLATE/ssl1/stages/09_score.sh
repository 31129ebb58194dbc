# shellcheck shell=bash disable=SC2034,SC2154
title="count word errors"
home=$decode_dir
inputs=()
options=(score_args)
outputs=()
for set in "${tests[@]}"; do
  inputs+=("$data/$set/text" "$data/$set/utt2spk" "$decode_dir/$set/text")
  for table in glm utt2session utt2location utt2session_location; do # which only some corpora have
    [[ ! -f $data/$set/$table ]] || inputs+=("$data/$set/$table")
  done
  outputs+=("$decode_dir/$set/score_wer/$score_file")
done

run() {
  local set table
  local -a rules groups
  for set in "${tests[@]}"; do
    read -ra rules <<<"$score_args"
    groups=()
    for table in "$data/$set"/utt2{session,location,session_location}; do
      [[ ! -f $table ]] || groups+=(--group "$table")
    done
    python -m espnet_ext.bin.score_wer --ref "$data/$set/text" --hyp "$decode_dir/$set/text" \
      --utt2spk "$data/$set/utt2spk" ${groups[@]+"${groups[@]}"} \
      ${rules[@]+"${rules[@]//'{data}'/$data/$set}"} --out "$decode_dir/$set/score_wer"
  done
}
