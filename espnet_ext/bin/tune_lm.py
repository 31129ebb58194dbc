"""Tune LM weight and word score on a development set, by Bayesian search over cached emissions.

examples:
  python -m espnet_ext.bin.tune_lm --emissions exp/asr_x/emissions/dev --ref data/dev/text \\
      --config conf/decode_4gram.yaml --ngram exp/ngram_4/lm.arpa --out exp/asr_x/tune_4gram
  python -m espnet_ext.bin.tune_lm … --trials 32 --init librispeech_10m_4gram --nj 4

Run again, it goes on where it ended; more --trials add to those that are there. It writes
trials.jsonl, best.yaml (which decode --weights reads) and contour.png. Where the conf rescores with
a neural LM, that one's weight is looked for, too. A set counts as a test set,
and is refused, unless it is --valid_set or its name, the last folder of --emissions, begins with
dev. Needs Ax: pip install 'espnet-ext[tune]'.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--emissions", type=Path, required=True, help="those of dump_emissions")
    parser.add_argument("--ref", type=Path, required=True, metavar="TEXT", help="what was said")
    parser.add_argument("--config", type=Path, required=True, help="decode conf with an LM")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--ngram", type=Path, help="ARPA that was built for the conf")
    parser.add_argument("--lexicon", type=Path, help="of that n-gram's words")
    parser.add_argument("--lm", type=Path, help="folder of the neural LM that the conf names")
    parser.add_argument("--trials", type=int, help="default: the conf's `tune:`, else 128")
    parser.add_argument("--seed", type=int, help="default: the conf's `tune:`, else 0")
    parser.add_argument(
        "--init",
        nargs="+",
        metavar="NAME",
        help="weights of wav2vec 2.0's Tables 7 and 8, tried first: "
        "{librispeech,librivox}_{10m,1h,10h,100h,960h}_{4gram,transformer}",
    )
    parser.add_argument("--beam_size", type=int, help="while tuning; default: the conf's")
    parser.add_argument("--valid_set", default="", metavar="NAME", help="the recipe's dev set")
    parser.add_argument("--force", type=str2bool, default=False, help="tune on a test set")
    parser.add_argument("--nj", type=int, default=1, help="processes that search")
    args = parser.parse_args()

    from espnet_ext.tasks.decoding.search import Sources
    from espnet_ext.tasks.tuning.tune import tune

    sources = Sources(args.emissions, args.ngram, args.lexicon, args.lm)
    found = tune(
        args.config,
        sources,
        args.ref,
        args.out,
        valid_set=args.valid_set,
        force=args.force,
        nj=args.nj,
        trials=args.trials,
        seed=args.seed,
        init=tuple(args.init) if args.init else None,
        beam_size=args.beam_size,
    )
    weights = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
    print(f"{weights}: WER {100 * found.wer:.2f} % ({args.out}/best.yaml)")


if __name__ == "__main__":
    run_main(main)
