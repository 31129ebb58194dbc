#!/usr/bin/env bash
# Makes Kaldi data directories of Switchboard-1 and of eval2000, and of Fisher to pre-train on.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] --swbd DIR [--eval2000 DIR]
                     [--fisher DIR] [--noises keep] [--complete false]

Sets are train_dev, train_nodev, train_nodup (300 hours), train_30h, eval2000, eval2000_swbd and
eval2000_callhm; of Fisher fisher_p1, fisher_p2 and train_fisher. Each is one line of a table.

  local/data.sh --swbd /data/swbd --eval2000 /data/hub5_2000
  sets="train_nodup" local/data.sh --swbd /data/swbd --noises keep
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN)
swbd=downloads/swbd eval2000="" fisher=downloads/fisher noises=drop complete=true
sets=${sets:-train_30h train_nodup train_dev eval2000_swbd eval2000_callhm}
options="size data nj swbd eval2000 fisher noises complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

calls="" more="" # sets of Switchboard, sets of Fisher
for set in $sets; do
  if [[ $set == *fisher* ]]; then more+=" $set"; else calls+=" $set"; fi
done
common=(--complete "$complete" --size "$size" --nj "$nj")
[[ -z $calls ]] || "$python" -m espnet_ext.bin.prepare_corpus swbd "$swbd" "$data" --sets "$calls" \
  --noises "$noises" ${eval2000:+--eval2000 "$eval2000"} "${common[@]}"
[[ -z $more ]] || "$python" -m espnet_ext.bin.prepare_corpus fisher "$fisher" "$data" --sets "$more" "${common[@]}"
