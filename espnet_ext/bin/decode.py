"""Recognise a data directory.

example:
  python -m espnet_ext.bin.decode --exp exp/asr_x --config conf/decode_greedy.yaml \\
      --data data/test --out exp/asr_x/decode_greedy/test --job 1 --nj 1
  python -m espnet_ext.bin.decode … --nj 1 --merge true
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exp", type=Path, required=True, help="a finished recogniser")
    parser.add_argument("--config", type=Path, required=True, help="search, beam_size, …")
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="where text goes")
    parser.add_argument("--job", type=int, default=1, help="which part, from 1")
    parser.add_argument("--nj", type=int, default=1, help="number of parts")
    parser.add_argument("--merge", type=str2bool, default=False, help="join finished parts")
    args = parser.parse_args()

    if args.merge:
        from espnet_ext.data.parts import merge_text

        merge_text(args.out, args.nj, args.data)
    else:
        from espnet_ext.tasks.infer import decode

        decode(args.exp, args.config, args.data, args.out, args.job, args.nj)


if __name__ == "__main__":
    run_main(main)
