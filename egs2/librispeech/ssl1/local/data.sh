#!/usr/bin/env bash
# Makes Kaldi data directories of LibriSpeech, and of the limited supervision that Libri-light cuts out of it.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --librispeech DIR
                     [--finetuning DIR] [--download true] [--mirror URL] [--speakers chapter|plain]
                     [--complete false]

Reads the corpus where it is and writes the sets under DIR; each is one line of a table, its number of
utterances beside the published one.

  sets="dev_clean train_10h" local/data.sh --librispeech /data/LibriSpeech
  local/data.sh --librispeech downloads --download true --mirror https://us.openslr.org
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
librispeech=downloads/LibriSpeech finetuning="" download=false mirror="" speakers=chapter complete=true
sets=${sets:-train_960 train_clean_100 dev dev_clean dev_other test_clean test_other}
options="size data nj librispeech finetuning download mirror speakers complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

limited=()
[[ -z $finetuning ]] || limited=(--finetuning "$finetuning")
[[ $download == true ]] || limited+=(--lists local/limited) # the archive is smaller than what they cut
"$python" -m espnet_ext.bin.prepare_corpus librispeech "$librispeech" "$data" --sets "$sets" \
  --speakers "$speakers" --complete "$complete" ${limited[@]+"${limited[@]}"} \
  --download "$download" ${mirror:+--mirror "$mirror"} --size "$size" --nj "$nj"
