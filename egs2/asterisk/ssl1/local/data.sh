#!/usr/bin/env bash
# Fetches the Asterisk prompts and makes data/{train,dev,test,test_open,unlabelled}.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: local/data.sh [--size full|smoke] [--data DIR] [--nj N]

Fetches the Debian packages (55 MB) into downloads/asterisk, without root; where there is no apt, the
same recordings from upstream's tarballs. Decodes them to FLAC and writes Kaldi data directories.
What is there already is not fetched or decoded again.

  local/data.sh                      # all: 14 minutes of English with text, 117 without, five voices
  local/data.sh --size smoke --nj 2  # a few utterances of each set, for a quick look at every stage
  local/data.sh --size smoke --data data_smoke
TXT
}

size=full
data=data
nj=$(getconf _NPROCESSORS_ONLN)
options="size data nj"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

# The recordings of five voices; transcripts are used for English alone.
packages=(asterisk-core-sounds-en asterisk-core-sounds-{en,es,fr,it,ru}-g722)

fetch_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ -e downloads/asterisk/usr/.have/$package ]] && continue
    echo "fetching $package" >&2
    "$root/tools/fetch_deb.sh" downloads/asterisk "$package" || return 1
    touch "downloads/asterisk/usr/.have/$package"
  done
}

mkdir -p downloads/asterisk/usr/.have
if ! fetch_packages; then
  echo "apt cannot bring the packages; trying upstream's tarballs" >&2
  "$python" local/upstream.py downloads/asterisk
fi
"$python" -m espnet_ext.bin.prepare_corpus asterisk downloads/asterisk "$data" \
  --size "$size" --nj "$nj"
