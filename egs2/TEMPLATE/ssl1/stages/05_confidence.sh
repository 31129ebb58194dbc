# shellcheck shell=bash disable=SC2034,SC2154
title="score every frame of the unlabelled speech"
home=$dump/$unlabelled_set
skip=$confidence_unwanted
inputs=("$scorer_exp/config.yaml" "$scorer_exp/valid.loss.ave.pth"
  "$data/$unlabelled_set" "$data/$valid_set")
options=(include_blank)
outputs=()
for set in "$unlabelled_set" "$valid_set"; do
  outputs+=("$dump/$set/confidence.scp" "$dump/$set/confidence.ark" "$dump/$set/confidence.frame_shift_ms")
done

run() {
  local set
  for set in "$unlabelled_set" "$valid_set"; do
    local command=(python -m espnet_ext.bin.dump_confidence --scorer_exp "$scorer_exp"
      --data "$data/$set" --out "$dump/$set" --include_blank "$include_blank" --nj "$nj")
    "${job_command[@]}" --ngpu "$ngpu" "JOB=1:$nj" "$dump/$set/logs/confidence.JOB.log" \
      "${command[@]}" --job JOB
    "${command[@]}" --merge true
  done
}
