# shellcheck shell=bash disable=SC2034
# What jobs/local.sh and jobs/slurm.sh share: the command line, one logged run, the end of a failed log.

die() {
  echo "error: $(basename "$0"): $*" >&2
  exit 2
}

# Sets nj_max ngpu mem num_nodes, variable (the word that becomes a number), n, log, command.
parse_job_command() {
  nj_max="" ngpu=0 mem="" num_nodes=1 variable=JOB n=1
  while [[ ${1:-} == -* ]]; do
    case $1 in
      --nj_max | --ngpu | --mem | --num_nodes)
        [[ $# -ge 2 ]] || die "$1 needs a value"
        printf -v "${1#--}" %s "$2"
        shift 2
        ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) die "unknown option '$1'; expected --nj_max, --ngpu, --mem or --num_nodes" ;;
    esac
  done
  if [[ ${1:-} =~ ^([A-Z]+)=1:([1-9][0-9]*)$ ]]; then
    variable=${BASH_REMATCH[1]}
    n=${BASH_REMATCH[2]}
    shift
  fi
  [[ $# -ge 2 ]] || die "expected [JOB=1:n] LOG COMMAND …; got '$*'"
  log=$1
  shift
  command=("$@")
  [[ $n -eq 1 || $(numbered "$log" 1) != "$log" ]] ||
    die "$n jobs would share the log $log; put $variable in its name"
}

# $1 with the word JOB replaced by $2. A longer word that holds it (JOBS, MYJOB) stays as it is.
numbered() {
  local rest=$1 done="" word="(^|[^A-Za-z0-9])$variable($|[^A-Za-z0-9])"
  while [[ $rest =~ $word ]]; do
    local before=${rest%%"${BASH_REMATCH[0]}"*}
    done+=$before${BASH_REMATCH[1]}$2
    rest=${BASH_REMATCH[2]}${rest#"$before${BASH_REMATCH[0]}"}
  done
  printf %s "$done$rest"
}

# Run job $1 with its log. Standard error stays reachable as descriptor 3, for a progress bar.
run_logged() {
  local job=$1 out arg status=0 began=$SECONDS
  local -a args=() meter=()
  out=$(numbered "$log" "$job")
  for arg in "${command[@]}"; do args+=("$(numbered "$arg" "$job")"); done
  if [[ -n ${ESPNET_EXT_RSS_FILE:-} && -x /usr/bin/time ]]; then
    meter=(/usr/bin/time -q -a -o "$ESPNET_EXT_RSS_FILE" -f %M)
  fi
  mkdir -p "$(dirname "$out")"
  {
    echo "# ${args[*]@Q}"
    echo "# started $(date '+%F %T') on $(hostname)"
  } >>"$out"
  "${meter[@]}" "${args[@]}" 3>&2 >>"$out" 2>&1 </dev/null || status=$?
  [[ -z $(tail -c 1 "$out") ]] || echo >>"$out" # the last line of the command had no end
  echo "# ended $(date '+%F %T') with status $status after $((SECONDS - began)) s" >>"$out"
  return "$status"
}

# So that an old log's end is not taken for this run's: what is there becomes LOG.old.
forget_logs() {
  local job out
  for ((job = 1; job <= n; job++)); do
    out=$(numbered "$log" "$job")
    [[ ! -e $out ]] || mv -f "$out" "$out.old"
  done
}

# The numbers of the jobs whose log does not end like $1.
jobs_without_end() {
  local job
  for ((job = 1; job <= n; job++)); do
    # shellcheck disable=SC2053 # a pattern is meant
    [[ $(tail -n 1 "$(numbered "$log" "$job")" 2>/dev/null) == $1 ]] || echo "$job"
  done
}

# Shows the ends of the logs of failed jobs: those that do not say that all went well. Exits 1 or 0.
report_failures() {
  local job out
  local -a failed
  mapfile -t failed < <(jobs_without_end "# ended * with status 0 after *")
  [[ ${#failed[@]} -gt 0 ]] || exit 0
  for job in "${failed[@]:0:3}"; do
    out=$(numbered "$log" "$job")
    echo "--- the end of $out" >&2
    tail -n 10 "$out" >&2
  done
  echo "error: ${#failed[@]} of $n jobs failed (${failed[*]}); log: $(numbered "$log" "${failed[0]}")" >&2
  exit 1
}
