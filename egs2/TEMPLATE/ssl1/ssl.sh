#!/usr/bin/env bash
# The driver every recipe runs: reads options, asks which stages must run and why, runs those.
# shellcheck disable=SC2154 # options become variables by name
set -euo pipefail

template=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$template/../../.." && pwd)
stage_files=("$template"/stages/*.sh)
# shellcheck source=egs2/TEMPLATE/ssl1/engine.sh
source "$template/engine.sh"

# name | default | what it is; `run.sh` of a recipe overrides the defaults
option_table="
stage          | 1    | first stage to run
stop_stage     | 10   | last stage to run
dry_run        |      | only say what would run, and why; writes nothing
size           | full | full, or smoke: every stage on a few utterances, in minutes, under exp/smoke
nj             | $(getconf _NPROCESSORS_ONLN)    | parallel jobs for decoding, confidences, labels
ngpu           | 0    | GPUs per training or job
num_nodes      | 1    | machines per training (only --jobs slurm; not run here)
jobs           | local| backend: local, or slurm (conf/cluster/local.env)
scorer_config  |      | conf of the CTC model that scores confidence
ssl_config     |      | conf of the pre-training
asr_config     |      | conf of the fine-tuning
decode_config  |      | conf of the decoding
labels_exp     |      | pre-training whose frames are clustered for labels; default: MFCC
labels_layer   |      | its layer, from 1 (HuBERT: 6 of 12)
scorer_exp     |      | use this scorer; stage 4 is left out
ssl_exp        |      | use this pre-training, or none: train from scratch; stages 4-6 are left out
ssl_epoch      |      | fine-tune from this epoch of the pre-training, or best; default: its last
ssl_tag        |      | names exp/ssl_TAG; default: the conf's name
asr_tag        |      | names exp/asr_TAG; default: the conf's name and the pre-training's
seed           |      | seed of fine-tuning; default: the conf's
ssl_seed       |      | seed of pre-training; default: the conf's
scorer_args    |      | further options of the scorer's training, in quotes, such as --max_epoch 60
ssl_args       |      | further options of the pre-training
asr_args       |      | further options of the fine-tuning
lm_args        |      | further options of a neural LM's training
lm_text/       |      | text without ids, a sentence a line, that LMs learn from besides the transcripts
score_args     |      | further options of score_wer, in quotes; {data} is the directory of the set
nist_args      |      | score with sclite or asclite too: options of score_nist, such as --rules ami
include_blank  | false| let blank count as a label of the scorer (Ask2Mask leaves it open)
token_type     | bpe  | bpe (word pieces), char, or word (of phones)
nbpe           | 100  | number of word pieces
train_set      | train| labelled speech to train on
valid_set      | dev  | labelled speech to validate on
test_sets      | test | sets to decode and score, in quotes
unlabelled_set | unlabelled | speech to pre-train on
workdir        |      | where data/ dump/ exp/ go; default: the recipe's folder, exp/smoke for smoke
recipe         |      | the recipe's folder (run.sh sets it)
minutes        |      | time per stage on two cores, for the estimate (run.sh sets it)
"
corpus_table=${corpus_options:-} # a recipe's own rows, for its local/data.sh; a folder's name ends in /

die() {
  echo "error: $*" >&2
  exit 2
}

declare -A default_of=() minutes_of=()
option_names=() corpus_names=() corpus_folders=()
while IFS='|' read -r name value _; do
  name=${name//[[:space:]]/}
  [[ -n $name ]] || continue
  [[ $name != */ ]] || corpus_folders+=("${name%/}")
  name=${name%/}
  option_names+=("$name")
  default_of[$name]=${value//[[:space:]]/}
  printf -v "$name" %s "${default_of[$name]}"
done <<<"$option_table$corpus_table"
while IFS='|' read -r name _; do
  name=${name//[[:space:]]/}
  [[ -z $name ]] || corpus_names+=("${name%/}")
done <<<"$corpus_table"

usage() {
  cat <<TXT
Pre-trains on unlabelled speech, fine-tunes a recogniser, decodes and scores it, stage by stage.
A stage runs only if something it reads, or one of its options, has changed.

  ./run.sh                                           # every stage
  ./run.sh --stage 6 --ssl_config conf/other.yaml --ngpu 1   # another pre-training, and all after it

Stages:
TXT
  local file title
  for file in "${stage_files[@]}"; do
    title=$(sed -n 's/^title="\(.*\)"$/\1/p' "$file")
    printf '  %2d %-11s %s\n' "$(stage_number "$file")" "$(stage_name "$file")" "$title"
  done
  printf '\nOptions:\n'
  while IFS='|' read -r name value what; do
    name=${name//[[:space:]]/}
    name=${name%/}
    [[ -z $name ]] || printf '  --%-15s %s%s\n' "$name" "${what# }" "${!name:+ [${!name//"$recipe/"/}]}"
  done <<<"$option_table$corpus_table"
}

# --- options -----------------------------------------------------------------------------------------

asked_help=false
named=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) asked_help=true && shift && continue ;;
    --dry_run) dry_run=true && shift && continue ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
    --*) name=${1#--} ;;
    *) die "unexpected argument '$1'; options look like --nj 4; see --help" ;;
  esac
  if [[ -z ${default_of[$name]+known} ]]; then
    known=("${option_names[@]/#/--}")
    near=$("${PYTHON:-$root/.venv/bin/python}" -m espnet_ext.bin.stage nearest -- "--$name" "${known[@]}" 2>/dev/null || true)
    die "unknown option --$name; ${near:+did you mean ${near// / or }? }see --help"
  fi
  [[ $# -ge 2 ]] || die "--$name needs a value; see --help"
  [[ $2 != *[$'\n\t']* ]] || die "--$name: tabs and line ends are not allowed in a value"
  [[ $name != stage && $name != stop_stage ]] || named+=("$2")
  printf -v "$name" %s "$2"
  shift 2
done
if $asked_help; then
  usage
  exit 0
fi

[[ -d $recipe ]] || die "--recipe '$recipe': no such folder; call the recipe's run.sh"
for name in stage stop_stage nj ngpu num_nodes nbpe; do
  [[ ${!name} =~ ^[0-9]+$ ]] || die "--$name '${!name}': expected a whole number"
done
for name in seed ssl_seed labels_layer; do
  [[ ${!name} =~ ^[0-9]*$ ]] || die "--$name '${!name}': expected a whole number"
done
[[ $ssl_epoch =~ ^([0-9]*|best)$ ]] || die "--ssl_epoch '$ssl_epoch': expected a whole number or best"
[[ -z $ssl_epoch || $ssl_exp != none ]] || die "--ssl_epoch $ssl_epoch means nothing with --ssl_exp none"
[[ -n $labels_exp || -z $labels_layer ]] && [[ -z $labels_exp || -n $labels_layer ]] ||
  die "--labels_exp and --labels_layer go together"
((1 <= stage && stage <= stop_stage && stop_stage <= 10)) ||
  die "--stage $stage --stop_stage $stop_stage: expected 1 <= stage <= stop_stage <= 10"
[[ $size =~ ^(full|smoke)$ ]] || die "--size '$size': expected full or smoke"
[[ $token_type =~ ^(bpe|char|word)$ ]] || die "--token_type '$token_type': expected bpe, char or word"
[[ $jobs =~ ^(local|slurm)$ ]] || die "--jobs '$jobs': expected local or slurm"
for pair in $minutes; do minutes_of[${pair%=*}]=${pair#*=}; done

python=${PYTHON:-$root/.venv/bin/python}
[[ -x $python ]] || die "$python: no such program; run 'make setup' in $root first"
PATH=$(dirname "$python"):$PATH
export PATH PYTHON="$python"

# --- names of what the stages read and write ---------------------------------------------------------

called_from=$PWD
cd "$recipe" # paths in wav.scp, and all others, count from here
# shellcheck source=egs2/TEMPLATE/ssl1/names.sh
source "$template/names.sh"
job_command=("$template/jobs/$jobs.sh")

# --- what must run, and why ----------------------------------------------------------------------------

declare -A verdict_of=() why=() file_of=() seconds_of=() # by the stage's name: two may share a number
stage_names=()                                           # of those between --stage and --stop_stage
for file in "${stage_files[@]}"; do file_of[$(stage_name "$file")]=$file; done
planned=$(engine plan --first "$stage" --last "$stop_stage" --named ${named[@]+"${named[@]}"}) || exit 2
while IFS=$'\t' read -r name verdict reason; do
  stage_names+=("$name")
  verdict_of[$name]=$verdict
  why[$name]=$reason
done <<<"$planned"

to_run=$(awk -F'\t' '$2 != "done" && $2 != "skip"' <<<"$planned" | wc -l)
if [[ $to_run -eq 0 ]]; then
  echo "nothing to do: stages $stage-$stop_stage are up to date in $(realpath -- "$workdir")"
  show_scores
  exit 0
fi
show_plan
[[ $dry_run != true ]] || exit 0 # at once: that confs hold together takes seconds to see
check_confs

# --- run -------------------------------------------------------------------------------------------

stop_at() {
  show_summary
  echo "error: stage $(number_of "$1") ($1) failed; once mended, the same command goes on from here" >&2
  exit 1
}
stage_pid="" # of the stage that is running
trap interrupted INT TERM HUP
for stage_now in "${stage_names[@]}"; do
  case ${verdict_of[$stage_now]} in done | skip) continue ;; esac
  run_stage "$stage_now"
  [[ ${verdict_of[$stage_now]} != failed ]] || stop_at "$stage_now"
done
show_summary
show_scores
