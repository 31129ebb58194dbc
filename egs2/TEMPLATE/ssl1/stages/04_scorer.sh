# shellcheck shell=bash disable=SC2034,SC2154
title="train the CTC model that scores confidence"
home=$scorer_exp
fresh=true
task=asr
[[ -z $scorer_given ]] || skip="--scorer_exp $scorer_given is used"
skip=${skip:-$confidence_unwanted}
inputs=("$data/$train_set" "$data/$valid_set" "$dump/$train_set/speech_shape"
  "$dump/$valid_set/speech_shape" "$token_dir")
confs=("$scorer_config")
options=(token_type nbpe scorer_args overrides)
outputs=("$scorer_exp/config.yaml" "$scorer_exp/valid.loss.ave.pth")

run() { train asr "$scorer_args" "$scorer_config" --train_dir "$data/$train_set" --token_dir "$token_dir"; }
