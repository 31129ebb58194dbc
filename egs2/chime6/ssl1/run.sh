#!/usr/bin/env bash
# CHiME-6: fine-tune on worn microphones, test on distant ones after guided source separation. README.md has
# the zero-shot test of Ask2Mask, Table 4.
#
#   ./run.sh --chime6 /data/CHiME6 --enhanced /data/gss --librilight /data/librilight
#   ./run.sh --chime6 /data/CHiME6 --enhanced /data/gss --unlabelled_set train_worn    CHiME-6 alone
#   ./run.sh --chime6 /data/CHiME6 --valid_set dev_ref --test_sets "dev_ref eval_ref"  without GSS
#   ./run.sh --download true …       fetch the sets first: 97 GB for train, 11 and 12 GB for dev and eval
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export corpus_options="
chime6/        | downloads/CHiME6     | folder with audio and transcriptions
enhanced/      |         | utterances enhanced by GSS, for sets like dev_gss
librilight/    | downloads/librilight | folder with small, medium, large: for sets like unlab_60k
download       | false   | fetch what is not there
mirror         |         | where from, in place of the publishers' https://host
channels       | 1       | of worn (1 left, 2 right) and of arrays (1 to 4), such as 1,2
case           | lower   | of the words: lower as in Kaldi, upper as in AMI and LibriSpeech
complete       | true    | every session must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_worn \
  --valid_set dev_gss \
  --test_sets "dev_gss eval_gss" \
  --unlabelled_set unlab_60k \
  --token_type bpe --nbpe 1024 \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_l_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  --score_args "--rules chime6" \
  "$@"
