#!/usr/bin/env bash
# jobs/slurm.sh under a real Slurm of one node, on this machine.
#
#   test/shell/slurm_test.sh          starts munged, slurmctld and slurmd for itself, and stops them
#
# Needs root and Debian's slurm-wlm and munge (apt-get install slurm-wlm munge); skips otherwise.
# shellcheck disable=SC2016,SC2154,SC2329 # test_* are called by run_tests
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/shell/lib.sh
source "$here/lib.sh"
slurm_sh=$repo/egs2/TEMPLATE/ssl1/jobs/slurm.sh

skip_all() {
  echo "skip  slurm_test: $*"
  echo "0 passed, 0 failed"
  exit 0
}
[[ $(id -u) -eq 0 ]] || skip_all "needs root to start slurmctld and slurmd"
for program in slurmctld slurmd munged sbatch; do
  [[ -n $(PATH=$PATH:/usr/sbin command -v "$program") ]] ||
    skip_all "no $program; apt-get install slurm-wlm munge"
done
PATH=$PATH:/usr/sbin

cluster=$(mktemp -d /tmp/slurm.XXXXXX)
chmod 755 "$cluster"
started=()

stop_cluster() {
  local pid
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  wait
  rm -rf "$cluster"
}
trap stop_cluster EXIT

start_cluster() {
  local port=$((20000 + RANDOM % 10000)) host
  host=$(hostname -s)
  dd if=/dev/urandom of="$cluster/munge.key" bs=128 count=1 status=none
  chmod 400 "$cluster/munge.key"
  cat >"$cluster/slurm.conf" <<TXT
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=short Nodes=$host Default=NO MaxTime=INFINITE State=UP
TXT
  export SLURM_CONF=$cluster/slurm.conf
  mkdir "$cluster"/{state,spool}
  munged --foreground --force --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" \
    --pid-file="$cluster/munge.pid" --log-file="$cluster/munge.log" --seed-file="$cluster/munge.seed" \
    >"$cluster/munge.out" 2>&1 &
  started+=($!)
  slurmctld -D -i >"$cluster/ctld.out" 2>&1 &
  started+=($!)
  slurmd -D >"$cluster/slurmd.out" 2>&1 &
  started+=($!)
  for _ in {1..60}; do
    [[ $(sinfo -h -o %t 2>/dev/null) != idle* ]] || return 0
    sleep 0.5
  done
  tail -n 5 "$cluster"/*.log "$cluster"/*.out >&2
  return 1
}
start_cluster || skip_all "slurmctld did not come up here (its last words are above)"

# what a user writes into conf/cluster/local.env
echo "slurm_partition=short" >"$cluster/local.env"
export ESPNET_EXT_CLUSTER_ENV=$cluster/local.env

test_array_of_four() {
  expect 0 "$slurm_sh" JOB=1:4 "logs/a b.JOB.log" bash -c \
    'printf "<%s>" JOB "$0" "$SLURM_ARRAY_TASK_ID" "$PWD"' 'an $odd `one`'
  for job in 1 2 3 4; do
    grep -qF "<$job><an \$odd \`one\`><$job><$PWD>" "logs/a b.$job.log" || fail "$(cat "logs/a b.$job.log")"
  done
}

test_failing_job_shows_its_log() {
  expect 1 "$slurm_sh" --nj_max 2 JOB=1:4 x.JOB.log bash -c 'echo this is JOB; [[ JOB != 3 ]]'
  shows "this is 3"
  hides "this is 2"
  shows "1 of 4 jobs failed (3); log: x.3.log"
}

test_single_job_and_environment() {
  export GREETING="good morning"
  expect 0 "$slurm_sh" exp/train.log bash -c 'echo "$GREETING"'
  grep -q "good morning" exp/train.log || fail "$(cat exp/train.log)"
}

test_refused_job_is_one_clear_fault() {
  echo "slurm_partition=nosuch" >wrong.env
  ESPNET_EXT_CLUSTER_ENV=$PWD/wrong.env expect 2 "$slurm_sh" x.log true
  shows "invalid partition"
  shows "sbatch took no job"
}

test_interrupt_cancels_the_job() {
  "$slurm_sh" x.log sleep 100 &
  local pid=$!
  for _ in {1..60}; do [[ $(squeue -h -o %t) == R ]] || sleep 0.5; done
  kill -TERM "$pid"
  wait "$pid" && fail "a stopped run counts as a success"
  for _ in {1..20}; do [[ -z $(squeue -h) ]] || sleep 0.5; done
  [[ -z $(squeue -h) ]] || fail "the job is still there: $(squeue -h)"
}

test_stage_of_the_driver() {
  # shellcheck source=test/shell/toy.sh
  source "$here/toy.sh"
  make_toy
  expect 0 "$run" --stop_stage 7
  expect 0 "$run" --stage 8 --stop_stage 8 --jobs slurm --nj 3
  [[ $(called decode) -eq 8 ]] || fail "$(cat "$calls")"
  grep -q SLURM "$toy/exp/asr_rnnt_w2v/decode_greedy/test/logs/.slurm/decode.1.sh" || fail "not under Slurm"
}

run_tests
