"""Write the k-means label of every frame, for methods that predict them (HuBERT, MS-HuBERT).

example:
  python -m espnet_ext.bin.dump_labels --kmeans exp/kmeans_mfcc_100/kmeans.npz --tag mfcc_100 \\
      --data data/unlabelled --out dump/unlabelled --job 1 --nj 1
  python -m espnet_ext.bin.dump_labels --kmeans exp/kmeans_mfcc_100/kmeans.npz --tag mfcc_100 \\
      --data data/unlabelled --out dump/unlabelled --nj 1 --merge true

Then `ssl_train --labels mfcc_100` reads dump/*/labels_mfcc_100.scp.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kmeans", type=Path, required=True, help="what train_kmeans wrote")
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="where labels_TAG.scp goes")
    parser.add_argument("--tag", required=True, help="name of the labels")
    parser.add_argument("--job", type=int, default=1, help="which part, from 1")
    parser.add_argument("--nj", type=int, default=1, help="number of parts")
    parser.add_argument("--merge", type=str2bool, default=False, help="join finished parts")
    parser.add_argument("--batch_sec", type=float, default=120.0, help="padded seconds a batch")
    args = parser.parse_args()

    from espnet_ext.tasks import labels

    if args.merge:
        labels.merge_labels(args.kmeans, args.data, args.out, args.tag, args.nj)
    else:
        labels.dump_labels(
            args.kmeans, args.data, args.out, args.tag, args.job, args.nj, args.batch_sec
        )


if __name__ == "__main__":
    run_main(main)
