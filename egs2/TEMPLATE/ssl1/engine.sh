# shellcheck shell=bash disable=SC2154,SC2004 # names from ssl.sh; arrays are by name
# Loading, declaring and running stages. Sourced by ssl.sh.

# stages/03_tokens.sh is stage 3, tokens. Stages of the same number run one after the other.
stage_number() {
  local base=${1##*/}
  echo "$((10#${base%%_*}))"
}
stage_name() {
  local base=${1##*/}
  base=${base#*_}
  echo "${base%.sh}"
}
number_of() { stage_number "${file_of[$1]}"; } # of a stage, by its name

# Source a stage's file into the current (sub)shell: declarations only, nothing runs.
load_stage() {
  title="" home="" fresh=false skip="" task=""
  inputs=() confs=() options=() outputs=()
  # shellcheck disable=SC1090
  source "$1"
}

# All stages in the form that espnet_ext/stage.py reads.
declare_stages() (
  shopt -s nullglob
  for file in "${stage_files[@]}"; do
    load_stage "$file"
    printf '%s\t%s\n' stage "$(stage_number "$file")" name "$(stage_name "$file")" \
      home "$home" fresh "$fresh" skip "$skip"
    [[ ${#inputs[@]} -eq 0 ]] || printf 'input\t%s\n' "${inputs[@]}"
    [[ ${#confs[@]} -eq 0 ]] || printf 'conf\t%s\n' "${confs[@]}"
    [[ ${#outputs[@]} -eq 0 ]] || printf 'output\t%s\n' "${outputs[@]}"
    for name in ${options[@]+"${options[@]}"}; do printf 'option\t%s=%s\n' "$name" "${!name}"; done
  done
)

engine() { declare_stages | python -m espnet_ext.bin.stage "$@"; }

# Every training conf is checked in full before the first stage runs: not after an hour.
check_confs() {
  local name
  local -a wanted=()
  for name in "${stage_names[@]}"; do
    case ${verdict_of[$name]} in done | skip) continue ;; esac
    load_stage "${file_of[$name]}"
    [[ -z $task ]] || wanted+=("$task:${confs[0]}")
  done
  [[ ${#wanted[@]} -eq 0 ]] || python -m espnet_ext.bin.compose_config --check "${wanted[@]}" || exit 2
}

# Run stage $1 unless what came before left its inputs as they were; its verdict says how it went.
# To be called plainly: after `if`, `||` or `!` bash would go on after a failing command in the stage.
run_stage() {
  local name=$1 number home lock result verdict reason began status=0
  number=$(number_of "$name")
  load_stage "${file_of[$name]}"
  take_lock "$name"
  result=$(engine begin --name "$name") || exit 2
  IFS=$'\t' read -r verdict reason <<<"$result"
  verdict_of[$name]=$verdict
  if [[ $verdict == "done" ]]; then
    echo "== $number/10 $name: up to date after all"
  else
    echo "== $number/10 $name: $title ($reason$(about "$name"))"
    began=$SECONDS
    rss_file=$home/.done/$name.rss
    rm -f "$rss_file"
    set -m # a process group of its own, which `interrupted` stops whole
    (
      set +m -euo pipefail
      ESPNET_EXT_RSS_FILE=$(realpath -ms -- "$rss_file")
      export ESPNET_EXT_RSS_FILE
      run
    ) &
    stage_pid=$!
    set +m
    # waited for, not run in front: else bash would hear a signal only after the stage's end
    wait "$stage_pid" || status=$?
    stage_pid=""
    seconds_of[$name]=$((SECONDS - began))
    if [[ $status -eq 0 ]]; then
      engine finish --name "$name" --seconds "${seconds_of[$name]}" --rss_file "$rss_file" || status=$?
    fi
    rm -f "$rss_file"
    verdict_of[$name]=$([[ $status -eq 0 ]] && echo ran || echo failed)
  fi
  exec {lock}>&-
}

# On a signal to the driver, from the keyboard or from `kill` and a cluster's scheduler alike.
interrupted() {
  trap - INT TERM HUP
  if [[ -n $stage_pid ]]; then
    kill -TERM -- "-$stage_pid" 2>/dev/null || true
    wait "$stage_pid" 2>/dev/null || true
  fi
  printf '\ninterrupted; the same command goes on from here\n' >&2
  exit 130
}

# One run at a time fills a directory: another one, or what a killed one left running, is waited for.
take_lock() {
  local lock_file=$exp/.locks/$1-${home//\//_}
  mkdir -p "$exp/.locks" ||
    die "$exp: cannot be written to; mend that (rights, a full disk), or choose another --workdir"
  exec {lock}>"$lock_file"
  command -v flock >/dev/null || return 0
  flock -n "$lock" && return
  echo "waiting: another run is in stage $1 of $home (fuser $lock_file names it)" >&2
  flock "$lock"
}

about() { [[ $size != full || -z ${minutes_of[$1]:-} ]] || echo "; about ${minutes_of[$1]} min"; }

minutes_left() { # of the stages that will run, from the recipe's table
  local name
  for name in "${stage_names[@]}"; do
    case ${verdict_of[$name]} in run | redo | later) echo "${minutes_of[$name]:-0}" ;; esac
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

show_plan() {
  local number total name
  total=$(minutes_left)
  [[ $size == full && $total != 0 ]] && total="; about $total min on two cores" || total=""
  echo "$(basename "$(dirname "$PWD")") ($size), stages $stage-$stop_stage$total"
  for name in "${stage_names[@]}"; do
    number=$(number_of "$name")
    case ${verdict_of[$name]} in
      done) printf '  %2d/10 %-11s up to date\n' "$number" "$name" ;;
      skip) printf '  %2d/10 %-11s not needed: %s\n' "$number" "$name" "${why[$name]}" ;;
      *) printf '  %2d/10 %-11s %s\n' "$number" "$name" "${why[$name]}" ;;
    esac
  done
}

show_summary() {
  local name total=0 seconds
  echo
  for name in "${stage_names[@]}"; do
    seconds=${seconds_of[$name]:-}
    case ${verdict_of[$name]} in run | redo | later) verdict_of[$name]=- ;; esac
    printf '  %2d/10 %-11s %-7s %s\n' "$(number_of "$name")" "$name" "${verdict_of[$name]}" \
      "${seconds:+$(clock "$seconds")}"
    total=$((total + ${seconds:-0}))
  done
  printf '  %-17s %-7s %s\n' total "" "$(clock "$total")"
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

show_scores() { # the lines that the run is for, if scoring is among its stages
  local set file
  ((stage <= 9 && 9 <= stop_stage)) || return 0
  for set in "${tests[@]}"; do
    for file in "$decode_dir/$set"/score_{wer/{wer,cer,per},nist/wer}; do
      [[ ! -f $file ]] || echo "$set: $(grep -m1 '^%[WCP]ER' "$file")  [$file]"
    done
  done
}

# Used by stages 4, 6 and 7: train asr|ssl ARGS CONF OPTION… in the stage's home; ARGS is the user's.
train() {
  local task=$1 conf=$3 flat=$home/config_flat.yaml
  local -a distributed=() more
  read -ra more <<<"$overrides $2"
  shift 3
  if [[ $num_nodes -gt 1 ]]; then # not run here
    distributed=(--multiprocessing_distributed true --dist_launcher slurm
      --dist_init_method "file://$PWD/$home/.dist_init_$$")
    [[ $ngpu -gt 0 ]] || distributed+=(--dist_backend gloo)
  elif [[ $ngpu -gt 1 ]]; then
    distributed=(--multiprocessing_distributed true)
  fi
  python -m espnet_ext.bin.compose_config "$conf" ${shrink[@]+"${shrink[@]}"} --out "$flat"
  "${job_command[@]}" --ngpu "$ngpu" --num_nodes "$num_nodes" "$home/train.log" \
    python -m "espnet_ext.bin.${task}_train" --config "$flat" --valid_dir "$data/$valid_set" \
    --dump "$dump" --output_dir "$home" --ngpu "$ngpu" \
    ${distributed[@]+"${distributed[@]}"} ${more[@]+"${more[@]}"} "$@"
}
