#!/usr/bin/env bash
# egs2/speechstew/ssl1, all stages at smoke size, on real speech in the formats of four corpora.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/../shell/lib.sh"
recipe=$repo/egs2/speechstew/ssl1
export OMP_NUM_THREADS=1
mixed=ami,commonvoice,librispeech,tedlium3

lay_out() {
  for corpus in ${mixed//,/ }; do
    PYTHONPATH=$repo:$repo/test "$repo/.venv/bin/python" -m "corpora.$corpus" "corpus/$corpus"
  done
}

folders=(--ami corpus/ami --commonvoice corpus/commonvoice --librispeech corpus/librispeech/LibriSpeech
  --tedlium3 corpus/tedlium3)

test_all_stages_then_nothing_to_do_and_another_balance() {
  local run=("$recipe/run.sh" --size smoke --nj 1 --workdir smoke --corpora "$mixed" --complete false
    "${folders[@]}" --unlabelled_set train --test_sets "ami_eval_sdm tedlium3_test")
  lay_out
  cp "$recipe/conf/mix/speechstew.yaml" mix.yaml
  mkdir smoke
  expect 0 "${run[@]}" --mix mix.yaml
  shows "together"
  shows "10/10 report      ran"
  for corpus in ${mixed//,/ }; do
    grep -q "^$corpus-" smoke/data/train/text || fail "no $corpus in the mix"
  done
  for set in ami_eval_sdm tedlium3_test; do
    grep -q '^%WER' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/wer || fail "no score of $set"
  done
  [[ -s smoke/data/ami_eval_sdm/stm ]] || fail "no stm"
  expect 0 "${run[@]}" --mix mix.yaml
  shows "nothing to do"
  sed -i 's|ami/train_ihm\]|ami/train_ihm], copies: 2|' mix.yaml
  expect 0 "${run[@]}" --mix mix.yaml --stop_stage 1
  grep -q '^ami-.*@2 ' smoke/data/train/text || fail "no second copy"
}

test_what_is_missing_is_said() {
  lay_out
  rm -r corpus/tedlium3/TEDLIUM_release-3/legacy/dev
  sets="dev" expect 2 "$recipe/local/data.sh" --corpora tedlium3 --tedlium3 "$PWD/corpus/tedlium3" \
    --data "$PWD/data" --complete false
  shows "sets that are not there (1); first: $PWD/corpus/tedlium3/TEDLIUM_release-3/legacy/dev/stm"
  [[ ! -e data/dev/wav.scp ]] || fail "a set was written"
  sets="dev" expect 2 "$recipe/local/data.sh" --corpora timit --data "$PWD/data"
  shows "--corpora timit: expected some of ami broadcastnews"
}

run_tests
