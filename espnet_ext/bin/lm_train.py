"""Train a neural language model on text: transcripts, and text without ids.

examples:
  python -m espnet_ext.bin.lm_train --config exp/lm_x/config_flat.yaml --train_dir data/train \\
      --valid_dir data/dev --token_dir data/token_list/char --output_dir exp/lm_x
  python -m espnet_ext.bin.lm_train --config exp/lm_x/config_flat.yaml --valid_dir data/dev \\
      --lm_text downloads/librispeech-lm-norm.txt.gz --download true --output_dir exp/lm_x

The held-out text chooses the epochs that are averaged; nothing else is learnt from it. Its
perplexity goes to OUTPUT_DIR/perplexity. Options not listed here go to ESPnet's
trainer (--max_epoch 3, …).
"""

import argparse
import os
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True, help="flat conf (compose_config)")
    parser.add_argument("--train_dir", type=Path, nargs="+", default=[], help="their `text`")
    parser.add_argument("--lm_text", type=Path, nargs="+", default=[], help="a sentence a line")
    parser.add_argument("--valid_dir", type=Path, required=True, help="its `text` is held out")
    parser.add_argument("--dump", help=argparse.SUPPRESS)  # all trainings are given it
    parser.add_argument("--token_dir", type=Path, help="the recogniser's, for `unit: token`")
    parser.add_argument("--download", type=str2bool, default=False, help="fetch LibriSpeech's text")
    parser.add_argument("--mirror", default=os.environ.get("ESPNET_EXT_MIRROR", ""))
    parser.add_argument("--output_dir", type=Path, required=True)
    args, rest = parser.parse_known_args()

    from espnet_ext.data.lm_text import fetch_text
    from espnet_ext.tasks.launch import read_flat
    from espnet_ext.tasks.lm_data import lm_options

    conf = read_flat(args.config)
    for path in args.lm_text:
        if args.download and not path.exists():
            fetch_text(path, args.mirror)
    held_out = args.valid_dir / "text"
    options = lm_options(
        *(conf, [folder / "text" for folder in args.train_dir], args.lm_text, [held_out]),
        *(args.token_dir, args.output_dir),
    )
    from espnet_ext.tasks.lm import report
    from espnet_ext.tasks.run import train

    train("lm", args.config, args.output_dir, options + rest)
    report(args.output_dir, [held_out])


if __name__ == "__main__":
    run_main(main)
