#!/usr/bin/env bash
# Makes Kaldi data directories of CHiME-6, and of Libri-light to pre-train on.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --chime6 DIR [--enhanced DIR]
                     [--librilight DIR] [--download true [--mirror URL]] [--channels 1,2] [--case lower|upper]
                     [--complete false]

A set of CHiME-6 is train, dev or eval and a microphone: train_worn, dev_gss (with --enhanced), eval_ref
(the annotated array), train_u02. A set of Libri-light is unlab_600, unlab_6k or unlab_60k. Corpora are
read where they are, and fetched to there if asked: enhanced audio never, it is made with GSS.

  sets="train_worn dev_worn" local/data.sh --chime6 /data/CHiME6 --channels 1,2
  sets="eval_gss" local/data.sh --chime6 /data/CHiME6 --enhanced /data/gss --case upper
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
chime6=downloads/CHiME6 librilight=downloads/librilight enhanced="" channels=1 case=lower complete=true
download=false mirror=""
sets=${sets:-train_worn dev_worn dev_ref eval_ref}
options="size data nj chime6 enhanced librilight download mirror channels case complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

common=(--download "$download" ${mirror:+--mirror "$mirror"} --size "$size" --nj "$nj")
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
    "${common[@]}"
done
[[ -z ${wanted[unlab]:-} ]] || "$python" -m espnet_ext.bin.prepare_corpus librilight "$librilight" "$data" \
  --sets "${wanted[unlab]}" "${common[@]}"
