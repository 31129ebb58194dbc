#!/usr/bin/env bash
# Runs a command once, or n times side by side, on this machine; each run writes its own log.
set -uo pipefail

usage() {
  cat <<'TXT'
Usage: jobs/local.sh [--nj_max N] [--ngpu G] [--mem SIZE] [--num_nodes 1] [JOB=1:n] LOG COMMAND [ARG...]

  jobs/local.sh exp/asr/train.log python -m espnet_ext.bin.asr_train --config exp/asr/flat.yaml …
  jobs/local.sh JOB=1:4 exp/asr/logs/decode.JOB.log python -m espnet_ext.bin.decode --job JOB --nj 4 …

The word JOB in the log's name and in the arguments becomes the number of the job. At most --nj_max
jobs (default: one per core, or per group of G GPUs) run at a time. A failing job shows the end of its
log, and the exit status is 1. --mem and --num_nodes are for jobs/slurm.sh; they are ignored here.
TXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=egs2/TEMPLATE/ssl1/jobs/common.sh
source "$here/common.sh"
parse_job_command "$@"
[[ $num_nodes -eq 1 ]] || die "--num_nodes $num_nodes: one machine only; use --jobs slurm"

gpus=0
if [[ $ngpu -gt 0 ]]; then
  gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU') || true
  [[ $gpus -ge $ngpu ]] || die "--ngpu $ngpu, but this machine shows $gpus GPUs; use --ngpu $gpus"
fi
cores=$(getconf _NPROCESSORS_ONLN)
[[ -n $nj_max ]] || nj_max=$((ngpu > 0 ? gpus / ngpu : cores))
at_once=$((n < nj_max ? n : nj_max))
if [[ $at_once -gt 1 && -z ${OMP_NUM_THREADS:-} ]]; then # side by side, share the cores
  export OMP_NUM_THREADS=$((cores > at_once ? cores / at_once : 1))
fi

workers=()
# shellcheck disable=SC2329 # called by the trap
stop_all() {
  trap - INT TERM
  local pid
  for pid in "${workers[@]}"; do kill -TERM -- "-$pid" 2>/dev/null; done
  wait 2>/dev/null
  echo "interrupted; the running jobs were stopped" >&2
  exit 130
}
trap stop_all INT TERM

work() { # one after another: job $1, $1 + at_once, …
  local job=$1 first_gpu=$((($1 - 1) * ngpu))
  if [[ $ngpu -gt 0 && $n -gt 1 ]]; then
    CUDA_VISIBLE_DEVICES=$(seq -s, "$first_gpu" $((first_gpu + ngpu - 1)))
    export CUDA_VISIBLE_DEVICES
  fi
  for (( ; job <= n; job += at_once)); do run_logged "$job"; done
}

if [[ $n -eq 1 ]]; then
  export ESPNET_EXT_PROGRESS_FD=3 # a single job may show its progress bar on the terminal
fi
forget_logs
set -m # each worker is a process group of its own, so that all of it can be stopped
for ((first = 1; first <= at_once; first++)); do
  work "$first" &
  workers+=($!)
done
set +m # else `wait` would take a job that is only suspended for one that has ended
wait
report_failures
