#!/usr/bin/env bash
# SpeechStew: pre-train on Libri-light, fine-tune on eight corpora together, test on AMI and the others
# (Ask2Mask, Table 4). README.md says more.
#
#   ./run.sh --ami DIR --broadcastnews DIR --commonvoice DIR --librispeech DIR --swbd DIR --fisher DIR \
#     --tedlium3 DIR --wsj DIR --librilight DIR --ngpu 8                   the paper's
#   ./run.sh --corpora ami,librispeech,tedlium3 --download true --unlabelled_set train \
#     --test_sets "ami_eval_ihm librispeech_test_clean tedlium3_test"      what everyone can fetch
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export corpus_options="
ami/           | downloads/ami | folder of each corpus, as its own recipe has it
broadcastnews/ | downloads/broadcastnews | LDC97S44, LDC98S71, LDC97T22, LDC98T28
commonvoice/   | downloads/commonvoice | a release; the folder with en
librispeech/   | downloads/LibriSpeech |
swbd/          | downloads/swbd | Switchboard, and eval2000 in it
fisher/        | downloads/fisher |
tedlium3/      | downloads/TEDLIUM_release-3 |
wsj/           | downloads/wsj |
chime6/        | downloads/CHiME6 | to test on, for sets like chime6_dev_gss
enhanced/      |         | CHiME-6's utterances, enhanced by GSS
librilight/    | downloads/librilight | to pre-train on, for sets like unlab_60k
mix/           | conf/mix/speechstew.yaml | which sets of them, and how often each is heard
corpora        | ami,broadcastnews,commonvoice,librispeech,swbd,fisher,tedlium3,wsj | those to mix
download       | false   | fetch what is public and not there
mirror         |         | where from, in place of the publishers' https://host
complete       | true    | every published utterance must be there; false for parts of the corpora
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train \
  --valid_set dev \
  --test_sets "ami_eval_ihm ami_eval_sdm commonvoice_test librispeech_test_clean librispeech_test_other \
swbd_eval2000_swbd swbd_eval2000_callhm tedlium3_test wsj_eval92" \
  --unlabelled_set unlab_60k \
  --token_type bpe --nbpe 1024 \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_xl_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt_xl.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  "$@"
