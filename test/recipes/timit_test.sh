#!/usr/bin/env bash
# egs2/timit/ssl1, all stages at smoke size, on real speech in TIMIT's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/../shell/lib.sh"
recipe=$repo/egs2/timit/ssl1
export OMP_NUM_THREADS=1

lay_out() { PYTHONPATH=$repo:$repo/test "$repo/.venv/bin/python" -m corpora.timit "$1"; }

test_all_stages_then_nothing_to_do() {
  local run=("$recipe/run.sh" --size smoke --nj 1 --timit corpus --complete false --workdir smoke)
  lay_out corpus
  mkdir smoke
  expect 0 "${run[@]}"
  shows "192 utterances, 7,215 phones"
  shows "10/10 report      ran"
  for set in dev test; do
    grep -q '^%PER' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/per || fail "no score of $set"
  done
  grep -qx vcl smoke/data/token_list/word/tokens.txt || fail "no phones among the tokens"
  [[ -s smoke/RESULTS.md ]] || fail "no results"
  expect 0 "${run[@]}"
  shows "nothing to do"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out corpus
  rm corpus/TIMIT/TEST/DR1/FELC0/SX37.PHN
  sets="test" expect 2 "$recipe/local/data.sh" --timit "$PWD/corpus" --data "$PWD/data"
  shows "TEST with another number of speakers than is published (1); first: $PWD/corpus/TIMIT/TEST has 4"
  shows "sentences without phones (1)"
  [[ ! -e data/test/wav.scp ]] || fail "a set was written"
  expect 2 "$recipe/local/data.sh" --timit "$PWD" --data "$PWD/data"
  shows "no folder TRAIN, nor in TIMIT; it is LDC93S1"
}

run_tests
