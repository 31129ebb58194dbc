# shellcheck shell=bash disable=SC2034,SC2154
title="fetch the corpus, make data directories"
home=$data
inputs=(local/*.sh local/*.py local/splits*)
for folder in ${corpus_folders[@]+"${corpus_folders[@]}"}; do # a file among them: a glm, a mix of corpora
  [[ ! -f ${!folder} ]] || inputs+=("${!folder}")
done
options=(size ${corpus_names[@]+"${corpus_names[@]}"})
outputs=()
for set in "${all_sets[@]}"; do outputs+=("$data/$set/wav.scp" "$data/$set/utt2spk"); done
for set in "${labelled_sets[@]}"; do outputs+=("$data/$set/text"); done

run() {
  local name
  local -a given=()
  for name in ${corpus_names[@]+"${corpus_names[@]}"}; do given+=("--$name" "${!name}"); done
  sets="${all_sets[*]}" local/data.sh --size "$size" --data "$data" --nj "$nj" ${given[@]+"${given[@]}"}
}
