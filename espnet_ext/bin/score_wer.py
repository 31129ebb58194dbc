"""Score hypotheses as Kaldi does: %WER, %SER, per_utt, per_spk, ops and a bootstrap interval.

examples:
  python -m espnet_ext.bin.score_wer --ref data/test/text --hyp exp/asr/decode/test/text \\
      --utt2spk data/test/utt2spk --out exp/asr/decode/test/score_wer
  python -m espnet_ext.bin.score_wer --ref ref --hyp hyp --unit char --out score_cer
  python -m espnet_ext.bin.score_wer --ref data/eval_ihm/text --rules ami --glm data/eval_ihm/glm \\
      --hyp exp/asr/decode/eval_ihm/text --out exp/asr/decode/eval_ihm/score_wer
  python -m espnet_ext.bin.score_wer --ref ref --hyp hyp --unit phone --phone_map timit39 --out per

DIR/wer (DIR/cer for characters), which is also printed:
  %WER 12.33 [ 56 / 454, 10 ins, 20 del, 26 sub ]
  %SER 45.00 [ 9 / 20 ]
  Scored 20 sentences, 0 not present in hyp.
  # 95% bootstrap interval [ 9.10, 15.77 ], 10000 resamples of utterances, seed 1
"""

import argparse
import os
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.score.phones import MAPS
from espnet_ext.score.rules import NAMES


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
    parser.add_argument("--unit", choices=["word", "char", "phone"], default="word")
    parser.add_argument(
        "--align",
        choices=["kaldi", "sclite"],
        default="",
        help="fewest errors, or NIST sclite's weights (sub 4, ins 3, del 3), whose totals can be "
        "a little higher. Default: kaldi; sclite where the rules are NIST's",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap")
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(2, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 1,
        help="processes that align, where there are utterances enough. Default: %(default)s",
    )
    parser.add_argument(
        "--group",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="such as data/dev/utt2session: write per_session as well; may be repeated",
    )
    rules = parser.add_argument_group(
        "what is left out or made one before words are counted",
        "espnet_ext/score/{rules,glm,network,phones}.py have each rule.",
    )
    rules.add_argument("--rules", choices=NAMES, default="", help="as Kaldi scores this corpus")
    rules.add_argument("--glm", type=Path, metavar="FILE", help="NIST's global mapping rules")
    rules.add_argument("--phone_map", choices=MAPS, default="", help="TIMIT's phones, folded")
    rules.add_argument(
        "--silence",
        choices=["keep", "optional", "drop"],
        default="keep",
        help="with --phone_map: a phone like others (as Kaldi's compute-wer), one that may be left "
        "out (as its sclite), or none. Default: %(default)s",
    )
    args = parser.parse_args()

    from espnet_ext.score.rules import make_rules
    from espnet_ext.score.scoring import Options, score_files

    made = make_rules(args.rules, args.glm, args.phone_map, args.silence)
    options = Options(
        args.mode, args.unit, args.align, args.seed, made, tuple(args.group), args.jobs
    )
    print(score_files(args.ref, args.hyp, args.out, args.utt2spk, options))


if __name__ == "__main__":
    run_main(main)
