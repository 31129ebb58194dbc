#!/usr/bin/env bash
# Fine-tuning with several seeds: which runs are made, and which is chosen.
# shellcheck disable=SC2154,SC2329 # names from lib.sh and toy.sh; test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/lib.sh"
# shellcheck source=test/shell/toy.sh
source "$here/toy.sh"

# A run.sh whose errors on dev are those of its seed in the table, and on test the other way round.
table_run() {
  seeds=$repo/egs2/TEMPLATE/ssl1/seeds.sh
  cat >run.sh <<'TXT'
#!/usr/bin/env bash
echo "$*" >>calls
[[ $* == *"--seed 2"* ]] && errors=9 || errors=11
[[ $* != *lr=3e-5* ]] || errors=$((errors - 1))
echo "some stage's own line"
echo "dev: %WER $errors.00 [ $errors / 100, 0 ins, 0 del, $errors sub ]  [exp/x/dev/score_wer/wer]"
echo "test: %WER $((30 - errors)).00 [ $((30 - errors)) / 100, 0 ins, 0 del, 1 sub ]  [exp/x/test/score_wer/wer]"
TXT
  chmod +x run.sh
}

test_the_best_on_the_chosen_set_is_shown_with_its_other_sets() {
  table_run
  expect 0 "$seeds" --seeds "1 2 3" --choose_by dev ./run.sh --ngpu 8
  shows "best on dev: seed2"
  shows "test: %WER 21.00"
  [[ $(cat calls) == $'--ngpu 8 --seed 1\n--ngpu 8 --seed 2\n--ngpu 8 --seed 3' ]] || fail "$(cat calls)"
}

test_every_rate_has_every_seed_and_a_name() {
  table_run
  expect 0 "$seeds" --seeds "1 2" --rates "2e-5 3e-5" --choose_by dev ./run.sh --asr_tag x --asr_args "--max_epoch 3"
  shows "best on dev: lr3e-5_seed2"
  [[ $(grep -c . calls) -eq 4 ]] || fail "$(cat calls)"
  grep -qx -- "--asr_args --max_epoch 3 --optim_conf lr=2e-5 --asr_tag x_lr2e-5_seed1 --seed 1" calls || fail "$(cat calls)"
}

test_what_cannot_be_is_one_line() {
  table_run
  expect 2 "$seeds" --choose_by dev
  shows "no run.sh to call"
  expect 2 "$seeds" ./run.sh
  shows "--choose_by: name the set that chooses"
  expect 2 "$seeds" --seeds "one" --choose_by dev ./run.sh
  shows "expected whole numbers"
  expect 2 "$seeds" --rates 2e-5 --choose_by dev ./run.sh
  shows "--asr_tag"
  expect 2 "$seeds" --seeds 1 --choose_by dev_other ./run.sh
  shows "no %WER of 'dev_other'"
  expect 0 "$seeds" --help
  shows "--seeds"
}

test_under_the_real_driver_each_seed_is_an_experiment() {
  make_toy
  expect 0 "$repo/egs2/TEMPLATE/ssl1/seeds.sh" --seeds "1 2" --choose_by dev "$run" --ssl_exp none --stop_stage 9
  [[ -d $toy/exp/asr_rnnt_scratch_seed1 && -d $toy/exp/asr_rnnt_scratch_seed2 ]] || fail "$(ls "$toy/exp")"
  shows "best on dev: seed1"
}

run_tests
