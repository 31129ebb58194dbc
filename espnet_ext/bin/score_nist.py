"""Score with NIST's own programs: sclite, or asclite where several speakers talk at once.

examples:
  python -m espnet_ext.bin.score_nist --data data/eval_sdm --rules ami \\
      --hyp exp/asr/decode/eval_sdm/text --out exp/asr/decode/eval_sdm/score_nist
  python -m espnet_ext.bin.score_nist --data data/eval2000 --rules swbd --prefix sw_ \\
      --hyp exp/asr/decode/eval2000/text --out exp/asr/decode/eval2000/score_nist_swbd

It needs Debian's package sctk, installed or fetched without root:
  tools/fetch_deb.sh .cache/deb/sctk sctk

The reference is DATA/stm, or made from DATA/{text,segments,utt2spk}; hypotheses become a ctm, with
the words of an utterance spread evenly over its segment. OUT/wer and OUT/per_spk have the totals in
Kaldi's form; OUT/hyp.ctm.filt.* are NIST's own reports, .pra the alignments.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="score_nist", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data directory")
    parser.add_argument("--hyp", type=Path, required=True, metavar="TEXT", help="hypotheses")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--tool",
        choices=["auto", "sclite", "asclite"],
        default="auto",
        help="auto: asclite if speakers overlap in the stm. Default: %(default)s",
    )
    parser.add_argument(
        "--rules",
        choices=["nist", "ami", "swbd"],
        default="nist",
        help="what is left out before the glm, as in Kaldi's recipe. Default: nothing",
    )
    parser.add_argument("--glm", type=Path, metavar="FILE", help="default: DATA/glm, if there")
    parser.add_argument("--overlap", type=int, default=4, help="speakers at once (asclite)")
    parser.add_argument("--prefix", default="", help="only recordings that begin so, such as sw_")
    parser.add_argument(
        "--mode",
        choices=["strict", "all"],
        default="strict",
        help="missing hypotheses: an error, or their words count as deleted. Default: %(default)s",
    )
    args = parser.parse_args()

    from espnet_ext.score.nist import Options, score_nist

    options = Options(args.tool, args.rules, args.glm, args.overlap, args.prefix, args.mode)
    print(score_nist(args.data, args.hyp, args.out, options))


if __name__ == "__main__":
    run_main(main)
