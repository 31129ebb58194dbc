# shellcheck shell=bash disable=SC2034,SC2154
title="recognise the test sets"
home=$decode_dir
fresh=true
inputs=("$asr_exp/config.yaml" "$asr_exp/valid.loss.ave.pth")
confs=("$decode_config")
outputs=()
for set in "${tests[@]}"; do
  inputs+=("$data/$set/wav.scp" "$data/$set/segments"*)
  outputs+=("$decode_dir/$set/text")
done

run() {
  local set
  for set in "${tests[@]}"; do
    local command=(python -m espnet_ext.bin.decode --exp "$asr_exp" --config "$decode_config"
      --data "$data/$set" --out "$decode_dir/$set" --nj "$nj")
    "${job_command[@]}" --ngpu "$ngpu" "JOB=1:$nj" "$decode_dir/$set/logs/decode.JOB.log" \
      "${command[@]}" --job JOB
    "${command[@]}" --merge true
  done
}
