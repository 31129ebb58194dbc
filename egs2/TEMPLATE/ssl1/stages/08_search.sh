# shellcheck shell=bash disable=SC2034,SC2154
title="recognise the test sets"
home=$decode_dir
fresh=true
inputs=("$asr_exp/config.yaml" "$asr_exp/valid.loss.ave.pth" "$asr_exp/valid.wer.ave.pt"*)
confs=("$decode_config")
from=(${lm_options[@]+"${lm_options[@]}"})
for path in "${lm_files[@]}"; do [[ -z $path ]] || inputs+=("$path"); done
if [[ -n $tune_exp ]]; then
  from+=(--weights "$tune_exp/best.yaml")
  inputs+=("$tune_exp/best.yaml")
fi
outputs=()
for set in "${tests[@]}"; do
  inputs+=("$data/$set/wav.scp" "$data/$set/segments"*)
  [[ $decode_output != ctc ]] || inputs+=("$emissions/$set/emissions."{scp,ark} "$emissions/$set/tokens.txt")
  outputs+=("$decode_dir/$set/text" "$decode_dir/$set/rtf")
done

run() {
  local set gpus=$ngpu
  local -a source
  [[ $decode_output != ctc || -n $lm_exp ]] || gpus=0 # the network has run
  for set in "${tests[@]}"; do
    source=(--exp "$asr_exp")
    [[ $decode_output != ctc ]] || source=(--emissions "$emissions/$set")
    local command=(python -m espnet_ext.bin.decode "${source[@]}" ${from[@]+"${from[@]}"}
      --config "$decode_config" --data "$data/$set" --out "$decode_dir/$set" --nj "$nj" --ngpu "$gpus")
    "${job_command[@]}" --ngpu "$gpus" "JOB=1:$nj" "$decode_dir/$set/logs/decode.JOB.log" \
      "${command[@]}" --job JOB
    "${command[@]}" --merge true
    echo "$set: $(<"$decode_dir/$set/rtf")"
  done
}
