"""Kaldi data directories: read and write them, one line at a time.

    wav.scp   en-allison-hello downloads/asterisk/flac/en-allison/en-allison-hello.flac
    segments  ES2011a_H00_1 ES2011a_H00 12.340 15.900   (optional; wav.scp then lists recordings)
    text      en-allison-hello HELLO                         (absent for unlabelled speech)
    utt2spk   en-allison-hello en-allison
    spk2utt   en-allison en-allison-hello en-allison-goodbye
    utt2dur   en-allison-hello 0.8120                        (seconds)

Every file is sorted by its first column in C-locale (byte) order, which for UTF-8 is the order of
Python's `sorted` on strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.spill import Spill


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line of every table. With `start_sec` and `end_sec` it is a stretch of `recording`."""

    utt: str
    speaker: str
    wav: str
    dur_sec: float
    text: str | None = None
    recording: str | None = None
    start_sec: float | None = None
    end_sec: float | None = None


def read_table(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yield (first column, rest of the line) in file order; the rest may be empty.

    Raises:
        UserError: no such file, a line that is not UTF-8, or an empty line.
    """
    path = Path(path)
    try:
        handle = path.open("rb")
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected a table of a data directory") from None
    with handle:
        for number, raw in enumerate(handle, 1):
            try:
                key, *rest = raw.decode("utf-8").strip().split(maxsplit=1)
            except UnicodeDecodeError:
                raise UserError(f"{path}:{number}: not UTF-8; expected `id value`") from None
            except ValueError:
                raise UserError(f"{path}:{number}: empty line; remove it") from None
            yield key, rest[0] if rest else ""


def read_dict(path: str | Path) -> dict[str, str]:
    """A whole table as a dict, in file order.

    Raises:
        UserError: as `read_table`, or an id that occurs twice.
    """
    table: dict[str, str] = {}
    for key, value in read_table(path):
        if key in table:
            raise UserError(f"{path}: {key} occurs twice; ids must be unique")
        table[key] = value
    return table


def write_table(path: str | Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write `key value` lines, sorted, under a temporary name first.

    Raises:
        UserError: a key that occurs twice; the earlier file stays as it was.
    """
    before = None
    with atomic_write(path) as out:
        for key, value in sorted(rows):
            if key == before:
                raise UserError(f"{path}: {key} would occur twice; ids must be unique")
            before = key
            out.write(f"{key} {value}\n" if value else f"{key}\n")


def write_data_dir(path: str | Path, utts: Iterable[Utterance]) -> None:
    """Write a whole data directory; `text` and `segments` only where the utterances have them.

    The utterances may come in any order and number: what does not fit into memory is sorted on
    disk. All tables appear at once, and only if the utterances end well; wav.scp comes last, and
    goes first where an older one is there: its presence means that the directory is whole, also
    after a killed run.

    Raises:
        UserError: no utterance at all, a duplicated id, a transcript or times for some utterances
            only, or two files for one recording.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    rows = Spill(path)
    rows.extend(
        (u.utt, u.speaker, u.recording or u.utt, u.wav, u.dur_sec, u.text, u.start_sec, u.end_sec)
        for u in utts
    )
    first = next(iter(rows), None)
    if first is None:
        raise UserError(f"{path}: no utterance is left; check the corpus and the lists")
    has_text, has_times = first[5] is not None, first[6] is not None
    speakers, recordings = Spill(path), Spill(path)
    with ExitStack() as stack:
        # renamed in the reverse order, so wav.scp last
        names = ["wav.scp", "spk2utt", "utt2spk", "utt2dur"]
        names += ["text"] * has_text + ["segments"] * has_times
        tables = {name: stack.enter_context(atomic_write(path / name)) for name in names}
        _write_utterances(path, rows, tables, speakers, recordings)
        for speaker, pairs in groupby(speakers, key=itemgetter(0)):
            tables["spk2utt"].write(f"{speaker} {' '.join(utt for _, utt in pairs)}\n")
        for recording, same in groupby(recordings, key=itemgetter(0)):
            wavs = {wav for _, wav in same}
            if len(wavs) > 1:
                raise UserError(
                    f"{path}/wav.scp: {recording} would be {' and '.join(sorted(wavs))}"
                )
            tables["wav.scp"].write(f"{recording} {wavs.pop()}\n")
        for name in ("wav.scp", "text", "segments"):
            (path / name).unlink(missing_ok=True)


def _write_utterances(
    path: Path, rows: Spill, tables: dict[str, IO[str]], speakers: Spill, recordings: Spill
) -> None:
    """Write the tables with a line for each utterance, and collect those of the other two."""
    total, before, known = 0, None, None
    lacking: dict[str, list] = {"transcript": [0, ""], "times": [0, ""]}  # how many, the first
    texts, segments = tables.get("text"), tables.get("segments")
    for utt, speaker, recording, wav, dur_sec, text, start_sec, end_sec in rows:
        if utt == before:
            raise UserError(f"{path}: {utt} would occur twice; ids must be unique")
        before = utt
        total += 1
        tables["utt2spk"].write(f"{utt} {speaker}\n")
        tables["utt2dur"].write(f"{utt} {dur_sec:.4f}\n")
        for what, value in (("transcript", text), ("times", start_sec)):
            if value is None:
                lacking[what][1] = lacking[what][1] or utt
                lacking[what][0] += 1
        if texts and text is not None:
            texts.write(f"{utt} {text}\n" if text else f"{utt}\n")
        if segments and start_sec is not None:
            segments.write(f"{utt} {recording} {start_sec:.3f} {end_sec:.3f}\n")
        speakers.add((speaker, utt))
        if (recording, wav) != known:
            known = (recording, wav)
            recordings.add(known)
    for what, (count, first) in lacking.items():
        if 0 < count < total:
            raise UserError(
                f"{path}: {count} of {total} utterances have no {what}; first: {first}; "
                "leave them out, or write them to a set of their own"
            )
