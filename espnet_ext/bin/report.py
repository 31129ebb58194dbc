"""Write RESULTS.md, its pictures and RESULTS.html from everything that was scored.

Beside our scores stand the published ones for the same conf and set (conf/published.yaml), and what
keeps the two from being compared; without any score of ours, what to expect. Nothing is typed by
hand, but for a block between the lines `<!-- by hand -->` and `<!-- end by hand -->`, which is kept
as it is. What is missing is left out and listed as such. Pictures go to images/ beside RESULTS.md;
RESULTS.html is one file with all in it.

examples:
  python -m espnet_ext.bin.report --recipe . --out RESULTS.md        # in the recipe's folder
  python -m espnet_ext.bin.report --recipe egs2/asterisk/ssl1 --out egs2/asterisk/ssl1/RESULTS.md
  python -m espnet_ext.bin.report --recipe . --workdir exp/smoke --out exp/smoke/RESULTS.md
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--recipe", type=Path, required=True, help="folder that paths in wav.scp count from"
    )
    parser.add_argument(
        "--workdir", type=Path, help="folder of data/ dump/ exp/; default: the recipe's"
    )
    parser.add_argument("--out", type=Path, required=True, help="RESULTS.md to write")
    parser.add_argument("--html", type=Path, help="default: RESULTS.html beside RESULTS.md")
    parser.add_argument(
        "--published",
        type=Path,
        help="published results; default: conf/published.yaml above the recipe",
    )
    args = parser.parse_args()
    from espnet_ext.tasks.report import report

    report(args.recipe, args.workdir or args.recipe, args.out, args.html, args.published)


if __name__ == "__main__":
    run_main(main)
