#!/usr/bin/env bash
# Does pre-training help, and does confidence choose better masks than chance? Three seeds of each.
#
#   ./compare.sh              hours; stop it and start it again as you like, finished runs are kept
#   ./compare.sh --dry_run    what is still to do, and why
#
# Further options go to run.sh, the same to every run, so that the fine-tuning budget is the same.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$here/run.sh" "$@" --stage 1 --stop_stage 3
for seed in 1 2 3; do
  "$here/run.sh" "$@" --seed "$seed" --ssl_exp none --stop_stage 9
  for masks in atm random; do
    "$here/run.sh" "$@" --seed "$seed" --ssl_config "$here/conf/w2vbert_$masks.yaml" --stop_stage 9
  done
done
"$here/run.sh" "$@" --seed 3 --ssl_config "$here/conf/w2vbert_random.yaml" --stage 10
