# shellcheck shell=bash disable=SC2154
# A recipe whose data, training and decoding are a few lines of text, under the real driver.

# Makes ./egs2/{TEMPLATE,toy}/ssl1 and ./python. Each command notes itself in ./calls.
make_toy() {
  mkdir -p egs2/TEMPLATE egs2/toy/ssl1/{conf,local/splits}
  cp -r "$repo/egs2/TEMPLATE/ssl1" egs2/TEMPLATE/
  mkdir -p conf/size && cp "$repo/conf/size/smoke.yaml" conf/size/
  toy=$PWD/egs2/toy/ssl1
  run=$toy/run.sh
  calls=$PWD/calls
  export toy run calls PYTHON="$PWD/python" REAL_PYTHON="$repo/.venv/bin/python" EPOCH_SECONDS=0
  : >"$calls"

  cat >"$run" <<'TXT'
#!/usr/bin/env bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../../TEMPLATE/ssl1/ssl.sh" --recipe "$here" --minutes "scorer=2 pretrain=3" \
  --test_sets "dev test" --nbpe 20 --nj 2 \
  --scorer_config "$here/conf/scorer_ctc.yaml" --ssl_config "$here/conf/w2v.yaml" \
  --asr_config "$here/conf/asr_rnnt.yaml" --decode_config "$here/conf/decode_greedy.yaml" "$@"
TXT
  echo one >"$toy/local/splits/train"
  for conf in scorer_ctc w2v asr_rnnt; do echo "max_epoch: 3" >"$toy/conf/$conf.yaml"; done
  echo "search: greedy" >"$toy/conf/decode_greedy.yaml"
  echo "masker: confidence" >>"$toy/conf/w2v.yaml"
  printf 'optim_conf: {lr: 0.001}\n' >>"$toy/conf/asr_rnnt.yaml"

  cat >"$toy/local/data.sh" <<'TXT'
#!/usr/bin/env bash
# --size SIZE --data DIR --nj N
echo "data ${*:7} for $sets" >>"$calls"
for set in train dev test unlabelled; do
  mkdir -p "$4/$set"
  for utt in a b c; do
    echo "$utt downloads/$utt.flac" >&3
    echo "$utt spk" >&4
    [[ $set == unlabelled ]] || echo "$utt HELLO WORLD HOW ARE YOU $set" >&5
  done 3>"$4/$set/wav.scp" 4>"$4/$set/utt2spk" 5>"$4/$set/text"
  [[ $set != unlabelled ]] || rm "$4/$set/text"
done
TXT

  cat >python <<'TXT'
#!/usr/bin/env bash
# Real bookkeeping, tokens and confs; everything else is played.
set -euo pipefail
module=${2#espnet_ext.bin.}
case "$module $*" in
  "compose_config "*" --check "*) echo check >>"$calls" && exit ;;
  "stage "* | "compose_config "* | "decode_needs "*) exec "$REAL_PYTHON" "$@" ;;
  "train_tokens "*) echo train_tokens >>"$calls" && exec "$REAL_PYTHON" "$@" ;;
esac
shift 2
[[ $module != validate_data_dir ]] || set -- --data "$@"
declare -A arg=()
while [[ $# -gt 0 ]]; do
  [[ $1 == --* ]] && name=${1#--} && arg[$name]=${2:-} && shift
  shift
done
echo "$module ${arg[job]:+job ${arg[job]}}${arg[merge]:+merge}" >>"$calls"
case $module in
  validate_data_dir)
    mkdir -p "$(dirname "${arg[num_samples_out]}")"
    cp "${arg[data]}/utt2spk" "${arg[num_samples_out]}"
    ;;
  asr_train | ssl_train)
    exp=${arg[output_dir]}
    [[ ! -f $exp/checkpoint.pth ]] || echo "resumed from epoch $(cat "$exp/checkpoint.pth")" >>"$calls"
    epoch=$(cat "$exp/checkpoint.pth" 2>/dev/null || echo 0)
    epochs=${arg[max_epoch]:-$(sed -n 's/^max_epoch: \([0-9]*\).*/\1/p' "${arg[config]}")}
    while ((epoch < epochs)); do
      sleep "$EPOCH_SECONDS"
      epoch=$((epoch + 1))
      echo "$epoch" >"$exp/checkpoint.pth"
      echo "$epoch" >"$exp/${epoch}epoch.pth"
    done
    cp "${arg[config]}" "$exp/config.yaml"
    { cat "${arg[config]}" "${arg[train_dir]}"/*; echo "$epoch ${arg[seed]:-} ${arg[labels]:-}"; } | cksum >"$exp/latest.pth"
    cp "$exp/latest.pth" "$exp/valid.loss.ave.pth"
    ;;
  dump_confidence)
    mkdir -p "${arg[out]}"
    [[ -n ${arg[merge]:-} ]] || exit 0
    for file in scp ark frame_shift_ms; do cp "${arg[scorer_exp]}/latest.pth" "${arg[out]}/confidence.$file"; done
    ;;
  train_kmeans)
    [[ -z ${arg[exp]:-} ]] || cat "${arg[exp]}/latest.pth" >"${arg[out]}"
    echo "${arg[sizes]} of layer ${arg[layer]:-mfcc}" >>"${arg[out]}"
    ;;
  dump_labels)
    mkdir -p "${arg[out]}"
    [[ -n ${arg[merge]:-} ]] || exit 0
    for file in scp ark frame_shift_ms; do cp "${arg[kmeans]}" "${arg[out]}/labels_${arg[tag]}.$file"; done
    ;;
  dump_emissions)
    mkdir -p "${arg[out]}"
    [[ -n ${arg[merge]:-} ]] || exit 0
    for file in emissions.scp emissions.ark tokens.txt; do cp "${arg[exp]}/latest.pth" "${arg[out]}/$file"; done
    ;;
  decode)
    mkdir -p "${arg[out]}"
    echo "0.0123 real-time factor" >"${arg[out]}/rtf"
    if [[ -z ${arg[merge]:-} ]]; then cp "${arg[data]}/text" "${arg[out]}/part.${arg[job]}"; else cp "${arg[out]}/part.1" "${arg[out]}/text"; fi
    ;;
  score_wer)
    mkdir -p "${arg[out]}"
    echo "%WER 12.50 [ 1 / 8, 0 ins, 0 del, 1 sub ]" >"${arg[out]}/wer"
    ;;
  report)
    echo "# Results" >"${arg[out]}"
    echo "<html>" >"${arg[out]%.md}.html"
    ;;
esac
TXT
  chmod +x python "$run" "$toy/local/data.sh"
}

called() { grep -c "^$1" "$calls" || true; }
