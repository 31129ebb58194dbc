"""Find everything that is wrong with a Kaldi data directory, in one pass, before anything trains.

One line per kind of fault and file, with the count and the first example:

    data/dev/text:3: ids without audio (3); first: ES2011a_1; expected each id in wav.scp; remove …

Tables are read once, line by line; memory grows with the ids only (about 300 bytes an utterance).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import segment_samples
from espnet_ext.data.faults import Report
from espnet_ext.data.headers import Sound, probe

TOLERANCE_SEC = 0.020  # utt2dur and segments are rounded; half a frame stays unseen

SEGMENT = "`utterance recording start_sec end_sec`"
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+=-]*")


@dataclass
class Options:
    """What to expect of a directory."""

    require_text: bool = True
    allow_pipes: bool = False
    audio: bool = True
    sample_rate: int = 16000
    nj: int = 1


@dataclass
class Tables:
    """What the audio is held against. Line numbers count from 1."""

    wav_lines: dict[str, int] = field(default_factory=dict)
    wavs: dict[str, str] = field(default_factory=dict)  # filled only where audio is checked
    utt_lines: dict[str, int] = field(default_factory=dict)
    segments: dict[str, tuple[str, float, float]] | None = None
    durs: dict[str, tuple[int, float]] = field(default_factory=dict)
    speakers: int = 0


def rows(
    path: Path, report: Report, columns: str, free: bool = False
) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, id, rest) of each usable line; complain of the others.

    `free`: the rest may hold any spaces (paths, shell commands).
    """
    try:
        handle = path.open("rb")
    except OSError:
        report.add(path, "missing")
        return
    before, number = "", 0
    with handle:
        for number, raw in enumerate(handle, 1):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError:
                report.add(path, "encoding", number, repr(raw[:40]))
                continue
            if "\0" in line:
                report.add(path, "nul", number, repr(line[:40]))
                continue
            if line[-1] != "\n":
                report.add(path, "cut_off", number, line[:40])
            body = line.rstrip("\r\n")
            if "\r" in line:
                report.add(path, "crlf", number, body[:40])
            fields = body.split(None, 1) if free else body.split()
            if " ".join(fields) != body:
                report.add(path, "whitespace", number, repr(body[:40]))
            if not fields:
                report.add(path, "columns", number, "an empty line", columns)
                continue
            key = fields[0]
            if key < before:
                report.add(path, "unsorted", number, f"{key} after {before}")
            before = key
            if not ID.fullmatch(key):
                report.add(path, "odd_id", number, repr(key))
            yield number, key, body[len(key) :].strip() if free else " ".join(fields[1:])
    if number == 0:
        report.add(path, "empty")


def read_wavs(path: Path, report: Report, options: Options, tables: Tables) -> None:
    """wav.scp: `id path`, or `id command |`."""
    for number, key, entry in rows(path, report, "`id path`", free=True):
        if key in tables.wav_lines:
            report.add(path, "duplicate", number, key)
        elif not entry:
            report.add(path, "columns", number, key, "`id path`")
        elif entry.endswith("|") and not options.allow_pipes:
            report.add(path, "pipe", number, f"{key} {entry[:60]}")
        elif options.audio:
            tables.wavs[key] = entry
        tables.wav_lines.setdefault(key, number)


def read_segments(path: Path, report: Report, tables: Tables) -> None:
    """segments: `utterance recording start_sec end_sec`."""
    tables.segments = {}
    for number, key, rest in rows(path, report, SEGMENT):
        if key in tables.utt_lines:
            report.add(path, "duplicate", number, key)
            continue
        tables.utt_lines[key] = number
        columns = rest.split(" ")
        if len(columns) != 3:
            report.add(path, "columns", number, key, SEGMENT)
            continue
        try:
            start_sec, end_sec = float(columns[1]), float(columns[2])
        except ValueError:
            report.add(path, "number", number, f"{key} {rest}", SEGMENT)
            continue
        if columns[0] not in tables.wav_lines:
            report.add(path, "no_recording", number, f"{key} {columns[0]}")
        elif not 0 <= start_sec < end_sec:
            report.add(path, "order", number, f"{key} {columns[1]} {columns[2]}")
        else:
            tables.segments[key] = (columns[0], start_sec, end_sec)


