"""Learn a recogniser's tokens from training text.

examples:
  python -m espnet_ext.bin.train_tokens --text data/train/text --n 100 --out data/token_list/bpe100
  python -m espnet_ext.bin.train_tokens --text data/train/text --token_type char \\
      --out data/token_list/char
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, required=True, help="text of a Kaldi data directory")
    parser.add_argument("--token_type", choices=["bpe", "char", "word"], default="bpe")
    parser.add_argument("--n", type=int, help="number of word pieces")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    args = parser.parse_args()

    from espnet_ext.data.tokens import train_tokens

    count = train_tokens(args.text, args.out, args.token_type, args.n)
    print(f"{args.out}/tokens.txt: {count} tokens")


if __name__ == "__main__":
    run_main(main)
