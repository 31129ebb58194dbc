"""Recognise a data directory.

examples:
  python -m espnet_ext.bin.decode --exp exp/asr_x --config conf/decode_greedy.yaml \\
      --data data/test --out exp/asr_x/decode_greedy/test --job 1 --nj 1
  python -m espnet_ext.bin.decode … --nj 1 --merge true
  python -m espnet_ext.bin.decode --config conf/decode_4gram.yaml --data data/test --out out \\
      --emissions exp/asr_x/emissions/test --ngram lm.arpa      # the network does not run again
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exp", type=Path, help="a finished recogniser")
    parser.add_argument("--config", type=Path, required=True, help="search, beam_size, …")
    parser.add_argument("--data", type=Path, required=True, help="Kaldi data directory")
    parser.add_argument("--out", type=Path, required=True, help="where text goes")
    parser.add_argument("--emissions", type=Path, help="search these, of dump_emissions")
    parser.add_argument("--ngram", type=Path, help="ARPA that was built for the conf")
    parser.add_argument("--lexicon", type=Path, help="of that n-gram's words")
    parser.add_argument("--lm", type=Path, help="folder of the LM that was trained for the conf")
    parser.add_argument(
        "--weights", type=Path, help="lm_weight, word_score, …: best.yaml of tune_lm"
    )
    parser.add_argument("--ngpu", type=int, default=0, help="above 0: networks run on a GPU")
    parser.add_argument("--job", type=int, default=1, help="which part, from 1")
    parser.add_argument("--nj", type=int, default=1, help="number of parts")
    parser.add_argument("--merge", type=str2bool, default=False, help="join finished parts")
    args = parser.parse_args()

    if args.exp is None and args.emissions is None:
        parser.error("expected --exp or --emissions")
    if args.merge:
        from espnet_ext.data.parts import merge_text

        merge_text(args.out, args.nj, args.data, args.emissions)
    else:
        from espnet_ext.tasks.decoding.search import Sources, decode

        sources = Sources(args.emissions, args.ngram, args.lexicon, args.lm, args.weights)
        device = "cuda" if args.ngpu > 0 else "cpu"
        decode(args.exp, args.config, args.data, args.out, args.job, args.nj, sources, device)


if __name__ == "__main__":
    run_main(main)
