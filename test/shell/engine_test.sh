#!/usr/bin/env bash
# The stage driver: what runs again, what does not, and what it says about it.
# shellcheck disable=SC2016,SC2154,SC2329 # names from toy.sh; test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/lib.sh"
# shellcheck source=test/shell/toy.sh
source "$here/toy.sh"

test_second_run_does_nothing() {
  make_toy
  expect 0 "$run"
  local first_calls began
  first_calls=$(wc -l <"$calls")
  began=$SECONDS
  expect 0 "$run"
  shows "nothing to do"
  shows "test: %WER 12.50"
  [[ $(wc -l <"$calls") -eq $first_calls ]] || fail "the second run called something"
  [[ $((SECONDS - began)) -le 3 ]] || fail "the second run took $((SECONDS - began)) s"
}

test_changed_conf_reruns_what_depends_on_it() {
  make_toy
  expect 0 "$run"
  sed -i 's/0.001/0.002/' "$toy/conf/asr_rnnt.yaml"
  : >"$calls"
  expect 0 "$run"
  shows "conf/asr_rnnt.yaml optim_conf.lr: 0.001 -> 0.002"
  [[ $(called ssl_train) -eq 0 && $(called asr_train) -eq 1 && $(called score_wer) -eq 2 ]] ||
    fail "wrong commands:"$'\n'"$(cat "$calls")"
  [[ $(called resumed) -eq 0 ]] || fail "trained on from a checkpoint of another conf"
  [[ -f $toy/exp/.old/asr_rnnt_w2v.1/checkpoint.pth ]] || fail "the earlier experiment is lost"
}

test_changed_option_says_why_and_same_content_stops_the_wave() {
  make_toy
  expect 0 "$run"
  : >"$calls"
  expect 0 "$run" --nbpe 19
  shows "option nbpe: 20 -> 19"
  # the played scorer does not depend on its tokens: the confidences stay as they are
  shows "5/10 confidence: up to date after all"
  [[ $(called dump_confidence) -eq 0 ]] || fail "dumped confidences of an unchanged scorer"
}

test_another_search_does_not_run_the_network_again() {
  make_toy
  expect 0 "$run"
  shows "test: 0.0123 real-time factor"
  echo "nbest: 2" >>"$toy/conf/decode_greedy.yaml"
  : >"$calls"
  expect 0 "$run"
  shows "conf/decode_greedy.yaml nbest: not set -> 2"
  [[ $(called dump_emissions) -eq 0 && $(called "decode merge") -eq 2 ]] || fail "$(cat "$calls")"
  : >"$calls"
  expect 0 "$run" --test_sets "dev test train"
  [[ $(called "dump_emissions merge") -eq 1 && $(called "decode merge") -eq 3 ]] || fail "$(cat "$calls")"
  expect 2 "$run" --decode_config conf/w2v.yaml
  shows "w2v.yaml: unknown key 'max_epoch'"
  echo "decoder: transducer" >>"$toy/conf/asr_rnnt.yaml"
  expect 0 "$run" --dry_run
  shows "8/10 emissions   not needed: the RNN-T's search runs the network itself"
  printf 'search: lexicon\nngram: {order: 3}\n' >"$toy/conf/decode_lexicon.yaml"
  expect 2 "$run" --dry_run --decode_config conf/decode_lexicon.yaml
  shows "decode_lexicon.yaml: search: lexicon means nothing to an RNN-T; leave it out, or choose output: ctc"
  echo "output: ctc" >>"$toy/conf/decode_lexicon.yaml"
  expect 0 "$run" --dry_run --decode_config conf/decode_lexicon.yaml
  echo "model_conf: {ctc_weight: 0.0}" >>"$toy/conf/asr_rnnt.yaml"
  expect 2 "$run" --dry_run --decode_config conf/decode_lexicon.yaml
  shows "decode_lexicon.yaml: output: ctc, which the recogniser lacks; its conf needs model_conf: {ctc_weight: 0.3}"
  expect 0 "$run" --dry_run --decode_config conf/decode_lexicon.yaml --asr_args "--model_conf ctc_weight=0.5"
  echo "tune: {trails: 8}" >>"$toy/conf/decode_lexicon.yaml"
  expect 2 "$run" --dry_run --decode_config conf/decode_lexicon.yaml --asr_args "--model_conf ctc_weight=0.5"
  shows "decode_lexicon.yaml: tune: unknown key 'trails'"
  sed -i 's/trails: 8/set: test/' "$toy/conf/decode_lexicon.yaml"
  expect 2 "$run" --dry_run --decode_config conf/decode_lexicon.yaml --asr_args "--model_conf ctc_weight=0.5"
  shows "test: neither the valid set nor named dev"
}

