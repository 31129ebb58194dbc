"""The driver's bookkeeping: which stages must run and why. People call run.sh; this serves it.

Declarations come on standard input (see espnet_ext/stage.py).

examples:
  … | python -m espnet_ext.bin.stage plan --first 1 --last 10    # name, verdict, reason per line
  … | python -m espnet_ext.bin.stage begin --name tokens         # verdict, reason
  … | python -m espnet_ext.bin.stage finish --name tokens --seconds 12 --rss_file FILE
  python -m espnet_ext.bin.stage nearest nbp nbpe nj ngpu         # for a misspelt option
"""

import argparse
import difflib
import sys
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plan_args = commands.add_parser("plan")
    plan_args.add_argument("--first", type=int, required=True)
    plan_args.add_argument("--last", type=int, required=True)
    plan_args.add_argument("--named", type=int, nargs="*", default=[])
    for name in ("begin", "finish"):
        command = commands.add_parser(name)
        command.add_argument("--name", required=True)
        if name == "finish":
            command.add_argument("--seconds", type=float, required=True)
            command.add_argument("--rss_file", type=Path, help="lines of peak memory in KB")
    nearest = commands.add_parser("nearest")
    nearest.add_argument("word")
    nearest.add_argument("known", nargs="+")
    args = parser.parse_args()

    if args.command == "nearest":
        print(" ".join(difflib.get_close_matches(args.word, args.known, n=2, cutoff=0.6)))
        return

    from espnet_ext import stage as engine

    stages = engine.parse_stages(sys.stdin)
    if args.command == "plan":
        for verdict in engine.plan(stages, args.first, args.last, args.named):
            print(verdict.stage.name, verdict.do, verdict.why, sep="\t")
        return
    stage = next(s for s in stages if s.name == args.name)
    if args.command == "begin":
        engine.require_inputs(stage, stages)
        verdict = engine.begin(stage)
        print(verdict.do, verdict.why, sep="\t")
    else:
        engine.finish(stage, args.seconds, _peak_mb(args.rss_file))


def _peak_mb(path: Path | None) -> int | None:
    if path is None or not path.exists():
        return None
    sizes_kb = [int(line) for line in path.read_text().split() if line.isdigit()]
    return max(sizes_kb) // 1024 if sizes_kb else None


if __name__ == "__main__":
    run_main(main)
