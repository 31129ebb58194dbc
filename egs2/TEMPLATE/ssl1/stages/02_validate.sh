# shellcheck shell=bash disable=SC2034,SC2154
title="check every data directory and its audio"
home=$dump
inputs=("${all_sets[@]/#/$data/}")
outputs=("${all_sets[@]/%//speech_shape}")
outputs=("${outputs[@]/#/$dump/}")

run() {
  local set labelled=" ${labelled_sets[*]} " faults=0
  for set in "${all_sets[@]}"; do
    python -m espnet_ext.bin.validate_data_dir "$data/$set" --audio true --sample_rate 16000 --nj "$nj" \
      --require_text "$([[ $labelled == *" $set "* ]] && echo true || echo false)" \
      --num_samples_out "$dump/$set/speech_shape" || faults=$((faults + 1))
  done
  return "$faults"
}
