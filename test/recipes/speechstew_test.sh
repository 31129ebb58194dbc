#!/usr/bin/env bash
# egs2/speechstew/ssl1, all stages at smoke size, on real speech in the formats of four corpora.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mixed=ami,commonvoice,librispeech,tedlium3

lay_out_all() { for corpus in ${mixed//,/ }; do lay_out "$corpus" "corpus/$corpus"; done; }

folders=(--ami corpus/ami --commonvoice corpus/commonvoice --librispeech corpus/librispeech/LibriSpeech
  --tedlium3 corpus/tedlium3)

test_all_stages_then_nothing_to_do_and_another_balance() {
  local sets="ami_eval_sdm tedlium3_test"
  local options=(--corpora "$mixed" --complete false "${folders[@]}" --unlabelled_set train
    --test_sets "$sets" --mix mix.yaml)
  lay_out_all
  cp "$recipe/conf/mix/speechstew.yaml" mix.yaml
  all_stages "$sets" "${options[@]}"
  shows "together"
  for corpus in ${mixed//,/ }; do
    grep -q "^$corpus-" smoke/data/train/text || fail "no $corpus in the mix"
  done
  [[ -s smoke/data/ami_eval_sdm/stm ]] || fail "no stm"
  sed -i 's|ami/train_ihm\]|ami/train_ihm], copies: 2|' mix.yaml
  smoke "${options[@]}" --stop_stage 1
  grep -q '^ami-.*@2 ' smoke/data/train/text || fail "no second copy"
}

test_what_is_missing_is_said() {
  lay_out_all
  rm -r corpus/tedlium3/TEDLIUM_release-3/legacy/dev
  sets="dev" expect 2 "$recipe/local/data.sh" --corpora tedlium3 --tedlium3 "$PWD/corpus/tedlium3" \
    --data "$PWD/data" --complete false
  shows "sets that are not there (1); first: $PWD/corpus/tedlium3/TEDLIUM_release-3/legacy/dev/stm"
  [[ ! -e data/dev/wav.scp ]] || fail "a set was written"
  sets="dev" expect 2 "$recipe/local/data.sh" --corpora timit --data "$PWD/data"
  shows "--corpora timit: expected some of ami broadcastnews"
}

run_tests
