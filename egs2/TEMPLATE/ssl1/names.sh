# shellcheck shell=bash disable=SC2034,SC2154
# Names of what the stages read and write, made from the options. Sourced by ssl.sh, in the recipe.

# $1 as seen from the recipe: short if it lies inside, otherwise absolute.
from_recipe() {
  local path
  path=$(realpath -ms -- "$1")
  case $path in
    "$PWD") echo . ;;
    "$PWD"/*) echo "${path#"$PWD"/}" ;;
    *) echo "$path" ;;
  esac
}

# A path that the user gave: from where the user stands if it is there, else from the recipe.
given_path() {
  local candidate=$1
  [[ $1 == /* || ! -e $called_from/$1 ]] || candidate=$called_from/$1
  from_recipe "$candidate"
}

# conf/asr_rnnt.yaml -> rnnt in names that begin with asr_ anyway.
stem() {
  local base
  base=$(basename "$1" .yaml)
  echo "${base#"$2"_}"
}

for name in scorer_config ssl_config asr_config decode_config; do
  [[ -n ${!name} ]] || die "--$name: expected a yaml file, such as conf/asr_ctc.yaml"
  printf -v "$name" %s "$(given_path "${!name}")"
done
for name in ${corpus_folders[@]+"${corpus_folders[@]}"}; do
  [[ -z ${!name} ]] || printf -v "$name" %s "$(given_path "${!name}")"
done
recipe=.
overrides="" # further options of every training
shrink=()    # a conf whose settings replace those that a training's conf has
if [[ $size == smoke ]]; then
  workdir=${workdir:-exp/smoke}
  overrides="--max_epoch 2"
  shrink=(--shrink "$root/conf/size/smoke.yaml")
  nbpe=$((nbpe < 34 ? nbpe : 34)) # a few sentences hold no more
fi
[[ -z $workdir || $workdir == exp/smoke ]] || workdir=$(given_path "$workdir")
workdir=${workdir:-.}
in_workdir() { if [[ $workdir == . ]]; then echo "$1"; else echo "$workdir/$1"; fi; }
data=$(in_workdir data)
dump=$(in_workdir dump)
exp=$(in_workdir exp)

[[ $token_type == bpe ]] && token_dir=$data/token_list/bpe$nbpe || token_dir=$data/token_list/$token_type

scorer_given=$scorer_exp
if [[ -z $scorer_exp ]]; then
  scorer_exp=$exp/scorer_$(stem "$scorer_config" scorer)
else
  scorer_exp=$(given_path "$scorer_exp")
fi

# Labels are wanted only by a conf that predicts them; it states how many, and the frame shift.
labels_sizes="" labels_shift_ms="" labels_unwanted="" labels_tag=""
if [[ -n $ssl_exp ]]; then
  labels_unwanted="--ssl_exp $ssl_exp needs no labels"
else
  wanted=$(python -m espnet_ext.bin.compose_config "$ssl_config" --labels) || exit 2
  read -r labels_sizes labels_shift_ms <<<"$wanted"
  [[ -n $labels_sizes ]] || labels_unwanted="$ssl_config predicts no labels"
fi
labels_of=mfcc
if [[ -n $labels_exp ]]; then
  [[ -z $labels_unwanted ]] || die "--labels_exp $labels_exp: $labels_unwanted"
  labels_exp=$(given_path "$labels_exp")
  labels_of=$(basename "$labels_exp")
  labels_of=${labels_of#ssl_}_l$labels_layer
fi
[[ -n $labels_unwanted ]] || labels_tag=${labels_of}_${labels_sizes//,/-}_${labels_shift_ms}ms

ssl_given=$ssl_exp
case $ssl_exp in
  "")
    # of several iterations on labels of one another each has its own name
    ssl_tag=${ssl_tag:-$(stem "$ssl_config" ssl)${labels_exp:+_on_$labels_of}${ssl_seed:+_sslseed$ssl_seed}}
    ssl_exp=$exp/ssl_$ssl_tag
    [[ $ssl_exp != "$labels_exp" ]] ||
      die "--labels_exp $labels_exp would be trained on its own labels; give another --ssl_tag"
    ;;
  none)
    ssl_tag=scratch
    ssl_exp=$exp/ssl_none # never made
    ;;
  *)
    ssl_exp=$(given_path "$ssl_exp")
    ssl_tag=${ssl_tag:-$(basename "$ssl_exp")}
    ssl_tag=${ssl_tag#ssl_}
    ;;
esac
start=$ssl_exp/latest.pth # what fine-tuning begins with; `best` is known once this is there
case $ssl_epoch in
  "") ;;
  best) ssl_tag+=@best ;;
  *) ssl_tag+=@${ssl_epoch}ep start=$ssl_exp/${ssl_epoch}epoch.pth ;;
esac
asr_tag=${asr_tag:-$(stem "$asr_config" asr)_$ssl_tag${seed:+_seed$seed}}
asr_exp=$exp/asr_$asr_tag

# What the decode conf asks for: decode_search, decode_ngram_tag, decode_lm, …; see bin/decode_needs.py.
wanted=$(python -m espnet_ext.bin.decode_needs --config "$decode_config" --asr_config "$asr_config" \
  --asr_args="$asr_args" --valid_set "$valid_set") || exit 2
while IFS=$'\t' read -r name value; do printf -v "decode_$name" %s "$value"; done <<<"$wanted"
decode_dir=$asr_exp/decode_$(stem "$decode_config" decode)
# those of CTC; an RNN-T's own search runs the network
emissions=$asr_exp/emissions
ngram_exp=${decode_ngram_tag:+$exp/ngram_${decode_ngram_tag}_${token_dir##*/}} # made by stage 7
case $decode_lm in
  *.yaml) lm_exp=$exp/lm_$(stem "$decode_lm" lm)_${token_dir##*/} ;; # made by stage 7
  ?*) lm_exp=$(given_path "$decode_lm") ;;
  *) lm_exp="" ;;
