"""Merge a conf with the building blocks it extends, and say where every key comes from.

examples:
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml --task ssl --out exp/x/flat.yaml
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml --get masker
  python -m espnet_ext.bin.compose_config conf/hubert_random.yaml --labels      # 100 40
  python -m espnet_ext.bin.compose_config conf/w2vbert_atm.yaml --confidence    # masker: confidence
  python -m espnet_ext.bin.compose_config --check ssl:conf/w2vbert_atm.yaml asr:conf/asr_ctc.yaml

--task and --check hold every key at every depth against what reads it, before hours are spent.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import atomic_write, compose, dump, shrink


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("conf", type=Path, nargs="?", help="an experiment's yaml")
    parser.add_argument("--out", type=Path, help="write here; the default is standard output")
    parser.add_argument("--shrink", type=Path, help="lay this over the settings that CONF has")
    parser.add_argument("--task", choices=["ssl", "asr", "lm"], help="check the keys for this task")
    parser.add_argument("--get", metavar="KEY", help="print one setting, dots go deeper")
    parser.add_argument(
        "--labels",
        action="store_true",
        help="print sizes and frame shift in ms of the labels it predicts, if it does",
    )
    parser.add_argument(
        "--confidence", action="store_true", help="print what in it reads a scorer's confidence"
    )
    parser.add_argument("--check", metavar="TASK:CONF", nargs="+", help="check several, print none")
    args = parser.parse_args()
    if (args.conf is None) == (args.check is None):
        parser.error("expected either a conf or --check TASK:CONF …")

    if args.check:
        check_conf = _checker()
        for pair in args.check:
            task, _, conf = pair.partition(":")
            check_conf(compose(conf)[0], task, conf)
        return
    flat, origins = compose(args.conf)
    if args.shrink:
        shrink(flat, origins, args.shrink)
    if args.task:
        _checker()(flat, args.task, str(args.conf))
    if args.labels:
        from espnet_ext.tasks.launch import frame_shift_ms, label_sizes

        if sizes := label_sizes(flat):
            print(",".join(map(str, sizes)), f"{frame_shift_ms(flat):g}")
    elif args.confidence:
        from espnet_ext.tasks.launch import reads_confidence

        print(*reads_confidence(flat), sep="\n")
    elif args.get is not None:
        value = flat
        for key in args.get.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        print("" if value is None else value)
    elif args.out is None:
        sys.stdout.write(dump(flat, origins))
    else:
        with atomic_write(args.out) as handle:
            handle.write(dump(flat, origins))


def _checker() -> Callable[..., None]:
    from espnet_ext.tasks.check import check_conf

    return check_conf


if __name__ == "__main__":
    run_main(main)
