#!/usr/bin/env bash
# Makes Kaldi data directories of CHiME-6, and of Libri-light to pre-train on.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --chime6 DIR [--enhanced DIR]
                     [--librilight DIR] [--channels 1,2] [--case lower|upper] [--complete false]

A set of CHiME-6 is train, dev or eval and a microphone: train_worn, dev_gss (with --enhanced), eval_ref
(the annotated array), train_u02. A set of Libri-light is unlab_600, unlab_6k or unlab_60k. Corpora are
read where they are.

  sets="train_worn dev_worn" local/data.sh --chime6 /data/CHiME6 --channels 1,2
  sets="eval_gss" local/data.sh --chime6 /data/CHiME6 --enhanced /data/gss --case upper
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
chime6=downloads/CHiME6 librilight=downloads/librilight enhanced="" channels=1 case=lower complete=true
sets=${sets:-train_worn dev_worn dev_ref eval_ref}
while [[ $# -gt 0 ]]; do
  case $1 in
    --size | --data | --nj | --chime6 | --enhanced | --librilight | --channels | --case | --complete)
      [[ $# -ge 2 ]] || { echo "error: local/data.sh: $1 needs a value" >&2 && exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    -h | --help) usage && exit 0 ;;
    *) echo "error: local/data.sh: unknown option $1; see --help" >&2 && exit 2 ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$(cd ../../.. && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
python=${PYTHON:-$root/.venv/bin/python}

declare -A wanted=() # microphone, or unlab for Libri-light: its sets
for set in $sets; do
  case $set in
    unlab_*) wanted[unlab]+=" $set" ;;
    train_* | dev_* | eval_*) wanted[${set#*_}]+=" ${set%%_*}" ;;
    *) echo "error: local/data.sh: no set $set; see --help" >&2 && exit 2 ;;
  esac
done
for mic in $(printf '%s\n' "${!wanted[@]}" | sort); do
  [[ $mic != unlab ]] || continue
  echo "CHiME-6, $mic:"
  "$python" -m espnet_ext.bin.prepare_corpus chime6 "$chime6" "$data" --mic "$mic" --sets "${wanted[$mic]}" \
    ${enhanced:+--enhanced "$enhanced"} --channels "$channels" --case "$case" --complete "$complete" \
    --size "$size" --nj "$nj"
done
[[ -z ${wanted[unlab]:-} ]] || "$python" -m espnet_ext.bin.prepare_corpus librilight "$librilight" "$data" \
  --sets "${wanted[unlab]}" --size "$size" --nj "$nj"
