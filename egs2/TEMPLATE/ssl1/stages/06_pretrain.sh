# shellcheck shell=bash disable=SC2034,SC2154
title="pre-train on the unlabelled speech"
home=$ssl_exp
fresh=true
task=ssl
[[ -z $ssl_given ]] || skip="--ssl_exp $ssl_given is used"
inputs=("$data/$unlabelled_set" "$data/$valid_set" "$dump/$unlabelled_set/speech_shape"
  "$dump/$valid_set/speech_shape")
if [[ -z $confidence_unwanted ]]; then
  for set in "$unlabelled_set" "$valid_set"; do
    inputs+=("$dump/$set/confidence.scp" "$dump/$set/confidence.ark"
      "$dump/$set/confidence.frame_shift_ms")
  done
fi
if [[ -z $labels_unwanted ]]; then
  for set in "$unlabelled_set" "$valid_set"; do
    inputs+=("$dump/$set/labels_$labels_tag".{scp,ark,frame_shift_ms})
  done
fi
confs=("$ssl_config")
options=(ssl_seed ssl_args overrides)
outputs=("$ssl_exp/config.yaml" "$ssl_exp/latest.pth")

run() {
  train ssl "$ssl_args" "$ssl_config" --train_dir "$data/$unlabelled_set" \
    ${labels_tag:+--labels "$labels_tag"} ${ssl_seed:+--seed "$ssl_seed"}
}
