#!/usr/bin/env bash
# egs2/librilight/ssl1, all stages at smoke size, on real speech in the formats of Libri-light and LibriSpeech.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test_all_stages_by_ask2masks_rule_then_the_other_rule() {
  local options=(--librilight corpus --librispeech corpus --test_sets "dev_clean test_other")
  lay_out librispeech corpus
  lay_out librilight corpus
  all_stages "dev_clean test_other" "${options[@]}"
  shows "unlab_60k: 6 recordings, 0.11 hours (published: 219,041, 57,706.4)"
  smoke "${options[@]}" --rule w2v2 --stop_stage 2
  shows "option rule: atm -> w2v2"
  grep -q ' 9.500 19.900$' smoke/data/unlab_60k/segments || fail "$(cat smoke/data/unlab_60k/segments)"
}

run_tests
