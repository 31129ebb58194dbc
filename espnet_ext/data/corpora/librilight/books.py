"""Libri-light on disk: the recordings of a book, and their pieces."""

from __future__ import annotations

import argparse
import json
import random
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from espnet_ext.data.corpora.librilight.rules import join_overlaps, random_pieces, voiced_pieces
from espnet_ext.data.headers import flac_header
from espnet_ext.data.kaldi_dir import Utterance

SAMPLE_RATE = 16000
ODD = re.compile(r"[^A-Za-z0-9._@+=-]")


@dataclass(slots=True)
class Counts:
    """What came in and what was kept; adds up."""

    recordings: int = 0
    sum_ms: int = 0
    voice_ms: int = 0
    silent: int = 0
    short: int = 0
    short_ms: int = 0

    def add(self, other: Counts) -> None:
        for name in fields(self):
            setattr(self, name.name, getattr(self, name.name) + getattr(other, name.name))


@dataclass(slots=True)
class Book:
    """What was read of one book."""

    utts: list[Utterance] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


def read_book(place: tuple[Path, str], options: argparse.Namespace) -> Book:
    """Cut the recordings of one book, in the order of their names."""
    folder, speaker = place
    book = Book()
    names = {path.name for path in folder.iterdir()}
    audio = {name[:-5] for name in names if name.endswith(".flac")}
    notes = {name[:-5] for name in names if name.endswith(".json")}
    for kind, alone in (
        ("FLAC files without a json", [f"{n}.flac" for n in sorted(audio - notes)]),
        ("json files without a FLAC", [f"{n}.json" for n in sorted(notes - audio)]),
    ):
        book.faults += [(kind, str(folder / name)) for name in alone]
    for name in sorted(audio & notes):
        recording = ODD.sub("_", f"{speaker}-{folder.name}-{name}")
        path = f"{folder}/{name}"
        sound = flac_header(f"{path}.flac")
        if sound.fault or (sound.rate, sound.channels) != (SAMPLE_RATE, 1):
            empty = sound.fault == "audio_empty"
            kind = "empty FLAC files" if empty else f"FLAC files that are not {SAMPLE_RATE} Hz mono"
            book.faults.append((kind, sound.detail or f"{path}.flac"))
            continue
        dur_ms = sound.frames * 1000 // SAMPLE_RATE
        book.counts.recordings += 1
        book.counts.sum_ms += dur_ms
        for i, (start, end) in enumerate(cut(path, recording, dur_ms, options, book)):
            book.utts.append(
                Utterance(
                    utt=f"{recording}-{i:05d}",
                    speaker=speaker,
                    wav=f"{path}.flac",
                    dur_sec=(end - start) / 1000,
                    recording=recording,
                    start_sec=start / 1000,
                    end_sec=end / 1000,
                )
            )
    return book


def cut(
    path: str, recording: str, dur_ms: int, options: argparse.Namespace, book: Book
) -> list[tuple[int, int]]:
    """The pieces of a recording by the rule, less those that are too short."""
    if options.rule == "atm":
        pieces = random_pieces(dur_ms, random.Random(f"{options.seed} {recording}"))
    else:
        voice = read_voice(f"{path}.json", book)
        voice = join_overlaps(voice, dur_ms)
        book.counts.voice_ms += sum(end - start for start, end in voice)
        limits = round(options.most_sec * 1000), round(options.pause_sec * 1000)
        pieces = voiced_pieces(voice, *limits)
    long = [(start, end) for start, end in pieces if end - start >= options.min_sec * 1000]
    book.counts.short += len(pieces) - len(long)
    book.counts.short_ms += sum(e - s for s, e in pieces) - sum(e - s for s, e in long)
    return long


def read_voice(path: str, book: Book) -> list[tuple[int, int]]:
    """`voice_activity` in milliseconds; empty, and noted, where there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as handle:  # noqa: PTH123 (220,000 files)
            pairs = json.load(handle)["voice_activity"]
        voice = [(round(start * 1000), round(end * 1000)) for start, end in pairs]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        book.faults.append(("json files without voice activity", path))
        return []
    if any(start > end for start, end in voice):
        book.faults.append(("json files with a stretch that ends before it begins", path))
    book.counts.silent += not voice  # nobody heard: that is no fault
    return voice
