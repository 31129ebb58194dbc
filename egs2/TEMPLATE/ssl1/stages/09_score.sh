# shellcheck shell=bash disable=SC2034,SC2154
title="count word errors"
home=$decode_dir
inputs=()
outputs=()
for set in "${tests[@]}"; do
  inputs+=("$data/$set/text" "$data/$set/utt2spk" "$decode_dir/$set/text")
  outputs+=("$decode_dir/$set/score_wer/wer")
done

run() {
  local set
  for set in "${tests[@]}"; do
    python -m espnet_ext.bin.score_wer --ref "$data/$set/text" --hyp "$decode_dir/$set/text" \
      --utt2spk "$data/$set/utt2spk" --out "$decode_dir/$set/score_wer"
  done
}
