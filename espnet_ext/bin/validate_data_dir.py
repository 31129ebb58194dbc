"""Check a Kaldi data directory; each kind of fault is one line on stderr, and the exit status 2.

Examples:
    python -m espnet_ext.bin.validate_data_dir data/train --num_samples_out dump/train/speech_shape
    python -m espnet_ext.bin.validate_data_dir data/unlabelled --require_text false --nj 4
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import str2bool


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="validate_data_dir",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dir", metavar="DIR", type=Path)
    parser.add_argument("--require_text", type=str2bool, default=True, help="default: true")
    parser.add_argument(
        "--allow_pipes",
        type=str2bool,
        default=False,
        help="run the shell commands in wav.scp; default: false",
    )
    parser.add_argument(
        "--audio", type=str2bool, default=True, help="look at the audio files too; default: true"
    )
    parser.add_argument(
        "--sample_rate", type=int, default=16000, help="in Hz; default: %(default)s"
    )
    parser.add_argument("--nj", type=int, default=os.cpu_count(), help="processes that open audio")
    parser.add_argument(
        "--num_samples_out",
        type=Path,
        help="where valid, write `utterance num_samples` lines here (ESPnet's speech_shape)",
    )
    args = parser.parse_args()

    from espnet_ext.data.validate import Options, validate

    options = Options(args.require_text, args.allow_pipes, args.audio, args.sample_rate, args.nj)
    report, about = validate(args.dir, options, args.num_samples_out)
    for line in report.lines(warnings=True):
        print(f"warning: {line}", file=sys.stderr)
    faults = report.lines(warnings=False)
    for line in faults:
        print(f"error: {line}", file=sys.stderr)
    if faults:
        sys.exit(2)
    print(f"{about}: valid")


if __name__ == "__main__":
    run_main(main)
