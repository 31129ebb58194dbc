"""AMI and CHiME-6 as we prepare them and as lhotse does: same utterances, times and words?

Needs lhotse beside this package (it is no dependency):

    python test/bench/compare_lhotse_meetings.py               the look-alike corpora of the tests
    python test/bench/compare_lhotse_meetings.py --ami DIR --chime6 DIR    real ones, or parts

Every utterance that differs is counted under its reason. AMI: lhotse's segments of at most 30
words, from the words and the transcribers' times; no audio is needed. CHiME-6: lhotse wants audio,
so sessions without it get a silent stand-in. Seconds are of one run, ours with all tables written.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from espnet_ext.data.corpora import ami, chime6
from espnet_ext.data.corpora.chime6.sessions import SETS
from espnet_ext.data.kaldi_dir import read_dict

NEAR_SEC = 0.010 + 1e-6


def prepare(module, src: Path, dst: Path, *more: str) -> float:
    """Our preparation of the annotation; the seconds it took."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    options = parser.parse_args(["--annotation_only", "true", "--complete", "false", *more])
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        module.prepare(src, dst, options)
    return time.perf_counter() - began


def read_ours(dst: Path) -> dict[str, list[tuple[str, float, float, list[str]]]]:
    """Speaker -> (recording, start, end, words) of each utterance, in the order of their ids."""
    found = defaultdict(list)
    for folder in sorted(dst.iterdir()):
        texts, speakers = read_dict(folder / "text"), read_dict(folder / "utt2spk")
        for utt, row in read_dict(folder / "segments").items():
            recording, start, end = row.split()
            words = texts[utt].split()
            found[speakers[utt]].append((recording, float(start), float(end), words))
    return found


def compare_ami(src: Path, work: Path) -> None:
    from lhotse.recipes.ami import parse_ami_annotations

    sets = [name for name in ami.SETS if has_meeting(src, ami.SETS[name])]
    ours_sec = prepare(ami, src, work / "ami", "--sets", " ".join(sets))
    began = time.perf_counter()
    annotation = ami.find_annotation(src)
    theirs = parse_ami_annotations(annotation, normalize="kaldi", max_words_per_segment=30)
    theirs_sec = time.perf_counter() - began
    reasons, words = Counter(), Counter()
    for speaker, own in read_ours(work / "ami").items():
        _, meeting, headset, name = speaker.split("_")
        other = theirs.get((meeting, name, int(headset[1:])), [])
        own = [(start, end, plain(" ".join(text))) for _, start, end, text in sorted(own, key=at)]
        other = [(s.start_time, s.end_time, plain(s.text)) for s in other]
        match(own, sorted(other, key=lambda row: row[:2]), reasons, words)
    print_table(f"AMI, {src.name}", reasons, words, ours_sec, theirs_sec)


def has_meeting(src: Path, meetings: list[str]) -> bool:
    folder = ami.find_annotation(src) / "segments"
    return any((folder / f"{meeting}.A.segments.xml").is_file() for meeting in meetings)


def at(row: tuple) -> tuple:
    return row[1:3]


def plain(text: str) -> list[str]:
    """Words as both write them: L. C. D. is L C D in lhotse, and MM-HMM sometimes MM HMM."""
    return re.sub(r"\bO K\b", "OK", re.sub(r"[.\-\s]+", " ", text).strip()).split()


def match(own: list[tuple], other: list[tuple], reasons: Counter, words: Counter) -> None:
    """Pair the utterances of a speaker by the words they hold, and say why the others do not."""
    flat = [[word for *_, text in side for word in text] for side in (own, other)]
    words["ours"] += len(flat[0])
    words["lhotse's"] += len(flat[1])
    blocks = SequenceMatcher(None, *flat, autojunk=False).get_matching_blocks()
    words["in both, in the same order"] += sum(size for *_, size in blocks)
    place = {i + k: j + k for i, j, size in blocks for k in range(size)}
    spans = {}
    first = 0
    for start, end, text in other:
        spans[first, first + len(text)] = (start, end)
        first += len(text)
    edges = {edge for span in spans for edge in span}
    first = 0
    for start, end, text in own:
        found = [place.get(i) for i in range(first, first + len(text))]
        first += len(text)
        reasons[reason(found, spans, edges, start, end)] += 1


def reason(found: list[int | None], spans: dict, edges: set[int], start: float, end: float) -> str:
    """How one of our utterances relates to lhotse's; `found` are the places of its words there."""
    if None in found or found != list(range(found[0], found[0] + len(found))):
        return "lhotse lacks or adds words: it takes those wholly inside the transcriber's times"
    span = (found[0], found[-1] + 1)
    if span not in spans:
        if span[0] in edges and span[1] in edges:
            return "lhotse cuts this one: at another comma"
        return "part of a longer one of lhotse's: it does not cut at `?`, and commas elsewhere"
    starts, ends = spans[span]
    near = (abs(start - starts) <= NEAR_SEC, abs(end - ends) <= NEAR_SEC)
    if all(near):
        return "same words, both times within 10 ms"
    return {
        (False, True): "same words; starts at the mark before it, lhotse's at its first word",
        (True, False): "same words; ends with the turn, lhotse's with its last word",
        (False, False): "same words; both of these",
    }[near]


