# shellcheck shell=bash disable=SC2034,SC2154
title="learn word pieces, or list characters or phones"
home=$token_dir
fresh=true
inputs=("$data/$train_set/text")
options=(token_type)
[[ $token_type != bpe ]] || options+=(nbpe)
outputs=("$token_dir/tokens.txt")
[[ $token_type != bpe ]] || outputs+=("$token_dir/bpe.model")

run() {
  python -m espnet_ext.bin.train_tokens --text "$data/$train_set/text" --token_type "$token_type" \
    --n "$nbpe" --out "$token_dir"
}
