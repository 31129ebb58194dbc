# shellcheck shell=bash disable=SC2034,SC2154
title="write RESULTS.md, its pictures and RESULTS.html"
home=$exp
results=$(in_workdir RESULTS.md)
inputs=("${tests[@]/#/$decode_dir/}")
inputs=("${inputs[@]/%//score_wer/$score_file}" "$exp"/asr_*/decode_*/*/score_wer/"$score_file")
outputs=("$results")

run() { python -m espnet_ext.bin.report --recipe . --workdir "$workdir" --out "$results"; }
