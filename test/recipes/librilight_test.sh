#!/usr/bin/env bash
# egs2/librilight/ssl1, all stages at smoke size, on real speech in the formats of Libri-light and LibriSpeech.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/../shell/lib.sh"
recipe=$repo/egs2/librilight/ssl1
export OMP_NUM_THREADS=1

lay_out() {
  for corpus in librispeech librilight; do
    PYTHONPATH=$repo:$repo/test "$repo/.venv/bin/python" -m "corpora.$corpus" "$1"
  done
}

test_all_stages_by_ask2masks_rule_then_the_other_rule() {
  local run=("$recipe/run.sh" --size smoke --nj 1 --librilight corpus --librispeech corpus
    --workdir smoke --test_sets "dev_clean test_other")
  lay_out corpus
  mkdir smoke
  expect 0 "${run[@]}"
  shows "unlab_60k: 6 recordings, 0.11 hours (published: 219,041, 57,706.4)"
  shows "10/10 report      ran"
  for set in dev_clean test_other; do
    grep -q '^%WER' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/wer || fail "no score of $set"
  done
  expect 0 "${run[@]}" --rule w2v2 --stop_stage 2
  shows "option rule: atm -> w2v2"
  grep -q ' 9.500 19.900$' smoke/data/unlab_60k/segments || fail "$(cat smoke/data/unlab_60k/segments)"
}

run_tests