class Match:
    """Holds one table against the utterances: each id once, none without audio, none left out."""

    def __init__(self, path: Path, report: Report, tables: Tables):
        self.path, self.report, self.utt_lines = path, report, tables.utt_lines
        self.against = "wav.scp" if tables.segments is None else "segments"
        self.seen = bytearray(max(self.utt_lines.values(), default=0) + 1)

    def saw(self, utt: str, number: int) -> bool:
        """Whether this is the first line of a known utterance."""
        line = self.utt_lines.get(utt)
        if line is None:
            if self.utt_lines:  # else wav.scp itself is missing, and that has been said
                self.report.add(self.path, "no_audio", number, utt, self.against)
            return False
        if self.seen[line]:
            self.report.add(self.path, "duplicate", number, utt)
            return False
        self.seen[line] = 1
        return True

    def finish(self) -> None:
        """Complain of the utterances that had no line here."""
        left_out = len(self.utt_lines) - sum(self.seen)
        if left_out and self.path.exists():
            first = next(utt for utt, line in self.utt_lines.items() if not self.seen[line])
            self.report.add(self.path, "no_row", None, first, self.against, left_out)


def read_text(path: Path, report: Report, tables: Tables) -> None:
    """text: `utterance WORD WORD …`."""
    match = Match(path, report, tables)
    for number, key, words in rows(path, report, "`id words`"):
        if match.saw(key, number) and not words:
            report.add(path, "empty_text", number, key)
    match.finish()


def read_speakers(path: Path, report: Report, tables: Tables) -> None:
    """utt2spk: `utterance speaker`, and spk2utt beside it: `speaker utterance utterance …`."""
    match = Match(path, report, tables)
    speaker_of: dict[str, str] = {}
    speakers: dict[str, str] = {}  # one string object a speaker
    for number, key, speaker in rows(path, report, "`utterance speaker`"):
        match.saw(key, number)
        if not speaker or " " in speaker:
            report.add(path, "columns", number, key, "`utterance speaker`")
            continue
        speaker_of[key] = speakers.setdefault(speaker, speaker)
        if not key.startswith(speaker):
            report.add(path, "prefix", number, f"{key} {speaker}")
    match.finish()
    tables.speakers = len(speakers)
    path = path.with_name("spk2utt")
    seen: set[str] = set()
    for number, speaker, utts in rows(path, report, "`speaker utterance …`"):
        if speaker in seen:
            report.add(path, "duplicate", number, speaker)
        seen.add(speaker)
        for utt in utts.split():
            if speaker_of.pop(utt, None) != speaker:
                report.add(path, "spk2utt", number, f"{speaker} {utt}")
    if speaker_of and path.exists():
        utt, speaker = next(iter(speaker_of.items()))
        report.add(path, "spk2utt", None, f"{speaker} lacks {utt}", count=len(speaker_of))


def read_durs(path: Path, report: Report, options: Options, tables: Tables) -> None:
    """utt2dur: `utterance seconds`."""
    match = Match(path, report, tables)
    for number, key, value in rows(path, report, "`utterance seconds`"):
        try:
            dur_sec = float(value)
        except ValueError:
            report.add(path, "number", number, f"{key} {value}", "`utterance seconds`")
            continue
        known = match.saw(key, number)
        if not 0 < dur_sec < inf:
            report.add(path, "no_length", number, f"{key} {value}")
        elif known and options.audio:
            tables.durs[key] = (number, dur_sec)
    match.finish()


def check_tables(folder: Path, report: Report, options: Options) -> Tables:
    """Everything but the audio. `text` is checked where it is there; utt2dur likewise."""
    tables = Tables()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such directory; expected a data directory with wav.scp")
    read_wavs(folder / "wav.scp", report, options, tables)
    if (folder / "segments").exists():
        read_segments(folder / "segments", report, tables)
    else:
        tables.utt_lines = tables.wav_lines
    if (folder / "text").exists():
        read_text(folder / "text", report, tables)
    elif options.require_text:
        unlabelled = ", or pass --require_text false for unlabelled speech"
        report.add(folder / "text", "missing", fill=unlabelled)
    read_speakers(folder / "utt2spk", report, tables)
    if (folder / "utt2dur").exists():
        read_durs(folder / "utt2dur", report, options, tables)
    return tables


