#!/usr/bin/env bash
# egs2/ami/ssl1, all stages at smoke size, on real speech in AMI's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_sctk="from espnet_ext.score.nist import find_sctk; print(find_sctk() or '')"

test_all_stages_then_nothing_to_do() {
  lay_out ami corpus
  all_stages "eval_ihm eval_sdm" --ami corpus --unlabelled_set train_ihm --test_sets "eval_ihm eval_sdm"
  shows "AMI, sdm:"
  for set in eval_ihm eval_sdm; do
    [[ -s smoke/data/$set/stm && -s smoke/data/$set/glm ]] || fail "no stm or glm of $set"
    if [[ -n $("$repo/.venv/bin/python" -c "$find_sctk") ]]; then
      grep -q '^%WER' smoke/exp/asr_*/decode_greedy/"$set"/score_nist/wer || fail "no NIST score of $set"
    fi
  done
}

test_what_is_missing_is_said_before_anything_runs() {
  lay_out ami corpus
  rm corpus/amicorpus/ES2011a/audio/ES2011a.Headset-2.wav
  mkdir data
  sets="dev_ihm" expect 2 "$recipe/local/data.sh" --ami "$PWD/corpus" --data "$PWD/data"
  shows "meetings that meetings.xml does not have (17); first: ES2011b"
  shows "recordings that are not there (1); first: $PWD/corpus/amicorpus/ES2011a/audio/ES2011a.Headset-2.wav"
  sets="dev_ihm dev_lapel" expect 2 "$recipe/local/data.sh" --ami "$PWD/corpus" --data "$PWD/data"
  shows "no set dev_lapel"
  [[ -z $(ls data) ]] || fail "something was written: $(ls data)"
}

run_tests
