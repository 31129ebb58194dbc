#!/usr/bin/env bash
# What does each method learn for the same compute, and which frames should confidence mask?
#
#   ./learn.sh                    every row (hours); stop and start it as you like, what is done is kept
#   ./learn.sh ehmam lowest_40    these rows alone; several calls may run side by side
#
# A row is a pre-training that costs 300 CPU seconds of updates (test/bench/bench_methods.py says how
# many those are), then a linear CTC probe of it, frozen, and CTC fine-tunings; three seeds of each. Rows
# `scratch_*` are fine-tuned from, and probed at, random weights. `python -m espnet_ext.bin.report` makes
# the table "What was learnt" of them all.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
seeds="1 2 3"
passes=6 # epochs of pre-training, for its curve; they share the updates
# shorter than conf/asr_ctc.yaml says: twenty epochs, the rate down to nothing by their end
budget="--max_epoch 20 --scheduler_conf warmup_steps_list=[0,150,780]"

# row | conf of the pre-training | updates | conf of the fine-tuning | options of the pre-training
# without updates: row with an encoder of the same shape
rows="
wav2vec2    | wav2vec2       | 960  | asr_ctc_wave      |
hubert_wave | hubert_wave    | 1080 | asr_ctc_wave      |
data2vec    | data2vec       | 630  | asr_ctc_data2vec  |
data2vec2   | data2vec2      | 564  | asr_ctc_data2vec2 |
ehmam       | ehmam          | 690  | asr_ctc_data2vec2 |
w2v2_cfr    | w2v2_cfr       | 1464 | asr_ctc           |
hubert      | hubert_random  | 1500 | asr_ctc           |
mshubert    | mshubert       | 852  | asr_ctc           |
w2vbert     | w2vbert_random | 1326 | asr_ctc           |
scratch_ctc           | w2vbert   | 0 | asr_ctc           |
scratch_ctc_wave      | wav2vec2  | 0 | asr_ctc_wave      |
scratch_ctc_data2vec  | data2vec  | 0 | asr_ctc_data2vec  |
scratch_ctc_data2vec2 | data2vec2 | 0 | asr_ctc_data2vec2 |
"
for percent in 30 40 50; do
  for order in highest lowest random; do
    rows+="${order}_$percent | w2vbert_atm | 1326 | asr_ctc | --masker_conf order=$order --masker_conf fraction=0.$percent
"
  done
done

# Sets conf, updates and asr_conf of row $1, and start: what tells run.sh of its pre-training.
look_up() {
  local name options
  while IFS='|' read -r name conf updates asr_conf options; do
    name=${name// /} conf=${conf// /} updates=${updates// /} asr_conf=${asr_conf// /}
    [[ $name == "$1" ]] || continue
    start=(--ssl_exp none)
    [[ $updates == 0 ]] || start=(--ssl_config "conf/$conf.yaml" --ssl_tag "learn_$name" --ssl_args
      "--max_epoch $passes --num_iters_per_epoch $((updates / passes)) --total_updates $updates$options")
    return 0
  done <<<"$rows"
  echo "error: no row '$1'; expected one of: $(names)" >&2
  exit 2
}
names() { awk -F'|' 'NF > 1 { gsub(/ /, "", $1); print $1 }' <<<"$rows" | paste -sd' '; }

pretrain() {
  look_up "$1"
  [[ $updates == 0 ]] || ./run.sh --stop_stage 6 "${start[@]}"
}

probe() {
  local exp=exp/ssl_learn_$1 random=false newest
  look_up "$1"
  if [[ $updates == 0 ]]; then
    exp=exp/ssl_learn_$conf random=true
    [[ -f $exp/latest.pth ]] || pretrain "$conf"
  fi
  newest=exp/probe_learn_${1}_seed${seeds##* }/probe.yaml
  [[ ! $newest -nt $exp/latest.pth ]] || return 0
  # shellcheck disable=SC2086 # several seeds
  "$python" -m espnet_ext.bin.probe --exp "$exp" --random "$random" --train data/train \
    --valid data/dev --test data/{dev,test,test_open} --token_dir data/token_list/char \
    --out "exp/probe_learn_$1" --seeds $seeds
}

score_probe() {
  local seed set home unit
  for seed in $seeds; do
    for set in dev test test_open; do
      home=exp/probe_learn_${1}_seed$seed/decode_probe/$set
      [[ ! $home/score_cer/cer -nt $home/text ]] || continue
      for unit in word:wer char:cer; do
        "$python" -m espnet_ext.bin.score_wer --ref "data/$set/text" --hyp "$home/text" \
          --unit "${unit%:*}" --out "$home/score_${unit#*:}"
      done
    done
  done
}

finetune() { # row, seed
  look_up "$1"
  ./run.sh "${start[@]}" --asr_config "conf/$asr_conf.yaml" --asr_args "$budget" --seed "$2" \
    --asr_tag "${asr_conf#asr_}_learn_${1}_seed$2" --stop_stage 9
}

python=../../../.venv/bin/python
read -ra wanted <<<"${*:-$(names)}"
for row in "${wanted[@]}"; do look_up "$row"; done
for row in "${wanted[@]}"; do
  pretrain "$row"
  probe "$row"
  score_probe "$row"
done
for seed in $seeds; do
  for row in "${wanted[@]}"; do finetune "$row" "$seed"; done
done
