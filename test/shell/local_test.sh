#!/usr/bin/env bash
# jobs/local.sh: JOB, logs, failures, stopping.
# shellcheck disable=SC2016,SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/lib.sh"
local_sh=$repo/egs2/TEMPLATE/ssl1/jobs/local.sh

test_job_becomes_its_number_and_odd_arguments_arrive_whole() {
  expect 0 "$local_sh" JOB=1:3 "logs/a b.JOB.log" printf '<%s>' JOB x/JOB.JOB text_JOB /JOBS/JOB1 \
    'a  b' '$(touch oops)`touch oops`' "it's" '*' "" ';' $'two\nlines'
  [[ $(grep -a '^<' "logs/a b.2.log") == '<2><x/2.2><text_2></JOBS/JOB1><a  b><$(touch oops)`touch oops`><it'"'"'s><*><><;><two' ]] ||
    fail "$(cat "logs/a b.2.log")"
  [[ $(find . -name '*.log' | wc -l) -eq 3 && ! -e oops ]] || fail "$(ls -R)"
}

test_failing_job_shows_its_log() {
  expect 1 "$local_sh" JOB=1:3 logs/x.JOB.log bash -c 'echo this is JOB; [[ JOB != 2 ]]'
  shows "this is 2"
  hides "this is 1"
  shows "1 of 3 jobs failed (2); log: logs/x.2.log"
}

test_killed_job_has_failed() {
  expect 1 "$local_sh" JOB=1:2 x.JOB.log bash -c 'kill -9 $$'
  shows "2 of 2 jobs failed"
}

test_no_more_than_nj_max_at_a_time() {
  expect 0 "$local_sh" --nj_max 2 JOB=1:5 logs/x.JOB.log \
    bash -c 'touch on.JOB; ls on.* | wc -l; sleep 0.2; rm on.JOB'
  grep -hv '^#' logs/*.log | sort -n | tail -n 1 >most
  [[ $(cat most) -eq 2 ]] || fail "$(cat most) at a time"
}

test_header_and_footer() {
  expect 0 "$local_sh" x.log echo hello
  expect 0 "$local_sh" x.log echo again
  grep -q "^# 'echo' 'again'" x.log || fail "$(cat x.log)"
  grep -q "^# started .* on " x.log || fail "$(cat x.log)"
  grep -q "with status 0 after [0-9]* s$" x.log || fail "$(cat x.log)"
  grep -q hello x.log.old || fail "the log before is gone"
}

test_one_job_may_show_progress_many_may_not() {
  expect 0 "$local_sh" x.log bash -c 'echo "bar" >&"$ESPNET_EXT_PROGRESS_FD"'
  shows "bar"
  expect 0 "$local_sh" JOB=1:2 x.JOB.log bash -c 'echo "fd=${ESPNET_EXT_PROGRESS_FD:-none}"'
  grep -q fd=none x.1.log || fail "$(cat x.1.log)"
}

test_stopping_stops_the_jobs() {
  "$local_sh" JOB=1:2 x.JOB.log bash -c 'echo $$ >pid.JOB; sleep 60 & wait' &
  local pid=$!
  for _ in {1..200}; do [[ -s pid.1 && -s pid.2 ]] || sleep 0.1; done
  kill -TERM "$pid"
  wait "$pid" && fail "a stopped run counts as a success"
  for job in 1 2; do
    for _ in {1..200}; do # on a busy machine a signal takes its time; the job itself would take 60 s
      is_running "$(cat "pid.$job")" && sleep 0.1
    done
    ! is_running "$(cat "pid.$job")" || fail "job $job is still running"
  done
}

test_a_suspended_job_is_waited_for() {
  "$local_sh" x.log bash -c 'echo $$ >pid; sleep 2' &
  local driver=$!
  for _ in {1..200}; do [[ -s pid ]] || sleep 0.1; done
  kill -STOP -- "-$(ps -o pgid= -p "$(cat pid)" | tr -d ' ')"
  sleep 0.5
  kill -CONT -- "-$(ps -o pgid= -p "$(cat pid)" | tr -d ' ')"
  wait "$driver" || fail "a job that was suspended counts as failed"
}

is_running() { # a process that has ended, but that nobody has asked for yet, is not running
  [[ $(ps -o stat= -p "$1") == [!Z]* ]]
}

test_wrong_use() {
  expect 2 "$local_sh" --nj 2 x.log true
  shows "unknown option '--nj'"
  expect 2 "$local_sh" JOB=1:3 x.log true
  shows "3 jobs would share the log x.log"
  expect 2 "$local_sh" --num_nodes 2 x.log true
  shows "use --jobs slurm"
}

run_tests
