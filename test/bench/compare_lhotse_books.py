"""LibriSpeech and Libri-light as we prepare them and as lhotse does: same utterances, times, words?

Needs lhotse beside this package (it is no dependency):

    python test/bench/compare_lhotse_books.py            the look-alike corpora of the tests
    python test/bench/compare_lhotse_books.py --librispeech DIR --librilight DIR    real ones

Times agree within 10 ms. Whatever differs is counted under its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from pathlib import Path

from espnet_ext.data.corpora import librilight, librispeech
from espnet_ext.data.corpora.librilight.books import Book, read_voice
from espnet_ext.data.corpora.librilight.rules import join_overlaps
from espnet_ext.data.kaldi_dir import read_dict

NEAR_MS = 10


def prepare(module, src: Path, dst: Path, *more: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nj", type=int, default=2)
    module.add_arguments(parser)
    with contextlib.redirect_stdout(io.StringIO()):
        module.prepare(src, dst, parser.parse_args(more))


def compare_librispeech(src: Path, dst: Path) -> Counter:
    """lhotse has each utterance as a recording and a supervision over all of it."""
    from lhotse.recipes import prepare_librispeech

    root = librispeech.root_of(src)
    prepare(librispeech, src, dst, "--complete", "false", "--speakers", "plain")
    with contextlib.redirect_stderr(io.StringIO()):
        theirs = prepare_librispeech(root)
    found = Counter()
    for subset, sets in theirs.items():
        folder = dst / subset.replace("-", "_")
        texts, wavs = read_dict(folder / "text"), read_dict(folder / "wav.scp")
        durs, speakers = read_dict(folder / "utt2dur"), read_dict(folder / "utt2spk")
        found["utterances of one alone"] += len(texts.keys() ^ {s.id for s in sets["supervisions"]})
        recordings = {r.id: r for r in sets["recordings"]}
        for their in sets["supervisions"]:
            found["utterances"] += 1
            ours = (texts.get(their.id), speakers.get(their.id))
            found["other words or speaker"] += ours != (their.text, their.speaker)
            away = abs(float(durs[their.id]) - their.duration) * 1000
            found["other durations"] += away > NEAR_MS
            path = Path(recordings[their.recording_id].sources[0].source)
            found["other files"] += path.resolve() != Path(wavs[their.id]).resolve()
    return found


def compare_librilight(src: Path, dst: Path) -> Counter:
    """lhotse has the stretches of voice as they are; we join those that touch, then cut them."""
    from lhotse.recipes import prepare_librilight

    prepare(librilight, src, dst, "--sets", "small medium large")
    with contextlib.redirect_stderr(io.StringIO()):
        theirs = prepare_librilight(src)
    found = Counter()
    for subset, sets in theirs.items():
        wavs = read_dict(dst / subset / "wav.scp")
        by_path = {Path(wav).resolve(): recording for recording, wav in wavs.items()}
        stretches: dict[str, list[tuple[int, int]]] = {}
        for their in sets["supervisions"]:
            times = round(their.start * 1000), round(their.end * 1000)
            stretches.setdefault(their.recording_id, []).append(times)
        spans = [row.split() for row in read_dict(dst / subset / "segments").values()]
        ends = {recording: float(end) for recording, _, end in spans}
        seen = set()
        for their in sets["recordings"]:
            path = Path(their.sources[0].source).resolve()
            seen.add(path)
            if path not in by_path:
                continue
            found["recordings"] += 1
            dur_ms = round(their.duration * 1000)
            found["other durations"] += abs(ends[by_path[path]] * 1000 - dur_ms) > NEAR_MS
            ours = join_overlaps(read_voice(str(path.with_suffix(".json")), Book()), dur_ms)
            theirs_joined = join_overlaps(stretches.get(their.id, []), dur_ms)
            edges = zip(ours, theirs_joined, strict=False)
            near = all(abs(a - b) <= NEAR_MS for o, t in edges for a, b in zip(o, t, strict=True))
            found["other voice"] += len(ours) != len(theirs_joined) or not near
            found["stretches"] += len(stretches.get(their.id, []))
            found["stretches that touch, joined"] += len(stretches.get(their.id, [])) - len(ours)
        known = {recording.id for recording in sets["recordings"]}
        found["recordings without voice, which lhotse drops"] += len(by_path.keys() - seen)
        found["stretches of recordings that are not there"] += len(stretches.keys() - known)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--librispeech", type=Path)
    parser.add_argument("--librilight", type=Path)
    options = parser.parse_args()
    try:
        import lhotse
    except ImportError:
        sys.exit("lhotse not found; pip install lhotse, in an environment of its own if you like")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from corpora import librilight as books
    from corpora import librispeech as utterances

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not (options.librispeech or options.librilight):
            options.librispeech = utterances.lay_out(folder / "corpus")
            options.librilight = books.lay_out(folder / "corpus")
        for corpus, compare in (
            ("librispeech", compare_librispeech),
            ("librilight", compare_librilight),
        ):
            src = getattr(options, corpus)
            if src:
                print(f"{corpus}, beside lhotse {lhotse.__version__}")
                for what, count in compare(src, folder / corpus).items():
                    print(f"  {what:<48}{count:>9,}")


if __name__ == "__main__":
    main()
