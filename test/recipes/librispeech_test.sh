#!/usr/bin/env bash
# egs2/librispeech/ssl1, all stages at smoke size, on real speech in LibriSpeech's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test_all_stages_then_nothing_to_do() {
  local options=(--librispeech corpus --test_sets "dev_clean test_other")
  lay_out librispeech corpus
  all_stages "dev_clean test_other" "${options[@]}"
  shows "train_960                12     0.01  281,241"
  smoke "${options[@]}" --train_set train_10h --stop_stage 2 # of the archive beside LibriSpeech
  [[ $(wc -l <smoke/data/train_10h/text) -eq 12 ]] || fail "$(cat smoke/data/train_10h/text)"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out librispeech corpus
  rm -r corpus/LibriSpeech/test-other
  sets="dev test_other" expect 2 "$recipe/local/data.sh" --librispeech "$PWD/corpus" --data "$PWD/data"
  shows "subsets that are not there (1); first: $PWD/corpus/LibriSpeech/test-other; --download true"
  shows "set dev of another size than is published (1); first: 8 utterances, published are 5,567"
  [[ ! -e data/dev/wav.scp ]] || fail "a set was written"
}

run_tests
