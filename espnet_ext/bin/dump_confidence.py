"""Write the scorer's confidence in every frame, for masks that follow it (Ask2Mask eq. 1).

example:
  python -m espnet_ext.bin.dump_confidence --scorer_exp exp/scorer_ctc \\
      --data data/unlabelled --out dump/unlabelled --job 1 --nj 1
  python -m espnet_ext.bin.dump_confidence --scorer_exp exp/scorer_ctc \\
      --data data/unlabelled --out dump/unlabelled --nj 1 --merge true
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scorer_exp", type=Path, required=True, help="a CTC recogniser's exp")
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="where confidence.scp goes")
    parser.add_argument("--job", type=int, default=1, help="which part, from 1")
    parser.add_argument("--nj", type=int, default=1, help="number of parts")
    parser.add_argument("--merge", type=str2bool, default=False, help="join finished parts")
    parser.add_argument(
        "--include_blank", type=str2bool, default=False, help="let blank count as a label"
    )
    parser.add_argument("--batch_sec", type=float, default=120.0, help="padded seconds a batch")
    args = parser.parse_args()

    if args.merge:
        from espnet_ext.data.parts import merge_stream

        merge_stream("confidence", args.out, args.nj, args.data)
    else:
        from espnet_ext.tasks.decoding.infer import dump_confidence

        dump_confidence(
            args.scorer_exp,
            args.data,
            args.out,
            args.job,
            args.nj,
            args.include_blank,
            args.batch_sec,
        )


if __name__ == "__main__":
    run_main(main)
