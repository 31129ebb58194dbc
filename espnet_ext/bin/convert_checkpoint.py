"""Turn a pre-trained model into Hugging Face's layout, or one of theirs into an experiment.

examples:
  python -m espnet_ext.bin.convert_checkpoint --from_hf facebook/wav2vec2-base \\
      --out exp/ssl_base
  ./run.sh --ssl_exp exp/ssl_base --asr_config conf/asr_ctc_wave.yaml     # fine-tune it
  python -m espnet_ext.bin.convert_checkpoint --to_hf exp/ssl_wav2vec2 --out hf/wav2vec2

For wav2vec 2.0, HuBERT and data2vec-audio: the network, and the mask embedding where there is one.
"""

import argparse
from pathlib import Path

from espnet_ext.bin import run_main


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    direction = parser.add_mutually_exclusive_group(required=True)
    direction.add_argument("--from_hf", help="directory, or name on Hugging Face's hub")
    direction.add_argument("--to_hf", type=Path, help="experiment with config.yaml and latest.pth")
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    parser.add_argument(
        "--model_type",
        choices=["wav2vec2", "hubert", "data2vec-audio"],
        help="with --to_hf; default: what the conf is nearest to",
    )
    args = parser.parse_args()
    if args.from_hf and args.model_type:
        parser.error("--model_type goes with --to_hf; with --from_hf config.json says it")

    from espnet_ext.tasks.checkpoints import convert

    if args.from_hf:
        convert.from_hugging_face(args.from_hf, args.out)
    else:
        convert.to_hugging_face(args.to_hf, args.out, args.model_type)


if __name__ == "__main__":
    run_main(main)
