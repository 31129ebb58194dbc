# shellcheck shell=bash disable=SC2034,SC2154
title="run the recogniser once over the sets: CTC emissions"
home=$emissions
[[ $decode_output == ctc ]] || skip="the RNN-T's search runs the network itself"
inputs=("$asr_exp/config.yaml" "$asr_exp/valid.loss.ave.pth" "$asr_exp/valid.wer.ave.pt"*)
outputs=()
for set in "${searched_sets[@]}"; do
  inputs+=("$data/$set/wav.scp" "$data/$set/segments"*)
  outputs+=("$emissions/$set/emissions."{scp,ark} "$emissions/$set/tokens.txt")
done

run() {
  local set out made_of
  for set in "${searched_sets[@]}"; do
    out=$emissions/$set
    made_of=$({
      cat "$asr_exp/config.yaml" "$asr_exp"/valid.*.ave.pth "$data/$set/wav.scp"
      [[ ! -f $data/$set/segments ]] || cat "$data/$set/segments"
    } | cksum)
    # a set more, or an interruption, leaves the others as they are
    [[ ! -s $out/emissions.scp || $(cat "$out/.made_of" 2>/dev/null) != "$made_of" ]] || continue
    rm -rf "$out"
    local command=(python -m espnet_ext.bin.dump_emissions --exp "$asr_exp" --data "$data/$set"
      --out "$out" --nj "$nj" --ngpu "$ngpu")
    "${job_command[@]}" --ngpu "$ngpu" "JOB=1:$nj" "$out/logs/emissions.JOB.log" "${command[@]}" --job JOB
    "${command[@]}" --merge true
    echo "$made_of" >"$out/.made_of"
  done
}
