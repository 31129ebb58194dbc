# shellcheck shell=bash disable=SC2034,SC2154
title="cluster speech frames, label those of the unlabelled speech"
home=$exp/kmeans_$labels_tag
fresh=true
skip=$labels_unwanted
inputs=("$data/$unlabelled_set" "$data/$valid_set")
[[ -z $labels_exp ]] || inputs+=("$labels_exp/config.yaml" "$labels_exp/latest.pth")
options=(labels_sizes labels_shift_ms labels_exp labels_layer)
outputs=("$home/kmeans.npz")
for set in "$unlabelled_set" "$valid_set"; do
  outputs+=("$dump/$set/labels_$labels_tag".{scp,ark,frame_shift_ms})
done

run() {
  local set
  local -a from=()
  [[ -z $labels_exp ]] || from=(--exp "$labels_exp" --layer "$labels_layer")
  "${job_command[@]}" --ngpu "$ngpu" "$home/kmeans.log" \
    python -m espnet_ext.bin.train_kmeans --data "$data/$unlabelled_set" --out "$home/kmeans.npz" \
    --sizes "$labels_sizes" --frame_shift_ms "$labels_shift_ms" ${from[@]+"${from[@]}"}
  for set in "$unlabelled_set" "$valid_set"; do
    local command=(python -m espnet_ext.bin.dump_labels --kmeans "$home/kmeans.npz" --tag "$labels_tag"
      --data "$data/$set" --out "$dump/$set" --nj "$nj")
    "${job_command[@]}" --ngpu "$ngpu" "JOB=1:$nj" "$dump/$set/logs/labels_$labels_tag.JOB.log" \
      "${command[@]}" --job JOB
    "${command[@]}" --merge true
  done
}
