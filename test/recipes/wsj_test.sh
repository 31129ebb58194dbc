#!/usr/bin/env bash
# egs2/wsj/ssl1, all stages at smoke size, on real speech in WSJ's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/../shell/lib.sh"
recipe=$repo/egs2/wsj/ssl1
export OMP_NUM_THREADS=1

lay_out() { PYTHONPATH=$repo:$repo/test "$repo/.venv/bin/python" -m corpora.wsj "$1"; }

test_all_stages_then_nothing_to_do() {
  local run=("$recipe/run.sh" --size smoke --nj 1 --wsj corpus --complete false --workdir smoke)
  lay_out corpus
  mkdir smoke
  expect 0 "${run[@]}"
  shows "333 utterances, 5,643 words"
  shows "10/10 report      ran"
  for set in dev93 eval92 eval93; do
    grep -q '^%WER' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/wer || fail "no score of $set"
  done
  [[ -s smoke/RESULTS.md ]] || fail "no results"
  expect 0 "${run[@]}"
  shows "nothing to do"
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out corpus
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
