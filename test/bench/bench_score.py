"""Scoring, beside NIST's sclite and jiwer: 100,000 utterances as long as LibriSpeech's.

python test/bench/bench_score.py
python test/bench/bench_score.py --utts 20000 --rounds 1

Wall and processor seconds, all processes together, of whole commands: start, read, align, write.
`score_wer` writes its `wer`, `per_utt` and `ops`; sclite the same three (sum, pra, dtl), and once
more its summary alone; jiwer's command writes nothing but a rate, so it is a script that reads the
files and counts. Rounds are in turn; the best of each is taken.
"""

import argparse
import itertools
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# LibriSpeech test-clean: 20.1 words an utterance, standard deviation 13.7, 1 to 96
MEAN_WORDS, SPREAD_WORDS = 20.1, 13.7
SUB, INS, DEL = 0.029, 0.004, 0.004  # shares of words: a recogniser at 3.7 % WER
JIWER = """
import jiwer
def read(name):
    lines = (line.rstrip("\\n").split(" ", 1) for line in open(name))
    return {utt: text for utt, text in lines}
refs, hyps = read("ref"), read("hyp")
done = jiwer.process_words(list(refs.values()), [hyps[utt] for utt in refs])
print(done.wer, done.substitutions, done.insertions, done.deletions)
"""


def write_pairs(folder: Path, n_utts: int) -> None:
    """Texts in Kaldi's and in sclite's format. Words are drawn as Zipf's law has them."""
    draw = random.Random(1)
    words = []
    for i in range(20_000):  # frequent ones are short
        letters = max(1, round(draw.gauss(2.5 + 0.5 * (i + 1).bit_length(), 1.5)))
        words.append("".join(draw.choices("etaoinshrdlu", k=letters)) + (f"{i:x}" * (i > 50)))
    weights = list(itertools.accumulate(1 / (i + 10) for i in range(len(words))))
    shape = (MEAN_WORDS / SPREAD_WORDS) ** 2
    files = {name: (folder / name).open("w") for name in ("ref", "hyp", "ref.trn", "hyp.trn")}
    for i in range(n_utts):  # 65 by each speaker, as there
        n_words = min(96, max(1, round(draw.gammavariate(shape, MEAN_WORDS / shape))))
        ref = draw.choices(words, cum_weights=weights, k=n_words)
        hyp = []
        for word in ref:
            fate = draw.random()
            said = [draw.choice(words)] if fate < SUB else [word]
            hyp += [] if SUB <= fate < SUB + DEL else said
            hyp += [draw.choice(words)] if draw.random() < INS else []
        utt = f"spk{i // 65:05d}-{i:06d}"
        for name, text in (("ref", ref), ("hyp", hyp or ref[:1])):
            files[name].write(f"{utt} {' '.join(text)}\n")
            files[f"{name}.trn"].write(f"{' '.join(text)} ({utt})\n")
    for handle in files.values():
        handle.close()


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def find_sclite() -> str:
    root = Path(__file__).parents[2]
    places = [
        os.environ.get("SCLITE"),
        shutil.which("sclite", path=f"{os.environ['PATH']}:/usr/lib/sctk/bin"),
        *map(str, root.glob(".cache/deb/sctk/usr/lib/sctk/bin/sclite")),
    ]
    sclite = next(filter(None, places), None)
    if sclite is None:
        sys.exit("sclite not found: tools/fetch_deb.sh .cache/deb/sctk sctk, or set SCLITE")
    return sclite


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    sclite = [find_sclite(), "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o"]
    ours = [sys.executable, "-m", "espnet_ext.bin.score_wer", "--ref", "ref", "--hyp", "hyp"]
    commands = {
        "score_wer": [*ours, "--out", "ours"],
        "score_wer, one process": [*ours, "--jobs", "1", "--out", "ours1"],
        "sclite": [*sclite, "sum", "pra", "dtl"],
        "sclite, summary alone": [*sclite, "sum"],
        "jiwer, counts alone": [sys.executable, "-c", JIWER],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pairs(folder, args.utts)
        loads = [os.getloadavg()[0]]
        for _ in range(args.rounds):
            for what, command in commands.items():
                times[what].append(seconds(command, folder))
            loads.append(os.getloadavg()[0])
        print((folder / "ours/wer").read_text().splitlines()[0])
    print(
        f"{args.utts} utterances, best of {args.rounds}, {os.cpu_count()} cores, "
        f"load {min(loads):.1f} to {max(loads):.1f}"
    )
    best = {
        what: [min(column) for column in zip(*rows, strict=True)] for what, rows in times.items()
    }
    own_wall, own_cpu = best["score_wer"]
    print(f"{'':22} {'wall s':>8} {'x ours':>7} {'CPU s':>8} {'x ours':>7}")
    for what, (wall, cpu) in best.items():
        print(f"{what:22} {wall:8.2f} {wall / own_wall:7.1f} {cpu:8.2f} {cpu / own_cpu:7.1f}")


if __name__ == "__main__":
    main()
