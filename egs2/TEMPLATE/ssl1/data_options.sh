# shellcheck shell=bash
# The beginning of every local/data.sh, sourced with its arguments after it has set `usage`, defaults,
# and options="size data nj …": the variables that --NAME VALUE may set. Goes to the recipe's folder.
while [[ $# -gt 0 ]]; do
  if [[ $1 == -h || $1 == --help ]]; then
    usage && exit 0
  elif [[ $1 != --* || " ${options:?} " != *" ${1#--} "* ]]; then
    echo "error: local/data.sh: unknown option $1; see --help" >&2 && exit 2
  elif [[ $# -lt 2 ]]; then
    echo "error: local/data.sh: $1 needs a value" >&2 && exit 2
  fi
  printf -v "${1#--}" %s "$2"
  shift 2
done

cd "$(dirname "${BASH_SOURCE[1]}")/.." || exit
root=$(cd ../../.. && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
python=${PYTHON:-$root/.venv/bin/python}
command -v "$python" >/dev/null || python=python3
