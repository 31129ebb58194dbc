#!/usr/bin/env bash
# Makes Kaldi data directories of AMI, and of Libri-light to pre-train on.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --ami DIR [--librilight DIR]
                     [--enhanced DIR] [--glm FILE] [--download true] [--mirror URL] [--complete false]

A set of AMI is train, dev or eval and a microphone: train_ihm, eval_sdm, dev_mdm (with --enhanced). A
set of Libri-light is unlab_600, unlab_6k or unlab_60k. Corpora are read where they are.

  sets="train_ihm dev_ihm eval_ihm" local/data.sh --ami /data/ami
  sets="eval_mdm" local/data.sh --ami /data/ami --enhanced /data/beamformed
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
ami=downloads/ami librilight=downloads/librilight enhanced="" glm="" download=false mirror="" complete=true
sets=${sets:-train_ihm dev_ihm eval_ihm dev_sdm eval_sdm}
options="size data nj ami librilight enhanced glm download mirror complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

common=(--download "$download" ${mirror:+--mirror "$mirror"} --size "$size" --nj "$nj")
declare -A wanted=() # microphone, or unlab for Libri-light: its sets
for set in $sets; do
  case $set in
    unlab_*) wanted[unlab]+=" $set" ;;
    train_?dm | train_ihm | dev_?dm | dev_ihm | eval_?dm | eval_ihm) wanted[${set#*_}]+=" ${set%_*}" ;;
    *) echo "error: local/data.sh: no set $set; see --help" >&2 && exit 2 ;;
  esac
done
for mic in ihm sdm mdm; do
  [[ -n ${wanted[$mic]:-} ]] || continue
  echo "AMI, $mic:"
  "$python" -m espnet_ext.bin.prepare_corpus ami "$ami" "$data" --mic "$mic" --sets "${wanted[$mic]}" \
    ${enhanced:+--enhanced "$enhanced"} ${glm:+--glm "$glm"} --complete "$complete" "${common[@]}"
done
[[ -z ${wanted[unlab]:-} ]] || "$python" -m espnet_ext.bin.prepare_corpus librilight "$librilight" "$data" \
  --sets "${wanted[unlab]}" "${common[@]}"
