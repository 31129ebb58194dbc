"""Train a recogniser: the scorer, or a fine-tuning of a pre-trained encoder.

example:
  python -m espnet_ext.bin.asr_train --config exp/asr_x/config_flat.yaml \\
      --train_dir data/train --valid_dir data/dev --dump dump \\
      --token_dir data/token_list/bpe100 --init_exp exp/ssl_x --output_dir exp/asr_x

Options not listed here go to ESPnet's trainer as they are (--max_epoch 3, --seed 2, …).
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def epoch(value: str) -> int | str:
    return value if value == "best" else int(value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True, help="flat conf (compose_config)")
    parser.add_argument("--train_dir", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--valid_dir", type=Path, required=True)
    parser.add_argument("--dump", type=Path, default=Path("dump"), help="shapes and streams")
    parser.add_argument("--token_dir", type=Path, required=True, help="tokens.txt, bpe.model")
    parser.add_argument("--init_exp", type=Path, help="pre-training to start from")
    parser.add_argument(
        "--init_epoch",
        type=epoch,
        metavar="N|best",
        help="its epoch, or that of the best first `best_model_criterion`; default: the last",
    )
    parser.add_argument("--output_dir", type=Path, required=True)
    args, rest = parser.parse_known_args()

    from espnet_ext.tasks.launch import asr_options, read_flat
    from espnet_ext.tasks.run import train

    options = asr_options(
        read_flat(args.config),
        args.train_dir,
        args.valid_dir,
        args.dump,
        args.output_dir,
        args.token_dir,
        args.init_exp,
        args.init_epoch,
    )
    train("asr", args.config, args.output_dir, options + rest)


if __name__ == "__main__":
    run_main(main)
