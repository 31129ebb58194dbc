"""Say what a decode conf asks of the stages before it, and what is wrong with it.

examples:
  python -m espnet_ext.bin.decode_needs --config conf/decode_4gram.yaml
  python -m espnet_ext.bin.decode_needs --config conf/decode_beam.yaml \\
      --asr_config conf/asr_ctc.yaml
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True, help="conf of the search")
    parser.add_argument("--asr_config", type=Path, help="conf of the recogniser to be")
    parser.add_argument("--asr_args", default="", help="further options of its training")
    parser.add_argument("--valid_set", default="", help="the recipe's, to tune weights on")
    args = parser.parse_args()

    from espnet_ext.tasks.decoding.ahead import look_ahead

    for key, value in look_ahead(**vars(args)).items():
        print(key, value, sep="\t")


if __name__ == "__main__":
    run_main(main)
