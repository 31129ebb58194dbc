# shellcheck shell=bash disable=SC2034,SC2154
title="tune LM weight and word score on the development set"
home=${tune_exp:-$asr_exp/tune_none}
[[ -n $tune_exp ]] || skip="$decode_config has no tune:"
# not fresh: trials already made count, and those of other inputs are set aside by the command
inputs=("$emissions/$tune_set/emissions."{scp,ark} "$emissions/$tune_set/tokens.txt" "$data/$tune_set/text")
confs=("$decode_config")
for path in "${lm_files[@]}"; do [[ -z $path ]] || inputs+=("$path"); done
outputs=("$home/best.yaml" "$home/trials.jsonl" "$home/contour.png")

run() {
  python -m espnet_ext.bin.tune_lm --emissions "$emissions/$tune_set" --ref "$data/$tune_set/text" \
    --config "$decode_config" ${lm_options[@]+"${lm_options[@]}"} --out "$home" --valid_set "$valid_set" --nj "$nj"
}
