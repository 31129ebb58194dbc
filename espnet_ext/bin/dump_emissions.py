"""Write the CTC log-probabilities of every frame: the network runs once, whatever is searched.

example:
  python -m espnet_ext.bin.dump_emissions --exp exp/asr_ctc_x --data data/test \\
      --out exp/asr_ctc_x/emissions/test --job 1 --nj 1
  python -m espnet_ext.bin.dump_emissions … --nj 1 --merge true
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exp", type=Path, required=True, help="a finished recogniser with CTC")
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="where emissions.scp goes")
    parser.add_argument("--job", type=int, default=1, help="which part, from 1")
    parser.add_argument("--nj", type=int, default=1, help="number of parts")
    parser.add_argument("--merge", type=str2bool, default=False, help="join finished parts")
    parser.add_argument("--ngpu", type=int, default=0, help="above 0: on a GPU")
    parser.add_argument("--batch_sec", type=float, default=120.0, help="padded seconds a batch")
    args = parser.parse_args()

    if args.merge:
        from espnet_ext.data.parts import merge_stream

        merge_stream("emissions", args.out, args.nj, args.data)
    else:
        from espnet_ext.tasks.decoding.emissions import dump_emissions

        device = "cuda" if args.ngpu > 0 else "cpu"
        dump_emissions(args.exp, args.data, args.out, args.job, args.nj, args.batch_sec, device)


if __name__ == "__main__":
    run_main(main)
