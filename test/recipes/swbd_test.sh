#!/usr/bin/env bash
# egs2/swbd/ssl1, all stages at smoke size, on real speech in Switchboard's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test_all_stages_then_nothing_to_do() {
  lay_out swbd corpus
  all_stages "eval2000_swbd eval2000_callhm" --swbd corpus --complete false
  shows "(1,831 utterances scored by Kaldi)"
  [[ -s smoke/data/eval2000_swbd/stm && -s smoke/data/eval2000_swbd/glm ]] || fail "no stm or glm"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out swbd corpus
  rm corpus/LDC2002T43/2000_hub5_eng_eval_tr/reference/*.glm
  sets="train_nodup eval2000" expect 2 "$recipe/local/data.sh" --swbd "$PWD/corpus" --data "$PWD/data"
  shows "another number of transcripts than is published (1); first: 8, the archive has 4876"
  shows "another number of calls than is published (1); first: 4 of 2438"
  shows "parts of eval2000 that are not there (1)"
  [[ ! -e data/train_nodup ]] || fail "a set was written"
}

test_fisher_is_there_to_pre_train_on() {
  lay_out fisher fisher
  sets="train_fisher" expect 0 "$recipe/local/data.sh" --fisher "$PWD/fisher" --data "$PWD/data" --complete false
  shows "11,699 calls"
  [[ -s data/train_fisher/wav.scp ]] || fail "no set"
}

run_tests
