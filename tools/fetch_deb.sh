#!/usr/bin/env bash
# Downloads Debian packages and unpacks them into a folder, without root and without installing them.
set -euo pipefail

usage() {
  cat <<'TXT'
Usage: tools/fetch_deb.sh DEST PACKAGE...
  tools/fetch_deb.sh .cache/deb/sctk sctk        # then .cache/deb/sctk/usr/lib/sctk/bin/sclite
  tools/fetch_deb.sh downloads asterisk-core-sounds-en-g722

Where apt has no package lists (a fresh machine), they are refreshed into .cache/apt, not the system.
TXT
}

if [[ ${1:-} == -h || ${1:-} == --help || $# -lt 2 ]]; then
  usage
  [[ $# -ge 1 && $1 == -* ]] && exit 0
  exit 2
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "fetch_deb: no apt-get and dpkg-deb here (not a Debian or Ubuntu system)" >&2
  exit 1
fi

cache=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.cache/apt
mkdir -p "$1" "$cache"/{lists/partial,archives/partial}
dest=$(cd "$1" && pwd)
shift
options=() # empty: the system's own package lists
private=(-o "Dir::State::lists=$cache/lists" -o "Dir::Cache=$cache" -o "APT::Sandbox::User=" -o Debug::NoLocking=1)

known() { apt-get -q "${options[@]}" --print-uris download "$@" >/dev/null 2>&1; }
known "$@" || options=("${private[@]}")
known "$@" || apt-get -q "${options[@]}" update >"$cache/update.log" 2>&1 || {
  echo "fetch_deb: apt-get update failed: $(grep -m1 -E '^E:' "$cache/update.log" || echo "see $cache/update.log")" >&2
  exit 1
}

work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q "${options[@]}" download "$@" >download.log 2>&1 || {
  echo "fetch_deb: $*: $(grep -m1 -E '^E:' download.log || tail -n 1 download.log)" >&2
  exit 1
}
for package in *.deb; do
  dpkg-deb -x "$package" "$dest"
done
