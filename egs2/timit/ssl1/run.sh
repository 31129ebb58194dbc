#!/usr/bin/env bash
# TIMIT: fine-tune a pre-training of LibriSpeech on its phones, PER on the core test (wav2vec 2.0, Table 3).
# README.md says more.
#
#   ./run.sh --timit /data/TIMIT --ssl_exp ../../librispeech/ssl1/exp/ssl_wav2vec2_large     the paper's
#   ./run.sh --timit /data/TIMIT                      pre-train on TIMIT itself, three hours
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
librispeech=$here/../../librispeech/ssl1/conf # where the paper's pre-training is

export corpus_options="
timit/         | downloads/TIMIT | folder with TRAIN and TEST
phones         | 48      | phones that are trained on: 48, 39 or 61; scored are 39
complete       | true    | every published utterance must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train \
  --valid_set dev \
  --test_sets "dev test" \
  --unlabelled_set train \
  --token_type word \
  --scorer_config "$librispeech/scorer_ctc.yaml" \
  --ssl_config "$librispeech/wav2vec2_large.yaml" \
  --asr_config "$here/conf/asr_ctc_wave_large.yaml" \
  --score_args "--unit phone --phone_map timit39" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
