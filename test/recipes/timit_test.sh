#!/usr/bin/env bash
# egs2/timit/ssl1, all stages at smoke size, on real speech in TIMIT's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test_all_stages_then_nothing_to_do() {
  lay_out timit corpus
  all_stages "dev test" --timit corpus --complete false
  shows "192 utterances, 7,215 phones"
  grep -q '^%PER' smoke/exp/asr_*/decode_greedy/test/score_wer/per || fail "no phone error rate"
  grep -qx vcl smoke/data/token_list/word/tokens.txt || fail "no phones among the tokens"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out timit corpus
  rm corpus/TIMIT/TEST/DR1/FELC0/SX37.PHN
  sets="test" expect 2 "$recipe/local/data.sh" --timit "$PWD/corpus" --data "$PWD/data"
  shows "TEST with another number of speakers than is published (1); first: $PWD/corpus/TIMIT/TEST has 4"
  shows "sentences without phones (1)"
  [[ ! -e data/test/wav.scp ]] || fail "a set was written"
  expect 2 "$recipe/local/data.sh" --timit "$PWD" --data "$PWD/data"
  shows "no folder TRAIN, nor in TIMIT; it is LDC93S1"
}

run_tests
