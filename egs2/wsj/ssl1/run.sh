#!/usr/bin/env bash
# Wall Street Journal: fine-tune a pre-training of LibriSpeech on its 80 hours (EH-MAM, Table 8).
# README.md says more.
#
#   ./run.sh --wsj /data/wsj --ssl_exp ../../librispeech/ssl1/exp/ssl_ehmam_base     the paper's
#   ./run.sh --wsj /data/wsj                         pre-train on WSJ itself
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
librispeech=$here/../../librispeech/ssl1/conf # where the paper's pre-training is

export corpus_options="
wsj/           | downloads/wsj | folder with the discs 11-1.1, …, 13-34.1, or with wsj0 and wsj1
noise_word     |         | what noises become in the texts; Kaldi has <NOISE>
complete       | true    | every published utterance must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_si284 \
  --valid_set dev93 \
  --test_sets "dev93 eval92 eval93" \
  --unlabelled_set train_si284 \
  --token_type char \
  --scorer_config "$librispeech/scorer_ctc.yaml" \
  --ssl_config "$librispeech/ehmam_base.yaml" \
  --asr_config "$here/conf/asr_ctc_data2vec2.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
