# shellcheck shell=bash disable=SC2034,SC2154
title="write RESULTS.md, its pictures and RESULTS.html"
home=$exp
results=$(in_workdir RESULTS.md)
inputs=("${tests[@]/#/$decode_dir/}")
inputs=("${inputs[@]/%//score_wer/$score_file}" "$exp"/asr_*/decode_*/*/score_wer/"$score_file")
# NIST's scores that are there, and those that stage 9 will make
# shellcheck source=egs2/TEMPLATE/ssl1/stages/09_nist.sh
mapfile -t nist_scores < <(skip="" && source "$template/stages/09_nist.sh" &&
  { [[ -n $skip ]] || printf '%s\n' "${outputs[@]}"; })
inputs+=("$exp"/asr_*/decode_*/*/score_nist/wer ${nist_scores[@]+"${nist_scores[@]}"})
outputs=("$results")

run() { python -m espnet_ext.bin.report --recipe . --workdir "$workdir" --out "$results"; }