def compare_chime6(src: Path, work: Path) -> None:
    from lhotse.recipes.chime6 import DATASET_PARTS, prepare_chime6

    root = src / "CHiME6" if (src / "CHiME6").is_dir() else src
    sets = [name for name in SETS if list((root / "transcriptions" / name).glob("S*.json"))]
    # P11_S03 and the like, which we leave out of train_worn, are there in the arrays
    ours_sec = prepare(
        chime6, src, work / "c6", "--mic", "u01", "--events", "keep", "--sets", " ".join(sets)
    )
    stand_in = work / "stand_in"
    for name in sets:
        for path in (root / "transcriptions" / name).glob("S*.json"):
            make_stand_in(path, root / "audio" / name, stand_in, name)
    for name in sets:
        there = {path.stem for path in (stand_in / "transcriptions" / name).glob("*.json")}
        DATASET_PARTS[name] = [session for session in SETS[name] if session in there]
    began = time.perf_counter()
    theirs = prepare_chime6(stand_in, dataset_parts=sets, mic="ihm", normalize_text="kaldi")
    theirs_sec = time.perf_counter() - began
    ours = {
        (recording.split("_")[0], speaker, round(start, 2)): (end, " ".join(text))
        for speaker, own in read_ours(work / "c6").items()
        for recording, start, end, text in own
    }
    reasons = Counter()
    words = Counter(ours=sum(len(text.split()) for _, text in ours.values()))
    for name in sets:
        for said in theirs[name]["supervisions"]:
            key = (said.recording_id, said.speaker, round(int(said.start * 100 + 1e-6) / 100, 2))
            text = " ".join(said.text.split())
            words["lhotse's"] += len(text.split())
            reasons[chime6_reason(ours.pop(key, None), said.end, text)] += 1
    reasons["only ours"] += len(ours)
    print_table(f"CHiME-6, {src.name}", reasons, words, ours_sec, theirs_sec)


def chime6_reason(mine: tuple[float, str] | None, end: float, text: str) -> str:
    if mine is None:
        return (
            "lhotse keeps what is [redacted], or empty, with no text"
            if not text
            else "only lhotse's"
        )
    if abs(mine[0] - end) > NEAR_SEC:
        return "other times"
    if mine[1] == text:
        return "same words, both times within 10 ms"
    return (
        "same but for quotation marks, which lhotse keeps"
        if mine[1] == text.replace('"', "")
        else "other words"
    )


def make_stand_in(path: Path, audio: Path, stand_in: Path, name: str) -> None:
    """A session as lhotse can read it: H:MM:SS.ss, and audio, silent where there is none."""
    entries = json.loads(path.read_text())
    last_sec = 0.0
    for entry in entries:
        for key in ("start_time", "end_time"):
            value = entry[key]["original"] if isinstance(entry[key], dict) else str(entry[key])
            hours, minutes, seconds = ("0:0:" + value if ":" not in value else value).split(":")
            last_sec = max(last_sec, int(hours) * 3600 + int(minutes) * 60 + float(seconds))
            entry[key] = f"{hours}:{minutes}:{seconds}"
    new = stand_in / "transcriptions" / name / path.name
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_text(json.dumps(entries))
    folder = stand_in / "audio" / name
    folder.mkdir(parents=True, exist_ok=True)
    for speaker in {entry["speaker"] for entry in entries}:
        wav = folder / f"{path.stem}_{speaker}.wav"
        if (audio / wav.name).is_file():
            wav.symlink_to((audio / wav.name).resolve())
        else:
            silent_wav(wav, round((last_sec + 1) * 16000))


def silent_wav(path: Path, frames: int) -> None:
    """Two channels of nothing, as a hole in the file."""
    size = frames * 4
    head = np.array([0x46464952, size + 36, 0x45564157, 0x20746D66, 16], "<u4").tobytes()
    head += np.array([1, 2], "<u2").tobytes() + np.array([16000, 64000], "<u4").tobytes()
    head += np.array([4, 16], "<u2").tobytes() + np.array([0x61746164, size], "<u4").tobytes()
    with path.open("wb") as out:
        out.write(head)
        out.truncate(len(head) + size)


def print_table(
    title: str, reasons: Counter, words: Counter, ours_sec: float, theirs_sec: float
) -> None:
    total = sum(reasons.values())
    print(f"\n{title}: {total} utterances; ours {ours_sec:.2f} s, lhotse {theirs_sec:.2f} s")
    for text, count in reasons.most_common():
        if count:
            print(f"  {count:7} {100 * count / total:5.1f} %  {text}")
    print("  words: " + ", ".join(f"{count} {whose}" for whose, count in words.items()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--ami", type=Path, help="a folder with words/, segments/, corpusResources/"
    )
    parser.add_argument("--chime6", type=Path, help="a folder with transcriptions/")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    work = Path(tempfile.mkdtemp(prefix="compare_lhotse."))
    try:
        if not args.ami and not args.chime6:
            sys.path.insert(0, str(Path(__file__).parents[1]))
            from corpora import ami as ami_look_alike
            from corpora import chime6 as chime6_look_alike

            args.ami = ami_look_alike.lay_out(work / "ami_look_alike")
            args.chime6 = chime6_look_alike.lay_out(work / "chime6_look_alike")
        if args.ami:
            compare_ami(args.ami, work)
        if args.chime6:
            compare_chime6(args.chime6, work)
    except ModuleNotFoundError as err:
        sys.exit(f"{err}; install lhotse beside this package to compare with it")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
