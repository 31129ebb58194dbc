"""Data preparation at the size of LibriSpeech and Libri-light, beside lhotse on the same trees.

python test/bench/bench_corpora.py               281,241 utterances; 60,000 hours in 219,041 files
python test/bench/bench_corpora.py --scale 0.02  a fiftieth of it
python test/bench/bench_corpora.py --only librilight --lhotse false    a piece of it

Each tree is made of links to a few FLAC files (Libri-light's are silence of 16 minutes, with 75
stretches of voice each). Seconds of wall and processor and peak memory of a process of its own with
two readers, and the same for a tenth of the tree: what the memory grows by is what grows with the
corpus. lhotse is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from espnet_ext.config import str2bool

ROOT = Path(__file__).parents[2]
UTTERANCES, CHAPTER = 281_241, 51  # in the training sets; utterances a chapter
RECORDINGS, BOOK = 219_041, 22  # files; files a book
HOURS = 60_000
LINKS = 20_000  # of one file: file systems allow 65,000

THEIRS = """
import logging, sys
from pathlib import Path
from lhotse.recipes import prepare_{name}
import lhotse.recipes.{name} as recipe
{patch}
prepare_{name}(Path(sys.argv[1]), output_dir=Path(sys.argv[2]), num_jobs=2)
"""


class Source:
    """A file that is linked many times over; every few thousand links a new copy."""

    def __init__(self, folder: Path, suffix: str, write):
        self.folder, self.suffix, self.write, self.count = folder, suffix, write, 0

    def link(self, path: Path) -> None:
        source = self.folder / f"{self.count // LINKS}{self.suffix}"
        if not source.exists():
            self.write(source)
        os.link(source, path)
        self.count += 1


def write_flac(dur_sec: float):
    samples_N = np.zeros(round(16000 * dur_sec), np.int16)
    return lambda path: soundfile.write(path, samples_N, 16000)


def make_librispeech(folder: Path, n: int) -> None:
    """train-clean-100 with n utterances, four chapters a speaker."""
    links, root = Source(folder, ".flac", write_flac(12.3)), folder / "LibriSpeech"
    speakers = -(-n // (4 * CHAPTER))
    made = 0
    for speaker in range(speakers):
        for chapter in range(4):
            name = f"{speaker}-{100_000 + chapter}"
            place = root / f"train-clean-100/{name.replace('-', '/')}"
            place.mkdir(parents=True)
            count = min(CHAPTER, n - made)
            lines = (
                f"{name}-{i:04d} HE HOPED THERE WOULD BE STEW FOR DINNER\n" for i in range(count)
            )
            (place / f"{name}.trans.txt").write_text("".join(lines))
            for i in range(count):
                links.link(place / f"{name}-{i:04d}.flac")
            made += count
            if made == n:
                break
    rows = (f"{speaker} | F | train-clean-100 | 25.0 | A B\n" for speaker in range(speakers))
    (root / "SPEAKERS.TXT").write_text("".join(rows))


def make_librilight(folder: Path, n: int) -> None:
    """small with n recordings, three books a speaker; medium and large as lhotse wants them."""
    dur_sec = HOURS * 3600 / RECORDINGS
    edges = np.linspace(0.4, dur_sec - 1, 76).round(2)
    voice = [[float(a), float(b) - 0.5] for a, b in pairwise(edges)]
    note = json.dumps({"speaker": "1", "book_meta": {"id": "1"}, "voice_activity": voice})
    flacs = Source(folder, ".flac", write_flac(dur_sec))
    notes = Source(folder, ".json", lambda path: path.write_text(note))
    for i in range(n):
        place = folder / f"small/{i // BOOK // 3}/book_{i // BOOK}_64kb_mp3"
        if i % BOOK == 0:
            place.mkdir(parents=True)
        flacs.link(place / f"{i:06d}_64kb.flac")
        notes.link(place / f"{i:06d}_64kb.json")


def measure(command: list[str]) -> tuple[float, float, float]:
    """Seconds of wall and of processor, and peak memory in MB."""
    began = time.perf_counter()
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(said.decode()[-2000:])
    wall_sec = time.perf_counter() - began
    return wall_sec, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def ours(name: str, src: Path, dst: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "espnet_ext.bin.prepare_corpus", name, src, dst, "--nj", "2"]
    return [*map(str, command), *more]


def theirs(name: str, src: Path, dst: Path) -> list[str]:
    patch = "recipe.LIBRILIGHT = ('small',)" if name == "librilight" else ""
    code = THEIRS.format(name=name, patch=patch)
    root = src / "LibriSpeech" if name == "librispeech" else src
    return [sys.executable, "-c", code, str(root), str(dst)]


CORPORA = {  # name: what makes its tree, files at full size, the rules it is cut by
    "librispeech": (make_librispeech, UTTERANCES, {"": ["--complete", "false"]}),
    "librilight": (
        make_librilight,
        RECORDINGS,
        {" atm": ["--rule", "atm"], " w2v2": ["--rule", "w2v2"]},
    ),
}


def run(name: str, scale: float, folder: Path, peer: bool) -> None:
    """Make the tree and a tenth of it, prepare both by each rule and by the peer, print rows."""
    make, full, rules = CORPORA[name]
    sizes = [round(full * scale), round(full * scale / 10)]
    trees = [folder / str(size) for size in sizes]
    for size, tree in zip(sizes, trees, strict=True):
        tree.mkdir()
        make(tree, size)
    commands = {
        f"{name}{rule}": [ours(name, tree, tree / f"data{rule}", *more) for tree in trees]
        for rule, more in rules.items()
    }
    if peer:
        commands["lhotse"] = [theirs(name, tree, tree / "lhotse") for tree in trees]
    slowest = 0.0
    for label, pair in commands.items():
        whole, tenth = map(measure, pair)
        cells = "".join(f"{sec:>9.1f}{cpu:>8.1f}{mb:>7.0f}" for sec, cpu, mb in (whole, tenth))
        print(f"{label:<18}{sizes[0]:>9,}{cells}", flush=True)
        if label == "lhotse":
            print(f"{'ratio, at least':<18}{'':>9}{whole[0] / slowest:>9.1f}")
        slowest = max(slowest, whole[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", nargs="+", choices=list(CORPORA), default=list(CORPORA))
    parser.add_argument("--lhotse", type=str2bool, default=True, help="beside ours")
    parser.add_argument("--folder", type=Path, help="where the trees are made; the default is /tmp")
    options = parser.parse_args()
    peer = options.lhotse and importlib.util.find_spec("lhotse") is not None
    head = f"{'wall s':>9}{'cpu s':>8}{'MB':>7}"
    print(f"{'':<18}{'files':>9}{head}{head}   (right: a tenth of the files)")
    for name in options.only:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            run(name, options.scale, Path(folder), peer)


if __name__ == "__main__":
    main()
