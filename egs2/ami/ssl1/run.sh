#!/usr/bin/env bash
# AMI: pre-train on Libri-light, fine-tune on meetings, test on headsets and the far microphone (Ask2Mask,
# Table 3). README.md says more.
#
#   ./run.sh --ami /data/ami --librilight /data/librilight      the paper's
#   ./run.sh --ami /data/ami --unlabelled_set train_ihm         AMI alone
#   ./run.sh --ami downloads --download true --stop_stage 2     fetch and prepare the sets below
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export corpus_options="
ami/           | downloads/ami        | folder with ami_public_manual_1.6.2 and amicorpus
librilight/    | downloads/librilight | folder with small, medium, large: for sets like unlab_60k
enhanced/      |         | beamformed audio, for sets like eval_mdm
glm/           |         | NIST's english.glm, to put beside the stm files
download       | false   | fetch what is not there
mirror         |         | where from, in place of the publishers' https://host
complete       | true    | every meeting must be there; false for a part of the corpus
"
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" \
  --train_set train_ihm \
  --valid_set dev_ihm \
  --test_sets "dev_ihm eval_ihm dev_sdm eval_sdm" \
  --unlabelled_set unlab_60k \
  --token_type bpe --nbpe 1024 \
  --scorer_config "$here/conf/scorer_ctc.yaml" \
  --ssl_config "$here/conf/w2vbert_l_atm.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" \
  --decode_config "$here/conf/decode_greedy.yaml" \
  --nist_args "--rules ami" \
  "$@"
