# shellcheck shell=bash disable=SC2034,SC2154
title="fetch the corpus, make data directories"
home=$data
inputs=(local/*.sh local/*.py local/splits*)
options=(size)
outputs=()
for set in "${all_sets[@]}"; do outputs+=("$data/$set/wav.scp" "$data/$set/utt2spk"); done
for set in "${labelled_sets[@]}"; do outputs+=("$data/$set/text"); done

run() { local/data.sh --size "$size" --data "$data" --nj "$nj"; }
