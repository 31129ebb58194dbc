"""Build an n-gram language model from text, or fetch one of LibriSpeech's.

examples:
  python -m espnet_ext.bin.train_ngram --text data/train/text --order 4 --prune 0 0 1 \\
      --token_dir data/token_list/char --held_out data/dev/text --out exp/ngram_4
  python -m espnet_ext.bin.train_ngram --official 4-gram --download true \\
      --token_dir data/token_list/char --held_out data/dev_other/text --out exp/ngram_official

Writes OUT/lm.arpa (packed if it was fetched), lexicon.txt (the LM's words in the recogniser's
tokens) and perplexity, of the held-out texts. Interpolated modified Kneser-Ney, as KenLM's.
"""

import argparse
import os
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import UserError, str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, nargs="+", default=[], help="Kaldi `text` files")
    parser.add_argument("--lm_text", type=Path, nargs="+", default=[], help="text without ids")
    parser.add_argument("--order", type=int, default=4, help="longest n-gram [4]")
    parser.add_argument(
        "--prune", type=int, nargs="+", default=[], help="by order: drop what is there so often [0]"
    )
    parser.add_argument("--vocab", type=Path, help="a word a line; all others become <unk>")
    parser.add_argument("--unit", choices=["word", "token"], default="word", help="[word]")
    parser.add_argument(
        "--decode_config",
        type=Path,
        help="order, prune, official and unit are as its `ngram:` says",
    )
    parser.add_argument("--token_dir", type=Path, help="the recogniser's tokens, for the lexicon")
    parser.add_argument("--held_out", type=Path, nargs="+", default=[], help="Kaldi `text` files")
    parser.add_argument(
        "--official",
        metavar="NAME",
        help="of LibriSpeech: 4-gram, 3-gram, 3-gram.pruned.1e-7, …3e-7",
    )
    parser.add_argument("--download", type=str2bool, default=False, help="fetch what is not there")
    parser.add_argument("--mirror", default=os.environ.get("ESPNET_EXT_MIRROR", ""))
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    args = parser.parse_args()

    from espnet_ext.data.lm_text import fetch_arpa
    from espnet_ext.tasks import ngram

    if args.decode_config:
        vars(args).update(ngram.settings_of(args.decode_config))
        args.text = [] if args.official else args.text
    if args.official:
        if args.text or args.lm_text or args.unit == "token":
            raise UserError("--official: is an LM over words, made; leave out --text and --unit")
        arpa = args.out / "lm.arpa"
        if args.download:
            arpa = fetch_arpa(args.official, args.out, args.mirror)
        elif not arpa.exists():
            raise UserError(f"{arpa}: not there; --download true fetches it")
    else:
        arpa = ngram.build(
            *(args.text, args.lm_text, args.order, args.prune, args.vocab),
            *(args.token_dir, args.unit, args.out),
        )
    if args.token_dir and args.unit == "word":
        ngram.write_lexicon(arpa, args.token_dir, args.out / "lexicon.txt")
    if args.held_out:
        ngram.report(arpa, args.held_out, args.unit, args.token_dir, args.out)


if __name__ == "__main__":
    run_main(main)
