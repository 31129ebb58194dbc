#!/usr/bin/env bash
# Libri-light: pre-train on up to 60,000 hours, fine-tune on LibriSpeech's 100 (Ask2Mask, Table 2).
#
#   ./run.sh --librilight /data/librilight --librispeech /data/LibriSpeech
#   ./run.sh --librilight /data/librilight --unlabelled_set unlab_600     577 hours: small alone
#   ./run.sh --rule w2v2 …                                                cut at pauses instead
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export corpus_options="
librilight/    | downloads/librilight  | folder with small, medium, large
librispeech/   | downloads/LibriSpeech | folder with train-clean-100, dev-clean, …
finetuning/    |         | librispeech_finetuning; default: beside LibriSpeech
rule           | atm     | how recordings are cut: atm (random 32-64 s) or w2v2 (voice activity)
cut_seed       | 0       | of atm's random lengths
download       | false   | fetch what is not there
mirror         |         | where from, in place of the publishers' https://host
speakers       | chapter | LibriSpeech's speaker ids: chapter as in Kaldi, or plain
complete       | true    | every published utterance must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_clean_100 \
  --valid_set dev \
  --test_sets "dev_clean dev_other test_clean test_other" \
  --unlabelled_set unlab_60k \
  --token_type bpe --nbpe 1024 \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_l_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
