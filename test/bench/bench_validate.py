"""validate_data_dir on the tables of a million utterances, without audio.

python test/bench/bench_validate.py              1,000,000 utterances, whole files and segments
python test/bench/bench_validate.py --scale 0.1

Each directory is clean: wav.scp, text of 15 words, utt2spk, spk2utt and utt2dur, and for `segments`
100 utterances a recording. Seconds of wall and processor and peak memory of a process of its own;
beside it a tenth of the utterances, and the time that Python takes to read and split the same lines
(`lower bound`). No peer checks as much: Kaldi's own script is not on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench_corpora import measure

UTTERANCES = 1_000_000
OF_A_SPEAKER, OF_A_RECORDING = 200, 100
WORDS = "HE HOPED THERE WOULD BE STEW FOR DINNER TURNIPS AND CARROTS AND BRUISED POTATOES SOON"
SPLIT = """
import pathlib, sys
for path in pathlib.Path(sys.argv[1]).iterdir():
    for line in path.open("rb"):
        line.decode().split()
"""


def make(folder: Path, n: int, cut: bool) -> Path:
    """A clean data directory; its audio does not exist."""
    folder.mkdir(parents=True)
    names = ["wav.scp", "text", "utt2spk", "spk2utt", "utt2dur"] + ["segments"] * cut
    tables = {name: (folder / name).open("w") for name in names}
    for i in range(n):
        speaker = f"spk{i // OF_A_SPEAKER:06d}"
        utt, recording = f"{speaker}-{i:08d}", f"{speaker}-rec{i // OF_A_RECORDING:07d}"
        tables["text"].write(f"{utt} {WORDS}\n")
        tables["utt2spk"].write(f"{utt} {speaker}\n")
        tables["utt2dur"].write(f"{utt} 12.3000\n")
        first = f"{'' if i == 0 else chr(10)}{speaker}" if i % OF_A_SPEAKER == 0 else ""
        tables["spk2utt"].write(f"{first} {utt}")
        if cut:
            start_sec = i % OF_A_RECORDING * 12.5
            tables["segments"].write(f"{utt} {recording} {start_sec:.3f} {start_sec + 12.3:.3f}\n")
        if not cut or i % OF_A_RECORDING == 0:
            entry = recording if cut else utt
            tables["wav.scp"].write(f"{entry} /corpora/train/{speaker}/{entry}.flac\n")
    tables["spk2utt"].write("\n")
    for table in tables.values():
        table.close()
    return folder


def row(label: str, n: int, commands: list[list[str]]) -> None:
    cells = "".join(f"{sec:>9.1f}{cpu:>8.1f}{mb:>7.0f}" for sec, cpu, mb in map(measure, commands))
    print(f"{label:<18}{n:>11,}{cells}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, help="where tables are made; the default is /tmp")
    options = parser.parse_args()
    sizes = [round(UTTERANCES * options.scale / part) for part in (1, 10)]
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, load {load:.1f} on {os.cpu_count()} processors")
    head = f"{'wall s':>9}{'cpu s':>8}{'MB':>7}"
    print(f"{'':<18}{'utterances':>11}{head}{head}   (right: a tenth of them)")
    for label, cut in (("whole files", False), ("segments", True)):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            made = [str(make(Path(folder) / str(size), size, cut)) for size in sizes]
            command = [sys.executable, "-m", "espnet_ext.bin.validate_data_dir"]
            row(label, sizes[0], [[*command, where, "--audio", "false"] for where in made])
            row("  lower bound", sizes[0], [[sys.executable, "-c", SPLIT, w] for w in made])


if __name__ == "__main__":
    main()
