# shellcheck shell=bash disable=SC2034,SC2154
title="train the neural LM that the decode conf names"
home=${lm_exp:-$exp/lm_none}
fresh=true
task=lm
if [[ $decode_lm == *.yaml ]]; then
  confs=("$decode_lm")
else
  skip="$decode_config names no conf of a neural LM"
fi
inputs=("$data/$train_set/text" "$data/$valid_set/text" "$token_dir")
[[ -z $lm_text ]] || inputs+=("$lm_text")
options=(token_type nbpe lm_args overrides)
outputs=("$home/config.yaml" "$home/valid.loss.ave.pth" "$home/perplexity")

run() {
  train lm "$lm_args" "${confs[0]}" --train_dir "$data/$train_set" --token_dir "$token_dir" \
    ${lm_text:+--lm_text "$lm_text"}
  cat "$home/perplexity"
}
