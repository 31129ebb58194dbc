# shellcheck shell=bash
# What the shell tests share: each test is a function test_*, run in a fresh folder of its own.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export repo

fail() {
  echo "    $*" >&2
  exit 1
}

# expect STATUS COMMAND…: runs it, keeps both its streams in $output.
expect() {
  local wanted=$1 status=0
  shift
  output=$("$@" 2>&1) || status=$?
  [[ $status -eq $wanted ]] || fail "exit status $status, expected $wanted, from: $*"$'\n'"$output"
}

shows() { [[ $output == *"$1"* ]] || fail "expected to read '$1' in:"$'\n'"$output"; }
hides() { [[ $output != *"$1"* ]] || fail "did not expect to read '$1' in:"$'\n'"$output"; }

# Run every test_* function of the calling file.
run_tests() {
  local name passed=0 failed=0 began
  for name in $(declare -F | awk '$3 ~ /^test_/ { print $3 }'); do
    began=$SECONDS
    work=$(mktemp -d "${TMPDIR:-/tmp}/shell test.XXXXXX") # a space on purpose
    if (set -euo pipefail && cd "$work" && "$name"); then
      passed=$((passed + 1))
      echo "ok    $(basename "$0" .sh) ${name#test_} ($((SECONDS - began)) s)"
    else
      failed=$((failed + 1))
      echo "FAIL  $(basename "$0" .sh) ${name#test_}"
    fi
    rm -rf "$work"
  done
  echo "$passed passed, $failed failed"
  [[ $failed -eq 0 ]]
}
