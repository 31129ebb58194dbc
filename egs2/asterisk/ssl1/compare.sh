#!/usr/bin/env bash
# Does pre-training help, after how many updates, and does confidence choose better masks than chance?
#
#   ./compare.sh              hours; stop it and start it again as you like, finished runs are kept
#   ./compare.sh --dry_run    what is still to do, and why
#
# From scratch, and from several epochs of a pre-training with each masker; three seeds of fine-tuning
# each. Fine-tuning is CTC: it learns from scratch too within the budget, where RNN-T does not leave its
# plateau. Further options go to run.sh, the same to every run, so that the budget is the same.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
longest=24   # epochs of pre-training; fine-tuning starts from the end of it,
curve="6 12" # and, once all seeds have done that, from these on the way

run() { # SEED OPTION...: every comparison differs in these alone
  local seed=$1
  shift
  "$here/run.sh" --asr_config "$here/conf/asr_ctc.yaml" --seed "$seed" "$@" --stop_stage 9
}
from_scratch() { run "$1" "${@:2}" --ssl_exp none; }
pretrained() { # MASKS EPOCH SEED OPTION...
  run "$3" "${@:4}" --ssl_config "$here/conf/w2vbert_$1.yaml" --ssl_epoch "$2" \
    --ssl_tag "w2vbert_$1_long" --ssl_args "--max_epoch $longest --keep_nbest_models $longest"
}

for seed in 1 2 3; do
  from_scratch "$seed" "$@"
  for masks in atm random; do pretrained "$masks" "$longest" "$seed" "$@"; done
done
for seed in 1 2 3; do
  for epoch in $curve; do
    for masks in atm random; do pretrained "$masks" "$epoch" "$seed" "$@"; done
  done
done
"$here/run.sh" --asr_config "$here/conf/asr_ctc.yaml" "$@" --seed 3 --ssl_exp none --stage 10
