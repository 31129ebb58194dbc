"""Cluster speech frames by k-means: the labels that HuBERT and MS-HuBERT predict.

examples:
  python -m espnet_ext.bin.train_kmeans --data data/unlabelled --sizes 100 --frame_shift_ms 40 \\
      --out exp/kmeans_mfcc_100/kmeans.npz
  python -m espnet_ext.bin.train_kmeans --data data/unlabelled --sizes 1000,500,250,125,50,25 \\
      --frame_shift_ms 20 --exp exp/ssl_hubert --layer 6 --out exp/kmeans_hubert_l6/kmeans.npz

Frames are MFCC, or with --exp a layer's output of a pre-training. Several sizes are nested: each
level clusters the centres of the one before.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    parser.add_argument("--sizes", type=sizes, required=True, help="clusters, such as 100 or 50,25")
    parser.add_argument(
        "--frame_shift_ms", type=float, required=True, help="of the model that will be trained"
    )
    parser.add_argument("--exp", type=Path, help="pre-training to take frames from; default: MFCC")
    parser.add_argument("--layer", type=int, help="its layer, from 1 (HuBERT: 6)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory_mb", type=float, default=2000, help="for the sample of frames")
    parser.add_argument(
        "--coarse",
        choices=["parent", "nearest"],
        default="parent",
        help="a frame's further labels: its centre's cluster, or the nearest centre of that level",
    )
    parser.add_argument("--sample_rate", type=int, default=16000, help="of the audio, for MFCC")
    parser.add_argument("--batch_sec", type=float, default=120.0, help="padded seconds a batch")
    args = parser.parse_args()
    if (args.exp is None) != (args.layer is None):
        parser.error("--exp and --layer go together")

    from espnet_ext.tasks.labels import train_kmeans

    features = {"features": "mfcc", "sample_rate": args.sample_rate}
    if args.exp is not None:
        features = {"features": "layer", "exp": str(args.exp), "layer": args.layer}
    train_kmeans(
        args.data,
        args.out,
        args.sizes,
        features | {"frame_shift_ms": args.frame_shift_ms},
        seed=args.seed,
        memory_mb=args.memory_mb,
        coarse=args.coarse,
        batch_sec=args.batch_sec,
    )


def sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected numbers like 100 or 50,25, got {text!r}"
        ) from None


if __name__ == "__main__":
    run_main(main)
