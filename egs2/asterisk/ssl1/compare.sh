#!/usr/bin/env bash
# Does pre-training help, after how many updates, and does confidence choose better masks than chance?
#
#   ./compare.sh              hours; stop it and start it again as you like, finished runs are kept
#   ./compare.sh --dry_run    what is still to do, and why
#
# From scratch, and from several epochs of a pre-training with each masker; three seeds of fine-tuning
# each. Further options go to run.sh, the same to every run, so that the fine-tuning budget is the same.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
epochs=(3 6 12 24 48) # of pre-training, from which fine-tuning starts
longest=${epochs[-1]}

for seed in 1 2 3; do
  "$here/run.sh" "$@" --seed "$seed" --ssl_exp none --stop_stage 9
  for epoch in "${epochs[@]}"; do
    for masks in atm random; do
      "$here/run.sh" "$@" --seed "$seed" --ssl_config "$here/conf/w2vbert_$masks.yaml" \
        --ssl_tag "w2vbert_${masks}_long" --ssl_args "--max_epoch $longest --keep_nbest_models $longest" \
        --ssl_epoch "$epoch" --stop_stage 9
    done
  done
done
"$here/run.sh" "$@" --seed 3 --ssl_exp none --stage 10
