"""Score hypotheses as Kaldi does: %WER, %SER, per_utt, per_spk, ops and a bootstrap interval.

examples:
  python -m espnet_ext.bin.score_wer --ref data/test/text --hyp exp/asr/decode/test/text \\
      --utt2spk data/test/utt2spk --out exp/asr/decode/test/score_wer
  python -m espnet_ext.bin.score_wer --ref ref --hyp hyp --unit char --out score_cer

DIR/wer (DIR/cer for characters), which is also printed:
  %WER 12.33 [ 56 / 454, 10 ins, 20 del, 26 sub ]
  %SER 45.00 [ 9 / 20 ]
  Scored 20 sentences, 0 not present in hyp.
  # 95% bootstrap interval [ 9.10, 15.77 ], 10000 resamples of utterances, seed 1
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="score_wer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", type=Path, required=True, metavar="TEXT", help="references")
    parser.add_argument("--hyp", type=Path, required=True, metavar="TEXT", help="hypotheses")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--utt2spk", type=Path, metavar="FILE", help="write per_spk as well")
    parser.add_argument(
        "--mode",
        choices=["strict", "present", "all"],
        default="strict",
        help="missing or extra hypotheses: an error; score what both files have; count missing "
        "ones as deleted. Default: %(default)s",
    )
    parser.add_argument("--unit", choices=["word", "char"], default="word")
    parser.add_argument(
        "--align",
        choices=["kaldi", "sclite"],
        default="kaldi",
        help="fewest errors, or NIST sclite's weights (sub 4, ins 3, del 3), whose totals can be "
        "a little higher. Default: %(default)s",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    args = parser.parse_args()

    from espnet_ext.score.scoring import Options, score_files

    options = Options(args.mode, args.unit, args.align, args.seed)
    print(score_files(args.ref, args.hyp, args.out, args.utt2spk, options))


if __name__ == "__main__":
    run_main(main)