esac
lm_options=() lm_files=("$decode_ngram_file" "$decode_lexicon") # of the search: its options, its inputs
if [[ -n $ngram_exp ]]; then
  lm_options+=(--ngram "$ngram_exp/lm.arpa")
  lm_files+=("$ngram_exp/lm.arpa")
  if [[ $decode_search == lexicon && -z $decode_lexicon ]]; then
    lm_options+=(--lexicon "$ngram_exp/lexicon.txt")
    lm_files+=("$ngram_exp/lexicon.txt")
  fi
fi
if [[ -n $lm_exp ]]; then
  lm_options+=(--lm "$lm_exp")
  lm_files+=("$lm_exp/config.yaml" "$lm_exp/valid.loss.ave.pth")
fi
tune_set=${decode_tune_set:-$valid_set}
tune_exp=${decode_tune:+$asr_exp/tune_$(stem "$decode_config" decode)} # made by stage 8

# Confidences are wanted only by a conf that reads them.
confidence_unwanted=""
if [[ -n $ssl_given ]]; then
  confidence_unwanted="--ssl_exp $ssl_given needs no confidences"
else
  wanted=$(python -m espnet_ext.bin.compose_config "$ssl_config" --confidence) || exit 2
  [[ -n $wanted ]] || confidence_unwanted="$ssl_config reads no confidences"
fi

read -ra tests <<<"$test_sets"
mapfile -t labelled_sets < <(printf '%s\n' "$train_set" "$valid_set" "${tests[@]}" | awk '!seen[$0]++')
mapfile -t searched_sets < <(printf '%s\n' "${tests[@]}" ${decode_tune:+"$tune_set"} | awk '!seen[$0]++')
mapfile -t all_sets < <(printf '%s\n' "${labelled_sets[@]}" "$unlabelled_set" | awk '!seen[$0]++')

# what stage 9 writes for a set
case " $score_args " in
  *" --unit phone "*) score_file=per ;;
  *" --unit char "*) score_file=cer ;;
  *) score_file=wer ;;
esac
