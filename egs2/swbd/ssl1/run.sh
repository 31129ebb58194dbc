#!/usr/bin/env bash
# Switchboard: fine-tune a pre-training of LibriSpeech on 30 hours of telephone calls (EH-MAM, Table 8), or on
# 300; eval2000 with stm and glm. README.md says more.
#
#   ./run.sh --swbd /data/swbd --ssl_exp ../../librispeech/ssl1/exp/ssl_ehmam_base     the paper's
#   ./run.sh --swbd /data/swbd --train_set train_nodup --test_sets eval2000            300 hours
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
librispeech=$here/../../librispeech/ssl1/conf # where the paper's pre-training is

export corpus_options="
swbd/          | downloads/swbd | folder with the discs and swb_ms98_transcriptions
eval2000/      |         | LDC2002S09 and LDC2002T43; default: in the same folder
fisher/        | downloads/fisher | its four archives: for sets like train_fisher
noises         | drop    | keep: noises are words, as in Kaldi
complete       | true    | every call must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_30h \
  --valid_set train_dev \
  --test_sets "eval2000_swbd eval2000_callhm" \
  --unlabelled_set train_nodup \
  --token_type char \
  --scorer_config "$librispeech/scorer_ctc.yaml" \
  --ssl_config "$librispeech/ehmam_base.yaml" \
  --asr_config "$here/conf/asr_ctc_data2vec2.yaml" \
  --score_args "--rules swbd --glm {data}/glm" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
