"""Merge a conf with the building blocks it extends, and say where every key comes from.

examples:
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml --task ssl --out exp/x/flat.yaml
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml --get masker

With --task, every key at every depth is checked against what reads it, before hours are spent.
"""

import argparse
import sys
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import atomic_write, compose, dump


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("conf", type=Path, help="an experiment's yaml")
    parser.add_argument("--out", type=Path, help="write here; the default is standard output")
    parser.add_argument("--task", choices=["ssl", "asr"], help="check the keys for this task")
    parser.add_argument("--get", metavar="KEY", help="print one setting, dots go deeper")
    args = parser.parse_args()

    flat, origins = compose(args.conf)
    if args.task:
        from espnet_ext.tasks.check import check_conf

        check_conf(flat, args.task, str(args.conf))
    if args.get is not None:
        value = flat
        for key in args.get.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        print("" if value is None else value)
    elif args.out is None:
        sys.stdout.write(dump(flat, origins))
    else:
        with atomic_write(args.out) as handle:
            handle.write(dump(flat, origins))


if __name__ == "__main__":
    run_main(main)
