#!/usr/bin/env bash
# Fine-tunes with several seeds, and learning rates, and says which is best on a development set: what
# wav2vec 2.0 §4.3 does. Runs that are done are not done again; stage 10 reports means over seeds.
#
#   cd egs2/librispeech/ssl1
#   ../../TEMPLATE/ssl1/seeds.sh --seeds "1 2 3" --choose_by dev_other ./run.sh --ssl_exp exp/ssl_wav2vec2_base \
#     --train_set train_10h --token_type char --asr_config conf/asr_ctc_wave_10h.yaml
#   ../../TEMPLATE/ssl1/seeds.sh --rates "2e-5 3e-5" --choose_by dev_other ./run.sh --asr_tag ctc_10h …
#
# Several rates need --asr_tag, the beginning of the experiments' names: exp/asr_ctc_10h_lr2e-5_seed1, ….
set -euo pipefail

die() {
  echo "error: $*" >&2
  exit 2
}

seeds="1 2 3" rates="" choose_by=""
while [[ ${1:-} == --* ]]; do
  case $1 in
    --help) sed -n '2,/^set/{/^set/!s/^# \?//p}' "$0" && exit ;;
    --seeds) seeds=${2:-} ;;
    --rates) rates=${2:-} ;;
    --choose_by) choose_by=${2:-} ;;
    *) die "unknown option $1; see --help" ;;
  esac
  [[ $# -ge 2 ]] || die "$1 needs a value; see --help"
  shift 2
done
[[ $# -gt 0 ]] || die "no run.sh to call; see --help"
[[ -n $choose_by ]] || die "--choose_by: name the set that chooses, such as dev_other; never one of the test sets"
[[ $seeds =~ ^[0-9]+(\ +[0-9]+)*$ ]] || die "--seeds '$seeds': expected whole numbers such as \"1 2 3\""

command=("$1") tag="" asr_args=""
shift
while [[ $# -gt 0 ]]; do
  case $1 in
    --asr_tag) tag=${2:-} && shift ;;
    --asr_args) asr_args=${2:-} && shift ;;
    --seed) die "--seed $2: name the seeds in --seeds" ;;
    *) command+=("$1") ;;
  esac
  shift
done
[[ -z $rates || -n $tag ]] || die "--rates: name the experiments with run.sh's --asr_tag; see --help"

scores=$(mktemp -d)
trap 'rm -rf "$scores"' EXIT
for rate in ${rates:-conf}; do
  for seed in $seeds; do
    name=seed$seed options=("$asr_args")
    [[ $rate == conf ]] || name=lr${rate}_$name options=("$asr_args --optim_conf lr=$rate")
    options=(${options[0]:+--asr_args "${options[0]}"} ${tag:+--asr_tag "${tag}_$name"})
    "${command[@]}" ${options[@]+"${options[@]}"} --seed "$seed" | tee "$scores/$name"
    grep -q "^$choose_by: %WER" "$scores/$name" ||
      die "$name: no %WER of '$choose_by'; is it among --test_sets, and stage 9 among the stages?"
  done
done

# dev_other: %WER 9.10 [ 4637 / 50948, 512 ins, … ]  [exp/…/wer]
errors_on() { sed -n "s/^$choose_by: %WER [^[]*\[ \([0-9]*\) .*/\1/p" "$scores/$1"; }
best=""
echo
for name in $(cd "$scores" && ls); do
  grep "^$choose_by: %WER" "$scores/$name" | sed "s/^/$name  /"
  [[ -n $best && $(errors_on "$best") -le $(errors_on "$name") ]] || best=$name
done
echo "best on $choose_by: $best"
grep "^[^ ]*: %WER" "$scores/$best"
