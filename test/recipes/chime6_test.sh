#!/usr/bin/env bash
# egs2/chime6/ssl1, all stages at smoke size, on real speech in CHiME-6's format.
# shellcheck disable=SC2154,SC2329 # test_* are called by run_tests
# shellcheck source=test/recipes/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
python=$repo/.venv/bin/python
export OMP_NUM_THREADS=1 PYTHONPATH=$repo:$repo/test

test_all_stages_then_nothing_to_do_then_rooms_and_zero_shot() {
  lay_out chime6 corpus
  all_stages "dev_gss eval_gss" --chime6 corpus --enhanced corpus/enhanced --unlabelled_set train_worn
  for set in dev_gss eval_gss; do
    grep -q '^S.*_[A-Z]* .*raw' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/per_session_location ||
      fail "no score of the rooms of $set"
  done
  # the commands of README.md
  sets="eval_gss" expect 0 "$recipe/local/data.sh" --chime6 "$PWD/corpus" --enhanced "$PWD/corpus/enhanced" \
    --case upper --data "$PWD/upper" --complete false
  local exp=(smoke/exp/asr_*)
  local decode=("$python" -m espnet_ext.bin.decode --exp "${exp[0]}"
    --config "$recipe/conf/decode_greedy.yaml" --data upper/eval_gss --out zero_shot)
  expect 0 "${decode[@]}"
  expect 0 "${decode[@]}" --merge true
  expect 0 "$python" -m espnet_ext.bin.score_wer --ref upper/eval_gss/text --hyp zero_shot/text \
    --rules chime6 --utt2spk upper/eval_gss/utt2session_location --out zero_shot/score
  grep -q '^S01_KITCHEN .*raw' zero_shot/score/per_spk || fail "$(cat zero_shot/score/per_spk)"
}

test_chime7s_split_is_refused() {
  lay_out chime6 corpus
  cp corpus/CHiME6/transcriptions/{train/S03,eval/S19}.json
  sets="eval_ref" expect 2 "$recipe/local/data.sh" --chime6 "$PWD/corpus" --data "$PWD/data"
  shows "sessions that CHiME-7's split has in eval"
}

run_tests
