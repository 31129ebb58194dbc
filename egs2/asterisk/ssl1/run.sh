#!/usr/bin/env bash
# Recorded telephone prompts of five voices: pre-train with Ask2Mask, fine-tune on 14 minutes of English.
#
#   ./run.sh                                  every stage, on two cores
#   ./run.sh --asr_config conf/asr_ctc.yaml   CTC instead of RNN-T; what is unchanged is not done again
#   ./run.sh --help                           all stages and options
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# time in minutes on two cores, for the estimate
minutes="data=0.5 validate=0.2 tokens=0.1 scorer=3 confidence=0.5 labels=1 pretrain=8 finetune=7 emissions=0.7 search=0.4 score=0.1 report=0.3"

exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" --minutes "$minutes" \
  --train_set train \
  --valid_set dev \
  --test_sets "dev test test_open" \
  --unlabelled_set unlabelled \
  --token_type char \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
