"""Probe a frozen pre-training: one linear map on its layers, trained with CTC, in a minute.

examples:
  python -m espnet_ext.bin.probe --exp exp/ssl_x --train data/train --valid data/dev \\
      --test data/dev data/test --token_dir data/token_list/char --out exp/probe_x
  python -m espnet_ext.bin.probe … --random true --out exp/probe_random   # its shape, untrained

Writes OUT_seedN/decode_probe/SET/text (score_wer counts its errors) and OUT_seedN/probe.yaml with
the weight that each layer got. The frames of all layers are kept in memory: minutes of speech, not
days.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exp", type=Path, required=True, help="a pre-training")
    parser.add_argument("--random", type=str2bool, default=False, help="its shape, fresh weights")
    parser.add_argument("--train", type=Path, required=True, help="labelled data directory")
    parser.add_argument("--valid", type=Path, required=True, help="by which the epoch is chosen")
    parser.add_argument("--test", type=Path, nargs="+", required=True, help="sets to recognise")
    parser.add_argument("--token_dir", type=Path, required=True, help="of characters (stage 3)")
    parser.add_argument("--out", type=Path, required=True, help="without the seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--batch_sec", type=float, default=120.0, help="padded seconds a batch")
    args = parser.parse_args()

    from espnet_ext.tasks import probe

    probe.run(
        args.exp,
        args.out,
        args.train,
        args.valid,
        args.test,
        args.token_dir,
        args.seeds,
        args.random,
        args.batch_sec,
    )


if __name__ == "__main__":
    run_main(main)
