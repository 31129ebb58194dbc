#!/usr/bin/env bash
# Runs every test/shell/*_test.sh, two at a time, and closes with `shell: N passed, N failed, N skipped`.
#
#   test/shell/run.sh                     all of them
#   test/shell/run.sh test/shell/local_test.sh   one
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -gt 0 ]] || set -- "$here"/*_test.sh
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for file in "$@"; do
  bash "$file" >"$logs/$(basename "$file")" 2>&1 &
  [[ $(jobs -rp | wc -l) -lt 2 ]] || wait -n
done
wait
cat "$logs"/*
count() { awk -v word="$1" '$1 == word { n++ } END { print n + 0 }' "$logs"/*; }
failed=$(count FAIL)
for file in "$@"; do # a file that died before its closing line has failed
  grep -q '^[0-9]* passed, ' "$logs/$(basename "$file")" || failed=$((failed + 1))
done
echo "shell: $(count ok) passed, $failed failed, $(count skip) skipped"
[[ $failed -eq 0 ]]
