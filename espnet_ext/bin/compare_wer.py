"""Compare two systems that score_wer scored on the same set, by paired bootstrap.

examples:
  python -m espnet_ext.bin.compare_wer exp/asr_scratch/decode_greedy/test/score_wer \\
      exp/asr_pretrained/decode_greedy/test/score_wer

prints
  A  %WER 12.33 [ 56 / 454 ]  exp/asr_scratch/decode_greedy/test/score_wer
  B  %WER 11.01 [ 50 / 454 ]  exp/asr_pretrained/decode_greedy/test/score_wer
  B - A  -1.32, 95% interval [ -2.60, -0.10 ]
  probability that B is better: 97.90% (that both are equal: 0.90%)
  # paired bootstrap, 10000 resamples of 20 utterances, seed 1

Both systems meet the same utterances in every resample (Bisani & Ney 2004). An interval that holds
0 does not tell them apart. Utterances are taken as independent, and another training seed is not
drawn: the probability is of these two models on another test set.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="compare_wer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("a", "b"):
        parser.add_argument(name, type=Path, metavar=name.upper(), help="--out of score_wer")
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    args = parser.parse_args()

    from espnet_ext.tasks.compare import compare

    print(compare(args.a, args.b, args.seed))


if __name__ == "__main__":
    run_main(main)
