"""What corpora of meetings share: annotation without audio, recordings cut to length, remarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.findings import Findings
from espnet_ext.data.headers import Sound, probe
from espnet_ext.data.kaldi_dir import Utterance, write_table

SHORTEST_SEC = 0.01  # what is left of an utterance that its recording cuts off, if it is to be kept


class Notes:
    """What is odd but known of a release: counted and said, with the first of each; no fault."""

    def __init__(self) -> None:
        self.kinds: dict[str, list] = {}  # kind: [count, first]

    def add(self, kind: str, first: object, count: int = 1) -> None:
        known = self.kinds.setdefault(kind, [0, str(first)])
        known[0] += count

    def lines(self) -> list[str]:
        """One line a kind, in the order of their first occurrence."""
        return [f"{kind}: {count}; first: {first}" for kind, (count, first) in self.kinds.items()]


def write_annotation(path: Path, utts: Iterable[Utterance]) -> None:
    """Write text, segments, utt2spk, spk2utt and utt2dur but no wav.scp: to count, not to train.

    Raises:
        UserError: an utterance id that occurs twice.
    """
    utts = list(utts)
    path.mkdir(parents=True, exist_ok=True)
    (path / "wav.scp").unlink(missing_ok=True)
    write_table(path / "text", ((utt.utt, utt.text or "") for utt in utts))
    write_table(
        path / "segments",
        ((u.utt, f"{u.recording} {u.start_sec:.3f} {u.end_sec:.3f}") for u in utts),
    )
    pairs = sorted((utt.speaker, utt.utt) for utt in utts)
    write_table(path / "utt2spk", ((utt, speaker) for speaker, utt in pairs))
    write_table(
        path / "spk2utt",
        (
            (speaker, " ".join(utt for _, utt in own))
            for speaker, own in groupby(pairs, key=lambda pair: pair[0])
        ),
    )
    write_table(path / "utt2dur", ((utt.utt, f"{utt.dur_sec:.4f}") for utt in utts))


def look_at(
    wavs: Iterable[str], findings: Findings, look: Callable[[str], Sound] = probe
) -> dict[str, Sound]:
    """Header and end of each file; what cannot be used goes to `findings`."""
    mends = {
        "audio_missing": ("recordings that are not there", "fetch them"),
        "audio_empty": ("empty recordings", "fetch them again"),
        "audio_unreadable": ("unreadable recordings", "fetch them again"),
        "audio_truncated": ("recordings that are cut off", "fetch them again"),
    }
    sounds = {}
    for wav in sorted(set(wavs)):
        sound = sounds[wav] = look(wav)
        if sound.fault:
            kind, mend = mends[sound.fault]
            findings.add(kind, sound.detail or wav, mend)
        elif sound.rate != 16000:
            findings.add(
                "recordings at another rate", f"{wav} ({sound.rate} Hz)", "expected 16 kHz"
            )
    return sounds


def fit_to_recordings(
    utts: Iterable[Utterance], sounds: dict[str, Sound], notes: Notes
) -> list[Utterance]:
    """Cut utterances at the end of their recording, and leave out those that begin after it."""
    kept = []
    for utt in utts:
        sound = sounds[utt.wav]
        total_sec = sound.frames / sound.rate if sound.rate else 0.0
        if sound.fault or utt.start_sec is None or utt.end_sec <= total_sec:
            kept.append(utt)
        elif utt.start_sec + SHORTEST_SEC <= total_sec:
            notes.add("utterances cut off by the end of their recording", utt.utt)
            kept.append(replace(utt, end_sec=total_sec, dur_sec=total_sec - utt.start_sec))
        else:
            notes.add("left out: utterances after the end of their recording", utt.utt)
    return kept


def find_enhanced(
    folder: Path,
    pattern: re.Pattern[str],
    key: Callable[[re.Match[str]], str],
    such_as: str,
    findings: Findings,
) -> dict[str, Path]:
    """What a file's name stands for -> the file, at any depth of `folder`.

    Args:
        pattern: of the names of enhanced recordings; `key` makes an id of what it finds.
        such_as: an example, for who gave another folder.

    Raises:
        UserError: none is there.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if not (name := pattern.fullmatch(path.name)):
            continue
        if known := found.get(key(name)):
            findings.add("recordings enhanced twice", f"{known} and {path}", "keep one")
        found[key(name)] = path
    if not found:
        raise UserError(f"{folder}: no enhanced recording; expected files such as {such_as}")
    return found


def spread(utts: list[Utterance], count: int) -> list[Utterance]:
    """`count` of them, evenly over the list, so that a tiny set still hears every speaker."""
    step = max(len(utts) // count, 1)
    return utts[::step][:count]
