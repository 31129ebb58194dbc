#!/usr/bin/env bash
# Makes Kaldi data directories of the Wall Street Journal corpus.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --wsj DIR [--noise_word WORD]
                     [--complete false]

Sets are train_si84, train_si284, dev93, eval92 and eval93; each is one line of a table, its counts beside
the published ones.

  local/data.sh --wsj /data/wsj
  sets="train_si84 eval93" local/data.sh --wsj /data/wsj --noise_word '<NOISE>'
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
wsj=downloads/wsj noise_word="" complete=true
sets=${sets:-train_si284 dev93 eval92 eval93}
options="size data nj wsj noise_word complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

"$python" -m espnet_ext.bin.prepare_corpus wsj "$wsj" "$data" --sets "$sets" --noise_word "$noise_word" \
  --complete "$complete" --size "$size" --nj "$nj"
