"""Choose the best of several decodings on the dev set, and show it on the test sets.

examples:
  python -m espnet_ext.bin.best_wer --dev exp/asr_ctc_w2v/decode_*/dev_other \\
      --test test_clean test_other

prints
  dev_other: %WER 9.10 [ 4634 / 50948, 512 ins, 421 del, 3701 sub ]  [exp/asr_ctc_w2v/decode_lm2/dev_other]
  test_clean: %WER 4.10 [ 2156 / 52576, 240 ins, 190 del, 1726 sub ]  [exp/asr_ctc_w2v/decode_lm2/test_clean]
  # best of 5 on dev_other; test sets had no say

For a sweep of decode confs, or of seeds. LM weights alone are chosen by tune_lm, on dev by
construction, without a directory for each.
"""  # noqa: E501

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="best_wer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dev",
        nargs="+",
        required=True,
        metavar="DIR",
        help="decoded dev sets; may have * in them",
    )
    parser.add_argument("--test", nargs="*", default=[], metavar="SET", help="names of test sets")
    args = parser.parse_args()

    from espnet_ext.tasks.best import best_of

    folders = [path for given in args.dev for path in _expand(given)]
    print(best_of(folders, args.test))


def _expand(given: str) -> list[Path]:
    path = Path(given)
    root = Path(path.anchor) if path.is_absolute() else Path()
    return list(root.glob(str(path.relative_to(root)))) if "*" in given else [path]


if __name__ == "__main__":
    run_main(main)
