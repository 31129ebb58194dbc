#!/usr/bin/env bash
# Makes .venv with everything pinned, checks it by using it; the second time it only compares a stamp.
set -euo pipefail

usage() {
  cat <<'TXT'
Sets up the project: a virtual environment in .venv with the pinned packages, checked by use.
Needs no root. Run again at any time: with nothing changed it ends at once.

  tools/setup.sh                        # what `make setup` runs
  PYTHON=/opt/py/bin/python3.12 tools/setup.sh   # with a Python of your choice
  tools/setup.sh --lock                 # pins changed in pyproject.toml: resolve and rewrite the lock

Honours pip's and uv's configured package index, and uv's cache (UV_CACHE_DIR).
TXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
lock=tools/requirements.lock
uv_version=0.13.8

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# --- a Python that ESPnet can use ------------------------------------------------------------------

suits() { # exit 0 if $1 is a Python >= 3.12, < 3.14 that can make a virtual environment
  "$1" -c 'import sys, venv, ssl; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
  local candidate conda_root
  local -a candidates=()
  [[ -z ${PYTHON:-} ]] || candidates+=("$PYTHON")
  for candidate in python3.12 python3.13 python3 python; do
    mapfile -t -O "${#candidates[@]}" candidates < <(type -ap "$candidate")
  done
  candidates+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23]*/bin/python)
  for conda_root in "${CONDA_PREFIX:-}" "$HOME"/{miniconda3,anaconda3,miniforge3,mambaforge}; do
    candidates+=("$conda_root/bin/python" "$conda_root"/envs/*/bin/python)
  done
  for candidate in "${candidates[@]}"; do
    [[ -x $candidate ]] && suits "$candidate" && echo "$candidate" && return
  done
  ! command -v uv >/dev/null || uv python find --no-project --no-python-downloads '>=3.12,<3.14' 2>/dev/null
}

# --- uv: from PATH, or into a private environment by pip -----------------------------------------

find_uv() {
  local boot=$root/.cache/boot
  if command -v uv; then return; fi
  if [[ ! -x $boot/bin/uv ]]; then
    say "no uv on PATH; getting uv $uv_version with pip into .cache/boot"
    rm -rf "$boot"
    "$1" -m venv "$boot" >&2
    "$boot/bin/python" -m pip install -q --disable-pip-version-check "uv==$uv_version" >"$boot/pip.log" 2>&1 ||
      die "pip ($boot/pip.log) could not install uv; check the network and pip's index (pip config list)"
  fi
  echo "$boot/bin/uv"
}

use_pip_settings() { # uv does not read pip's configuration: hand on the index and the certificate
  local setting
  if [[ -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]]; then
    setting=${PIP_INDEX_URL:-$("$1" -m pip config get global.index-url 2>/dev/null || true)}
    [[ -z $setting ]] || export UV_DEFAULT_INDEX=$setting
  fi
  if [[ -z ${SSL_CERT_FILE:-} ]]; then
    setting=${PIP_CERT:-$("$1" -m pip config get global.cert 2>/dev/null || true)}
    [[ -z $setting ]] || export SSL_CERT_FILE=$setting
  fi
  export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180}
}

# --- the steps ---------------------------------------------------------------------------------------

stamp_now() { # what decides whether anything must be done: pins, this script, Python, the place
  echo "python $(sed -n 's/^version_info *= *//p;s/^version *= *//p' "$venv/pyvenv.cfg" 2>/dev/null)"
  echo "at $root"
  sha256sum pyproject.toml "$lock" tools/setup.sh tools/check_install.py
}

up_to_date() {
  [[ -x $venv/bin/python && -f $venv/.setup-stamp ]] &&
    [[ $(stamp_now) == "$(cat "$venv/.setup-stamp")" ]]
}

write_lock() {
  local uv=$1
  "$uv" pip compile -q pyproject.toml --extra dev --universal --python-version 3.12 \
    --no-emit-index-url --no-annotate --no-header -o "$lock"
  say "wrote $lock"
}

install() {
  local python=$1 uv=$2
  if [[ ! -x $venv/bin/python ]] || ! suits "$venv/bin/python"; then
    rm -rf "$venv"
    "$uv" venv -q --no-project --python "$python" "$venv"
  fi
  rm -f "$venv/.setup-stamp"
  say "installing $(grep -c == "$lock") pinned packages (about 6.5 GB the first time)"
  VIRTUAL_ENV=$venv "$uv" pip install -q -r "$lock" ||
    die "packages could not be installed; the lines above name the first that failed"
  VIRTUAL_ENV=$venv "$uv" pip install -q --no-deps -e .
}

fetch_test_peers() { # programs that only tests compare with; a machine without Debian does without
  command -v sclite >/dev/null || [[ -x /usr/lib/sctk/bin/sclite ]] ||
    tools/fetch_deb.sh .cache/deb/sctk sctk ||
    say "warning: no sclite (Debian's sctk): the tests that compare with it will be skipped"
}

main() {
  case ${1:-} in
    -h | --help) usage && return ;;
    --lock | "") ;;
    *) die "unknown option '$1'; see tools/setup.sh --help" ;;
  esac
  if [[ -z ${1:-} ]] && up_to_date; then
    say "up to date (.venv)"
    return
  fi
  local python uv began=$SECONDS
  python=$(find_python) && [[ -n $python ]] ||
    die "no Python >= 3.12, < 3.14 on PATH, in pyenv, conda or uv; install one ('pyenv install 3.12', 'uv python install 3.12' or your system's python3.12 with venv), or set PYTHON=/path/to/python"
  uv=$(find_uv "$python")
  use_pip_settings "$python"
  if [[ ${1:-} == --lock ]]; then
    write_lock "$uv"
    return
  fi
  say "Python $("$python" -V | cut -d' ' -f2) at $python"
  install "$python" "$uv"
  fetch_test_peers
  say "checking the installation by using it"
  # bytecode of all that is imported is kept, also where the environment says not to: without it
  # each start of torch and ESPnet takes ten seconds more
  env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" tools/check_install.py
  stamp_now >"$venv/.setup-stamp"
  say "done in $((SECONDS - began)) s"
}

main "$@"
