#!/usr/bin/env bash
# LibriSpeech: pre-train on its 960 hours, fine-tune on 100 h, 10 h, 1 h or 10 min of it. README.md says more.
#
#   ./run.sh --librispeech /data/LibriSpeech            the corpus is there
#   ./run.sh --librispeech downloads --download true    fetch what the sets need, 61 GB, then go on
#   ./run.sh --train_set train_10h --asr_config conf/asr_ctc.yaml
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export corpus_options="
librispeech/   | downloads/LibriSpeech | folder with train-clean-100, dev-clean, …
finetuning/    |         | librispeech_finetuning; default: beside it, else lists of utterances
download       | false   | fetch what is not there
mirror         |         | where from, in place of the publishers' https://host
speakers       | chapter | speaker ids: chapter as in Kaldi, or plain
complete       | true    | every published utterance must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_clean_100 \
  --valid_set dev \
  --test_sets "dev_clean dev_other test_clean test_other" \
  --unlabelled_set train_960 \
  --token_type bpe --nbpe 1024 \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_l_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
