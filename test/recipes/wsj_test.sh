#!/usr/bin/env bash
# egs2/wsj/ssl1, all stages at smoke size, on real speech in WSJ's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test_all_stages_then_nothing_to_do() {
  lay_out wsj corpus
  all_stages "dev93 eval92 eval93" --wsj corpus --complete false
  shows "333 utterances, 5,643 words"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out wsj corpus
  rm corpus/13-16.1/WSJ1/SI_DT_20/4K0/4K0C0201.WV1
  sets="dev93 eval92" expect 2 "$recipe/local/data.sh" --wsj "$PWD/corpus" --data "$PWD/data"
  shows "utterances of dev93 that are on no disc (1); first: wsj1/si_dt_20/4k0/4k0c0201.wv1"
  shows "set eval92 of another size than is published (1); first: 6 utterances, published are 333"
  [[ ! -e data/eval92/wav.scp ]] || fail "a set was written"
  rm -r corpus/11-*
  rm -r corpus/13-*
  sets="dev93" expect 2 "$recipe/local/data.sh" --wsj "$PWD/corpus" --data "$PWD/data"
  shows "no wsj0 or wsj1 at any depth; it is LDC93S6A"
}

run_tests