def probe_all(tables: Tables, options: Options) -> Iterator[tuple[str, Sound]]:
    """Look at every recording, in `nj` processes where there are many."""
    look = partial(probe, allow_pipes=options.allow_pipes)
    bar = partial(tqdm, total=len(tables.wavs), desc="check audio", unit="file", mininterval=0.5)
    if options.nj == 1 or len(tables.wavs) < 500:  # starting processes takes longer
        yield from zip(tables.wavs, bar(map(look, tables.wavs.values())), strict=True)
        return
    with ProcessPoolExecutor(options.nj, mp_context=get_context("spawn")) as pool:
        sounds = pool.map(look, tables.wavs.values(), chunksize=64)
        yield from zip(tables.wavs, bar(sounds), strict=True)


def check_audio(folder: Path, report: Report, options: Options, tables: Tables) -> dict[str, int]:
    """Hold rate, channels, length, segments and utt2dur against the files.

    Returns:
        The number of samples of each utterance whose audio is sound.
    """
    path = folder / "wav.scp"
    frames: dict[str, int] = {}
    for key, sound in probe_all(tables, options):
        line = tables.wav_lines[key]
        if sound.fault:
            report.add(path, sound.fault, line, f"{key} ({sound.detail})")
        elif sound.rate != options.sample_rate:
            found = f"{key} ({tables.wavs[key]}, {sound.rate} Hz)"
            report.add(path, "rate", line, found, f"{options.sample_rate} Hz")
        elif sound.channels != 1:
            found = f"{key} ({tables.wavs[key]}, {sound.channels} channels)"
            report.add(path, "channels", line, found)
        else:
            frames[key] = sound.frames
    samples = frames
    if tables.segments is not None:
        samples = cut(folder / "segments", report, options, tables, frames)
    for utt, (line, dur_sec) in tables.durs.items():
        audio_sec = samples.get(utt, 0) / options.sample_rate
        if utt in samples and not abs(dur_sec - audio_sec) <= TOLERANCE_SEC:
            found = f"{utt} ({dur_sec} s, its audio {audio_sec:.3f} s)"
            report.add(folder / "utt2dur", "duration", line, found)
    return samples


def cut(
    path: Path, report: Report, options: Options, tables: Tables, frames: dict[str, int]
) -> dict[str, int]:
    """The samples of each segment that lies within its recording."""
    samples: dict[str, int] = {}
    for utt, (recording, start_sec, end_sec) in (tables.segments or {}).items():
        if recording not in frames:
            continue
        total_sec = frames[recording] / options.sample_rate
        if end_sec > total_sec + TOLERANCE_SEC:
            found = f"{utt} ({end_sec} s of {total_sec:.3f} s)"
            report.add(path, "past_end", tables.utt_lines[utt], found)
            continue
        start, end = segment_samples(start_sec, end_sec, options.sample_rate, frames[recording])
        samples[utt] = end - start
    return samples


def validate(
    folder: str | Path, options: Options, num_samples_out: str | Path | None = None
) -> tuple[Report, str]:
    """Check a data directory; write `utterance num_samples` lines only where all is well.

    Returns:
        The report, and one line that sums the directory up.

    Raises:
        UserError: no such directory, or `num_samples_out` without a look at the audio.
    """
    folder = Path(folder)
    if num_samples_out and not options.audio:
        raise UserError(f"{num_samples_out}: lengths come from the audio; pass --audio true")
    report = Report()
    tables = check_tables(folder, report, options)
    about = f"{folder}: {len(tables.utt_lines)} utterances, {tables.speakers} speakers"
    if not options.audio:
        return report, about
    samples = check_audio(folder, report, options, tables)
    minutes = sum(samples.values()) / options.sample_rate / 60
    if num_samples_out and not report.lines(warnings=False):
        with atomic_write(num_samples_out) as out:
            out.writelines(f"{utt} {count}\n" for utt, count in samples.items())
    return report, f"{about}, {minutes:.1f} minutes at {options.sample_rate} Hz"