test_comments_and_nj_change_nothing() {
  make_toy
  expect 0 "$run"
  echo "# a remark" >>"$toy/conf/asr_rnnt.yaml"
  touch "$toy"/data/*/*
  expect 0 "$run" --nj 1
  shows "nothing to do"
}

test_more_epochs_go_on_from_the_checkpoint() {
  make_toy
  expect 0 "$run" --stop_stage 7
  sed -i 's/max_epoch: 3/max_epoch: 5/' "$toy/conf/asr_rnnt.yaml"
  : >"$calls"
  expect 0 "$run" --stop_stage 7
  shows "max_epoch: 3 -> 5"
  grep -q "resumed from epoch 3" "$calls" || fail "started anew: $(cat "$calls")"
}

test_missing_or_damaged_output_is_made_again() {
  make_toy
  expect 0 "$run"
  rm "$toy/exp/asr_rnnt_w2v/decode_greedy/dev/text"
  : >"$toy/dump/dev/speech_shape"
  : >"$calls"
  expect 0 "$run"
  shows "decode_greedy/dev/text is missing"
  shows "dump/dev/speech_shape is not as this stage left it"
  [[ $(called validate) -eq 4 && $(called "decode merge") -eq 2 && $(called asr_train) -eq 0 ]] ||
    fail "wrong commands:"$'\n'"$(cat "$calls")"
}

descendants() {
  local child
  for child in $(ps -o pid= --ppid "$1"); do descendants "$child" && echo "$child"; done
}

killed_in_stage_6() { # start, wait until one epoch of pre-training is done, then kill -9 `$1`; [SECONDS]
  local pid
  EPOCH_SECONDS=${2:-0.5} "$run" --stop_stage 7 >first.log 2>&1 &
  pid=$!
  for _ in {1..900}; do # a busy machine takes its time
    [[ ! -s $toy/exp/ssl_w2v/checkpoint.pth ]] || break
    sleep 0.1
  done
  # shellcheck disable=SC2046
  if [[ $1 == all ]]; then kill -9 "$pid" $(descendants "$pid"); else kill -9 "$pid"; fi
  wait "$pid" 2>/dev/null || true
  [[ ! -f $toy/exp/ssl_w2v/.done/pretrain.json ]] || fail "a marker of a stage that did not end"
}

test_kill_9_then_go_on() {
  make_toy
  expect 0 "$run" --stop_stage 7
  local whole
  whole=$(cat "$toy/exp/asr_rnnt_w2v/latest.pth")
  rm -rf "$toy/data" "$toy/dump" "$toy/exp"
  killed_in_stage_6 all
  : >"$calls"
  expect 0 "$run" --stop_stage 7
  shows "pretrain    did not finish; goes on"
  shows "scorer      up to date"
  grep -q "resumed from epoch" "$calls" || fail "started anew: $(cat "$calls")"
  [[ $(cat "$toy/exp/asr_rnnt_w2v/latest.pth") == "$whole" ]] || fail "another result than unbroken"
}

test_kill_9_of_the_driver_alone_waits_for_its_training() {
  make_toy
  killed_in_stage_6 driver 4 # its training outlives the checks before stage 6
  expect 0 "$run" --stop_stage 7
  shows "waiting: another run is in stage pretrain"
  [[ $(cat "$toy/exp/ssl_w2v/checkpoint.pth") -eq 3 ]] || fail "not trained to the end"
}

test_a_signal_to_the_driver_alone_stops_its_training() {
  make_toy
  local pid
  expect 0 "$run" --stop_stage 5
  EPOCH_SECONDS=60 "$run" --stop_stage 7 >first.log 2>&1 &
  pid=$!
  for _ in {1..900}; do
    [[ $(called ssl_train) -eq 0 ]] || break
    sleep 0.1
  done
  [[ $(called ssl_train) -eq 1 ]] || fail "$(cat first.log)"
  kill -TERM "$pid"
  SECONDS=0
  wait "$pid" && fail "a stopped run counts as a success"
  ((SECONDS < 50)) || fail "the driver waited for its training"
  grep -q "interrupted; the same command goes on from here" first.log || fail "$(cat first.log)"
  EPOCH_SECONDS=0 expect 0 "$run" --stop_stage 7
  hides "waiting: another run"
}

test_conf_changed_after_a_kill_starts_anew() {
  make_toy
  killed_in_stage_6 all
  echo "seed: 7" >>"$toy/conf/w2v.yaml"
  : >"$calls"
  expect 0 "$run" --stop_stage 7
  shows "conf/w2v.yaml seed: not set -> 7"
  [[ $(called resumed) -eq 0 ]] || fail "trained on from a checkpoint of another conf"
}

test_failing_stage_stops_and_goes_on_later() {
  make_toy
  sed -i 's/^  decode)$/&\n    [[ ! -e broken ]] || { echo "no such beam"; exit 1; }/' python
  touch "$toy/broken"
  expect 1 "$run"
  shows "no such beam"
  shows "stage 8 (search) failed"
  [[ $(called score_wer) -eq 0 ]] || fail "went on after a failure"
  rm "$toy/broken"
  : >"$calls"
  expect 0 "$run"
  [[ $(called ssl_train) -eq 0 && $(called score_wer) -eq 2 ]] || fail "$(cat "$calls")"
}

test_a_failing_command_ends_its_stage() {
  make_toy
  sed -i 's/^  dump_confidence)$/&\n    [[ ${arg[data]}${arg[job]:-} != *unlabelled2 ]] || exit 1/' python
  expect 1 "$run"
  shows "stage 5 (confidence) failed"
  [[ $(called "dump_confidence merge") -eq 0 ]] || fail "joined what a failed job left: $(cat "$calls")"
}

test_dry_run_writes_nothing() {
  make_toy
  local before
  before=$(find egs2 | sort)
  expect 0 "$run" --dry_run
  shows "6/10 pretrain    not run yet"
  [[ $(find egs2 | sort) == "$before" && ! -s $calls ]] || fail "something was written or called"
}

test_wrong_use_is_one_line() {
  make_toy
  expect 2 "$run" --nbp 30
  shows "error: unknown option --nbp; did you mean --nbpe"
  expect 2 "$run" --stage two
  shows "--stage 'two': expected a whole number"
  expect 2 "$run" --size huge
  expect 2 "$run" --nj
  shows "--nj needs a value"
  expect 2 "$run" --asr_config conf/asr_rntt.yaml
  shows "conf/asr_rntt.yaml: no such conf; did you mean 'asr_rnnt.yaml'?"
  expect 2 "$run" --stage 7
  shows "missing; stage 7 (finetune) reads it, which stage 1 (data) makes; run --stage 1"
  [[ $(wc -l <<<"$output") -eq 1 ]] || fail "more than one line: $output"
  [[ ! -s $calls ]] || fail "something ran: $(cat "$calls")"
}

test_odd_values_never_become_shell_code() {
  make_toy
  expect 1 "$run" --train_set '$(touch oops);`touch oops`' --stop_stage 1
  [[ -z $(find . -name oops) ]] || fail "an option's value was run"
}

test_scorer_only_where_confidence_is_wanted() {
  make_toy
  echo "masker: random" >"$toy/conf/w2v.yaml"
  expect 0 "$run" --stop_stage 7
  shows "scorer      not needed: conf/w2v.yaml reads no confidences"
  [[ $(called dump_confidence) -eq 0 ]] || fail "$(cat "$calls")"
  printf 'masker: random\nutterance_weight: confidence\n' >"$toy/conf/weighed.yaml"
  expect 0 "$run" --ssl_config conf/weighed.yaml --dry_run
  ! grep -Eq "(scorer|confidence) +not needed" <<<"$output" || fail "$output"
  expect 0 "$run" --stage 4 --stop_stage 4 # asked for by name
  [[ -f $toy/exp/scorer_ctc/valid.loss.ave.pth ]] || fail "no scorer"
  expect 0 "$run" --ssl_exp none --seed 2
  shows "pretrain    not needed: --ssl_exp none"
  [[ -f $toy/exp/asr_rnnt_scratch_seed2/valid.loss.ave.pth ]] || fail "$(ls "$toy/exp")"
}

test_labels_only_where_they_are_predicted() {
  make_toy
  expect 0 "$run" --stop_stage 6
  shows "5/10 labels      not needed: conf/w2v.yaml predicts no labels"
  printf 'masker: random\nmax_epoch: 3\ntargets: {x: {name: labels, conf: {sizes: [9, 4]}}}\n' >"$toy/conf/hubert.yaml"
  : >"$calls"
  expect 0 "$run" --stop_stage 6 --ssl_config conf/hubert.yaml
  shows "5/10 confidence  not needed"
  [[ $(called train_kmeans) -eq 1 && $(called "dump_labels job") -eq 4 && $(called "dump_labels merge") -eq 2 ]] ||
    fail "$(cat "$calls")"
  [[ -f $toy/dump/unlabelled/labels_mfcc_9-4_40ms.scp && -f $toy/exp/ssl_hubert/latest.pth ]] || fail "$(ls "$toy"/*)"
  : >"$calls"
  expect 0 "$run" --stop_stage 6 --ssl_config conf/hubert.yaml
  shows "nothing to do"
  sed -i 's/9, 4/9, 3/' "$toy/conf/hubert.yaml"
  expect 0 "$run" --stage 5 --stop_stage 6 --ssl_config conf/hubert.yaml
  [[ $(called dump_confidence) -eq 0 && -f $toy/exp/.old/ssl_hubert.1/latest.pth ]] || fail "$(cat "$calls")"
}

test_labels_of_a_layer_of_an_earlier_iteration() {
  make_toy
  printf 'masker: random\nmax_epoch: 3\ntargets: {x: {name: labels, conf: {sizes: [9]}}}\n' >"$toy/conf/hubert.yaml"
  expect 0 "$run" --stop_stage 6 --ssl_config conf/hubert.yaml
  local again=("$run" --stop_stage 6 --ssl_config conf/hubert.yaml --labels_exp exp/ssl_hubert --labels_layer 2)
  expect 0 "${again[@]}"
  [[ -f $toy/exp/kmeans_hubert_l2_9_40ms/kmeans.npz && -f $toy/exp/ssl_hubert_on_hubert_l2/latest.pth ]] ||
    fail "$(ls "$toy/exp")"
  expect 0 "${again[@]}"
  shows "nothing to do"
  echo "seed: 2" >>"$toy/conf/hubert.yaml"
  expect 0 "$run" --stop_stage 6 --ssl_config conf/hubert.yaml
  expect 0 "${again[@]}" --dry_run
  shows "5/10 labels      exp/ssl_hubert/config.yaml changed"
  expect 2 "${again[@]}" --ssl_tag hubert
  shows "would be trained on its own labels; give another --ssl_tag"
  expect 2 "$run" --ssl_config conf/hubert.yaml --labels_exp exp/ssl_hubert
  shows "--labels_exp and --labels_layer go together"
  expect 2 "$run" --labels_exp exp/ssl_hubert --labels_layer 2
  shows "conf/w2v.yaml predicts no labels"
}

test_given_experiments_are_used() {
  make_toy
  expect 0 "$run" --stop_stage 6
  mv "$toy/exp/ssl_w2v" "$toy/exp/ssl_mine"
  : >"$calls"
  (cd "$toy/exp" && expect 0 "$run" --ssl_exp ssl_mine)
  [[ $(called ssl_train) -eq 0 && -f $toy/exp/asr_rnnt_mine/latest.pth ]] || fail "$(cat "$calls")"
}

test_fine_tuning_from_an_early_epoch() {
  make_toy
  expect 0 "$run" --stop_stage 7 --ssl_epoch 2 # also where the pre-training is still to run
  shows "7/10 finetune"
  grep -q "'--init_exp' 'exp/ssl_w2v' '--init_epoch' '2'" "$toy/exp/asr_rnnt_w2v@2ep/train.log" ||
    fail "$(head -n 1 "$toy/exp/asr_rnnt_w2v@2ep/train.log")"
  expect 0 "$run" --stop_stage 7 --ssl_epoch best
  grep -q "'--init_epoch' 'best'" "$toy/exp/asr_rnnt_w2v@best/train.log" ||
    fail "$(head -n 1 "$toy/exp/asr_rnnt_w2v@best/train.log")"
  expect 2 "$run" --stage 7 --ssl_epoch worst
  shows "--ssl_epoch 'worst': expected a whole number or best"
  expect 2 "$run" --stage 7 --ssl_epoch 9
  shows "ssl_w2v/9epoch.pth: missing; stage 7 (finetune) reads it, which stage 6 (pretrain) makes"
}

test_seeds_of_pre_training_and_of_fine_tuning_have_folders_of_their_own() {
  make_toy
  expect 0 "$run" --stop_stage 7 --seed 1
  expect 0 "$run" --stop_stage 7 --ssl_seed 1
  expect 0 "$run" --stop_stage 7 --ssl_seed 1 --seed 1
  local name
  for name in ssl_w2v ssl_w2v_sslseed1 asr_rnnt_w2v_seed1 asr_rnnt_w2v_sslseed1 asr_rnnt_w2v_sslseed1_seed1; do
    [[ -f $toy/exp/$name/latest.pth ]] || fail "$name: $(ls "$toy/exp")"
  done
  [[ ! -e $toy/exp/.old ]] || fail "one took another's place: $(ls "$toy/exp/.old")"
}

test_a_recipes_own_options_reach_its_data_sh() {
  make_toy
  sed -i '2i export corpus_options="\n  corpus/ | | folder\n  speakers | chapter | ids\n"' "$run"
  mkdir "$toy/conf/chapter" "my corpus"
  expect 0 "$run" --stop_stage 1 --corpus "my corpus"
  [[ $(head -n 1 "$calls") == "data --corpus $PWD/my corpus --speakers chapter for train dev test unlabelled" ]] ||
    fail "$(cat "$calls")"
  expect 0 "$run" --stop_stage 1 --corpus "my corpus" --speakers plain --dry_run
  shows "option speakers: chapter -> plain"
  expect 0 "$run" --help
  shows "--speakers        ids [chapter]"
}

test_smoke_keeps_to_itself() {
  make_toy
  expect 0 "$run" --size smoke
  [[ $(ls "$toy") == $'conf\nexp\nlocal\nrun.sh' && $(ls "$toy/exp") == smoke ]] ||
    fail "found: $(ls "$toy" "$toy/exp")"
  [[ $(cat "$toy/exp/smoke/exp/ssl_w2v/checkpoint.pth") -eq 2 ]] || fail "not two epochs"
}

test_marker_tells_time_and_inputs() {
  make_toy
  EPOCH_SECONDS=0.4 expect 0 "$run" --stop_stage 4
  "$REAL_PYTHON" - "$toy/exp/scorer_ctc/.done/scorer.json" <<'TXT' || fail "marker"
import json, sys
marker = json.load(open(sys.argv[1]))
assert marker["seconds"] >= 1, marker
assert marker["options"]["nbpe"] == "20" and "data/train" in marker["inputs"], marker
TXT
}

run_tests
