"""Scoring, against sclite: 20,000 utterances, in turn, all files written.

python test/bench/bench_score.py
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS, UTTS = 3, 20_000


def write_pairs(folder: Path) -> None:
    """Texts in Kaldi's and in sclite's format, about one word in eight wrong."""
    draw = random.Random(1)
    words = [f"w{i}" for i in range(5000)]
    files = {name: (folder / name).open("w") for name in ("ref", "hyp", "ref.trn", "hyp.trn")}
    for i in range(UTTS):
        ref = draw.choices(words, k=draw.randint(5, 25))
        hyp = [draw.choice(words) if draw.random() < 0.08 else w for w in ref]
        hyp = [w for w in hyp if draw.random() > 0.04]
        utt = f"spk{i % 100:03d}-{i:06d}"
        for name, text in (("ref", ref), ("hyp", hyp)):
            files[name].write(f"{utt} {' '.join(text)}\n")
            files[f"{name}.trn"].write(f"{' '.join(text)} ({utt})\n")
    for handle in files.values():
        handle.close()


def seconds(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    root = Path(__file__).parents[2]
    places = [
        os.environ.get("SCLITE"),
        shutil.which("sclite", path=f"{os.environ['PATH']}:/usr/lib/sctk/bin"),
        *map(str, root.glob(".cache/deb/sctk/usr/lib/sctk/bin/sclite")),
    ]
    sclite = next(filter(None, places), None)
    if sclite is None:
        sys.exit("sclite not found: tools/fetch_deb.sh .cache/deb/sctk sctk, or set SCLITE")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pairs(folder)
        ours = [sys.executable, "-m", "espnet_ext.bin.score_wer", "--ref", "ref", "--hyp", "hyp"]
        theirs = [sclite, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id"]
        best_ours = best_theirs = float("inf")
        for i in range(ROUNDS):
            best_ours = min(best_ours, seconds([*ours, "--out", f"ours{i}"], folder))
            best_theirs = min(best_theirs, seconds([*theirs, "-o", "sum", "pra", "dtl"], folder))
    print(f"{UTTS} utterances, best of {ROUNDS}, wall seconds")
    print(f"score_wer  {best_ours:8.2f}")
    print(f"sclite     {best_theirs:8.2f}")
    print(f"ratio      {best_theirs / best_ours:8.2f}")


if __name__ == "__main__":
    main()
