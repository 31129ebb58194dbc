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
while [[ $# -gt 0 ]]; do
  case $1 in
    --size | --data | --nj | --librispeech | --finetuning | --download | --mirror | --speakers | --complete)
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

limited=()
[[ -z $finetuning ]] || limited=(--finetuning "$finetuning")
[[ $download == true ]] || limited+=(--lists local/limited) # the archive is smaller than what they cut
"$python" -m espnet_ext.bin.prepare_corpus librispeech "$librispeech" "$data" --sets "$sets" \
  --speakers "$speakers" --complete "$complete" ${limited[@]+"${limited[@]}"} \
  --download "$download" ${mirror:+--mirror "$mirror"} --size "$size" --nj "$nj"
