# shellcheck shell=bash
# What the tests of recipes share, beside test/shell/lib.sh: NAME_test.sh is about egs2/NAME/ssl1.
# shellcheck source=test/shell/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../shell/lib.sh"
recipe=$repo/egs2/$(basename "$0" _test.sh)/ssl1
export recipe OMP_NUM_THREADS=1

# lay_out CORPUS FOLDER: real speech in the corpus's format (test/corpora).
lay_out() { PYTHONPATH=$repo:$repo/test "$repo/.venv/bin/python" -m "corpora.$1" "$2"; }

# smoke OPTION…: run.sh at smoke size, in smoke/.
smoke() {
  mkdir -p smoke
  expect 0 "$recipe/run.sh" --size smoke --nj 1 --workdir smoke "$@"
}

# all_stages "SET …" OPTION…: all of them run, every set has a score, and a second time there is nothing to
# do. $output is that of the first time.
all_stages() {
  local sets=$1 first set
  shift
  smoke "$@"
  first=$output
  shows "10/10 report      ran"
  [[ -s smoke/RESULTS.md ]] || fail "no results"
  for set in $sets; do
    grep -q '^%[WP]ER' smoke/exp/asr_*/decode_greedy/"$set"/score_wer/[wp]er || fail "no score of $set"
  done
  smoke "$@"
  shows "nothing to do"
  output=$first
}
