# shellcheck shell=bash disable=SC2034,SC2154
title="fine-tune a recogniser on the labelled speech"
home=$asr_exp
fresh=true
task=asr
inputs=("$data/$train_set" "$data/$valid_set" "$dump/$train_set/speech_shape"
  "$dump/$valid_set/speech_shape" "$token_dir")
[[ $ssl_given == none ]] || inputs+=("$ssl_exp/config.yaml" "$start")
confs=("$asr_config")
options=(token_type nbpe seed asr_args overrides)
outputs=("$asr_exp/config.yaml" "$asr_exp/valid.loss.ave.pth")

run() {
  local init=(--init_exp "$ssl_exp" ${ssl_epoch:+--init_epoch "$ssl_epoch"})
  [[ $ssl_given != none ]] || init=(--model_conf freeze_updates=0) # an untrained encoder has nothing to keep
  train asr "$asr_args" "$asr_config" --train_dir "$data/$train_set" --token_dir "$token_dir" \
    ${init[@]+"${init[@]}"} ${seed:+--seed "$seed"}
}
