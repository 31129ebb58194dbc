# shellcheck shell=bash disable=SC2034,SC2154
title="build the n-gram LM that the decode conf describes"
home=${ngram_exp:-$exp/ngram_none}
fresh=true
[[ -n $ngram_exp ]] || skip="$decode_config describes no n-gram to be built"
inputs=("$data/$train_set/text" "$data/$valid_set/text" "$token_dir")
[[ -z $lm_text ]] || inputs+=("$lm_text")
options=(token_type nbpe decode_ngram_tag)
outputs=("$home/lm.arpa" "$home/perplexity")
[[ $decode_search != lexicon ]] || outputs+=("$home/lexicon.txt")

run() {
  python -m espnet_ext.bin.train_ngram --text "$data/$train_set/text" ${lm_text:+--lm_text "$lm_text"} \
    --decode_config "$decode_config" --download true --token_dir "$token_dir" \
    --held_out "$data/$valid_set/text" --out "$home"
}
