"""Pre-train on unlabelled speech.

example:
  python -m espnet_ext.bin.ssl_train --config exp/ssl_x/config_flat.yaml \\
      --train_dir data/unlabelled --valid_dir data/dev --dump dump --output_dir exp/ssl_x

Options not listed here go to ESPnet's trainer as they are (--max_epoch 3, --accum_grad 2, …).
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True, help="flat conf (compose_config)")
    parser.add_argument("--train_dir", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--valid_dir", type=Path, required=True)
    parser.add_argument("--dump", type=Path, default=Path("dump"), help="shapes and streams")
    parser.add_argument("--labels", metavar="TAG", help="labels to predict (dump_labels --tag)")
    parser.add_argument("--output_dir", type=Path, required=True)
    args, rest = parser.parse_known_args()

    from espnet_ext.tasks.launch import read_flat, ssl_options
    from espnet_ext.tasks.run import train

    conf = read_flat(args.config)
    options = ssl_options(
        conf, args.train_dir, args.valid_dir, args.dump, args.output_dir, args.labels
    )
    train("ssl", args.config, args.output_dir, options + rest)


if __name__ == "__main__":
    run_main(main)
