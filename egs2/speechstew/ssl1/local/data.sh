#!/usr/bin/env bash
# Makes Kaldi data directories of SpeechStew: of each corpus in data/corpora/NAME, then mixed as a yaml says.
# shellcheck disable=SC2034 # folders of corpora are read by their names
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: [sets="SET …"] local/data.sh [--size full|smoke] [--data DIR] [--nj N] [--mix FILE] [--corpora NAME,NAME]
                     [--ami DIR] [--librispeech DIR] … [--download true] [--mirror URL] [--complete false]

Sets are train and dev, which are mixed, and the mix's tests, such as ami_eval_ihm; unlab_60k and the like are
of Libri-light. Only what the sets need is read; each folder is as in the corpus's own recipe.

  sets="train dev" local/data.sh --corpora ami,librispeech --ami /data/ami --librispeech /data/LibriSpeech
  sets="chime6_dev_gss" local/data.sh --chime6 /data/CHiME6 --enhanced /data/gss
TXT
}

size=full data=data nj=$(getconf _NPROCESSORS_ONLN) mix=conf/mix/speechstew.yaml
corpora=ami,broadcastnews,commonvoice,librispeech,swbd,fisher,tedlium3,wsj
ami=downloads/ami broadcastnews=downloads/broadcastnews commonvoice=downloads/commonvoice fisher=downloads/fisher
librispeech=downloads/LibriSpeech swbd=downloads/swbd tedlium3=downloads/TEDLIUM_release-3 wsj=downloads/wsj
chime6=downloads/CHiME6 enhanced="" librilight=downloads/librilight download=false mirror="" complete=true
sets=${sets:-train dev ami_eval_ihm ami_eval_sdm librispeech_test_clean librispeech_test_other}
options="size data nj mix corpora ami broadcastnews commonvoice librispeech swbd fisher tedlium3 wsj chime6"
options+=" enhanced librilight download mirror complete"
# shellcheck source=egs2/TEMPLATE/ssl1/data_options.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../TEMPLATE/ssl1/data_options.sh" "$@"

unlabelled="" stew="" zero_shot=""
for set in $sets; do
  case $set in
    unlab_*) unlabelled+=" $set" ;;
    chime6_*) stew+=" $set" zero_shot=" chime6" ;; # tested on, never mixed
    *) stew+=" $set" ;;
  esac
done
common=(--size "$size" --nj "$nj")
public=("${common[@]}" --download "$download" ${mirror:+--mirror "$mirror"})
mixed=("$data/corpora" "$data" --mix "$mix" --corpora "${corpora//,/ }$zero_shot" --sets "$stew" --size "$size")

# $1: a corpus whose own recipe has a local/data.sh; that one works elsewhere, so paths are absolute
own_recipe() {
  (cd "$root/egs2/$1/ssl1" && local/data.sh --data "$to" --complete "$complete" "${@:2}")
}

[[ -z $stew ]] || needs=$("$python" -m espnet_ext.bin.prepare_corpus speechstew "${mixed[@]}" --needs true)
while read -r -u 3 corpus sets; do
  [[ -n $corpus ]] || continue
  echo "$corpus: $sets"
  from=$(realpath -ms -- "${!corpus:-}") to=$(realpath -ms -- "$data/corpora/$corpus")
  export sets
  case $corpus in
    ami | librispeech) own_recipe "$corpus" "--$corpus" "$from" "${public[@]}" ;;
    swbd | wsj) own_recipe "$corpus" "--$corpus" "$from" "${common[@]}" ;;
    chime6)
      own_recipe chime6 --chime6 "$from" --case upper "${public[@]}" \
        ${enhanced:+--enhanced "$(realpath -ms -- "$enhanced")"}
      ;;
    *)
      given=(--sets "$sets" "${public[@]}")
      [[ $corpus != fisher && $corpus != tedlium3 ]] || given+=(--complete "$complete")
      [[ $corpus == tedlium3 || $download == false ]] || given+=(--download false) # only that one is public
      "$python" -m espnet_ext.bin.prepare_corpus "$corpus" "$from" "$to" "${given[@]}"
      ;;
  esac
done 3<<<"${needs:-}"
[[ -z $stew ]] || "$python" -m espnet_ext.bin.prepare_corpus speechstew "${mixed[@]}"
[[ -z $unlabelled ]] || "$python" -m espnet_ext.bin.prepare_corpus librilight "$librilight" "$data" \
  --sets "$unlabelled" "${public[@]}"
