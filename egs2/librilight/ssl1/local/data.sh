#!/usr/bin/env bash
# Makes Kaldi data directories of Libri-light, and of LibriSpeech to fine-tune and test on.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --librilight DIR --librispeech DIR
                     [--finetuning DIR] [--download true] [--mirror URL] [--speakers chapter|plain]
                     [--complete false]
                     [--rule atm|w2v2] [--cut_seed N]

Reads the corpora where they are and writes the sets under DIR. Libri-light's recordings are cut in
place: `segments` names the pieces. Hours before and after are printed.

  sets="unlab_600" local/data.sh --librilight /data/librilight --rule w2v2
  sets="unlab_60k train_clean_100 dev" local/data.sh --librilight /a --librispeech /b
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
librilight=downloads/librilight librispeech=downloads/LibriSpeech finetuning="" rule=atm cut_seed=0
download=false mirror="" speakers=chapter complete=true
sets=${sets:-unlab_60k train_clean_100 dev dev_clean dev_other test_clean test_other}
options="size data nj librilight librispeech finetuning rule cut_seed download mirror speakers complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

unlabelled="" labelled=""
for set in $sets; do
  case $set in
    small | medium | large | unlab_*) unlabelled+=" $set" ;;
    *) labelled+=" $set" ;;
  esac
done
common=(--download "$download" ${mirror:+--mirror "$mirror"} --size "$size" --nj "$nj")
if [[ -n $unlabelled ]]; then
  "$python" -m espnet_ext.bin.prepare_corpus librilight "$librilight" "$data" --sets "$unlabelled" \
    --rule "$rule" --seed "$cut_seed" "${common[@]}"
fi
limited=()
[[ -z $finetuning ]] || limited=(--finetuning "$finetuning")
[[ $download == true ]] || limited+=(--lists ../../librispeech/ssl1/local/limited) # the archive is smaller than what they cut
if [[ -n $labelled ]]; then
  "$python" -m espnet_ext.bin.prepare_corpus librispeech "$librispeech" "$data" --sets "$labelled" \
    --speakers "$speakers" --complete "$complete" ${limited[@]+"${limited[@]}"} "${common[@]}"
fi
