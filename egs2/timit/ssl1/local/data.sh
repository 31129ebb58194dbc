#!/usr/bin/env bash
# Makes Kaldi data directories of TIMIT, with phones as words.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --timit DIR [--phones 48|39|61]
                     [--complete false]

Sets are train, dev, test (the core test set) and test_full; each is one line of a table, its counts beside
the published ones.

  local/data.sh --timit /data/TIMIT
  sets="test_full" local/data.sh --timit /data/TIMIT --phones 39
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
timit=downloads/TIMIT phones=48 complete=true
sets=${sets:-train dev test}
options="size data nj timit phones complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

"$python" -m espnet_ext.bin.prepare_corpus timit "$timit" "$data" --sets "$sets" --phones "$phones" \
  --complete "$complete" --size "$size" --nj "$nj"
