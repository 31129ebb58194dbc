#!/usr/bin/env bash
# Runs a command once, or n times as a job array, under Slurm, and waits for the end.
set -uo pipefail

usage() {
  cat <<'TXT'
Usage: jobs/slurm.sh [--nj_max N] [--ngpu G] [--mem SIZE] [--num_nodes N] [JOB=1:n] LOG COMMAND [ARG...]

  jobs/slurm.sh --ngpu 8 exp/asr/train.log python -m espnet_ext.bin.asr_train --config exp/asr/flat.yaml …
  jobs/slurm.sh JOB=1:4 exp/asr/logs/decode.JOB.log python -m espnet_ext.bin.decode --job JOB --nj 4 …

As jobs/local.sh: the word JOB becomes the number of the job, each job writes its own log, a failing job
shows the end of its log. At most --nj_max jobs run at a time; --ngpu, --mem and --num_nodes are per job;
with more than one node the command is started once a node by srun.
Partition, account and further options come from conf/cluster/local.env (see conf/cluster/example.env).
TXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=egs2/TEMPLATE/ssl1/jobs/common.sh
source "$here/common.sh"
parse_job_command "$@"
command -v sbatch >/dev/null || die "no sbatch on PATH: not a machine that submits to Slurm; use --jobs local"

site=${ESPNET_EXT_CLUSTER_ENV:-$here/../../../../conf/cluster/local.env}
slurm_partition="" slurm_gpu_partition="" slurm_account="" slurm_time="" slurm_cpus="" slurm_options=()
# shellcheck source=conf/cluster/example.env
[[ ! -f $site ]] || source "$site"
[[ $ngpu -eq 0 || -z $slurm_gpu_partition ]] || slurm_partition=$slurm_gpu_partition

# The job's script, free of quoting: bash itself writes the variables down.
first_log=$(numbered "$log" 1)
folder=$(dirname "$first_log")/.slurm
script=$folder/$(basename "$first_log" .log).sh
mkdir -p "$folder"
[[ $num_nodes -eq 1 ]] || command=(srun --export=ALL "${command[@]}")
{
  echo '#!/usr/bin/env bash'
  declare -p variable n log command
  # shellcheck disable=SC2016 # expanded in the job
  printf 'source %q\ncd %q || exit 1\nrun_logged "$SLURM_ARRAY_TASK_ID"\n' "$here/common.sh" "$PWD"
} >"$script"

name=$(basename "$script" .sh)
options=(--parsable --wait "--array=1-$n${nj_max:+%$nj_max}" "--job-name=$name")
options+=("--nodes=$num_nodes" --ntasks-per-node=1)
options+=(--open-mode=append "--output=$(numbered "${log//%/%%}" %a)") # Slurm itself reports a kill there
[[ -z $slurm_partition ]] || options+=("--partition=$slurm_partition")
[[ -z $slurm_account ]] || options+=("--account=$slurm_account")
[[ -z $slurm_time ]] || options+=("--time=$slurm_time")
[[ -z $slurm_cpus ]] || options+=("--cpus-per-task=$slurm_cpus")
[[ -z $mem ]] || options+=("--mem=$mem")
[[ $ngpu -eq 0 ]] || options+=("--gres=gpu:$ngpu")

# shellcheck disable=SC2329 # called by the trap
cancel() {
  trap - INT TERM
  scancel "$(cut -d';' -f1 "$script.id")" 2>/dev/null
  echo "interrupted; job $(cat "$script.id") was cancelled" >&2
  exit 130
}
trap cancel INT TERM

forget_logs
sbatch "${options[@]}" ${slurm_options[@]+"${slurm_options[@]}"} "$script" >"$script.id" &
submitted=$!
wait "$submitted"
[[ -s $script.id ]] || die "sbatch took no job; its reason is above, its options were: ${options[*]}"
for _ in {1..20}; do # a shared file system may show the ends of the logs a little late
  [[ $(jobs_without_end "# ended *") ]] || break
  sleep 0.5
done
report_failures
