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
from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError, atomic_write


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


def spk2utt_rows(utt2spk: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Turn (utterance, speaker) pairs into (speaker, "utterance utterance …") rows."""
    by_speaker: dict[str, list[str]] = {}
    for utt, speaker in utt2spk:
        by_speaker.setdefault(speaker, []).append(utt)
    return [(speaker, " ".join(sorted(utts))) for speaker, utts in by_speaker.items()]


def write_data_dir(path: str | Path, utts: Iterable[Utterance]) -> None:
    """Write a whole data directory; `text` and `segments` only where the utterances have them.

    wav.scp comes last, and goes first where an older one is there: its presence means that the
    directory is whole, also after a killed run.

    Raises:
        UserError: no utterance at all, a duplicated id, or a transcript for some utterances only.
    """
    path = Path(path)
    utts = list(utts)
    if not utts:
        raise UserError(f"{path}: no utterance is left; check the corpus and the lists")
    without = [utt.utt for utt in utts if utt.text is None]
    if 0 < len(without) < len(utts):
        raise UserError(
            f"{path}: {len(without)} of {len(utts)} utterances have no transcript; "
            f"first: {without[0]}; leave them out, or write them to an unlabelled set"
        )
    path.mkdir(parents=True, exist_ok=True)
    (path / "wav.scp").unlink(missing_ok=True)
    if without:
        (path / "text").unlink(missing_ok=True)
    else:
        write_table(path / "text", ((utt.utt, utt.text or "") for utt in utts))
    if any(utt.start_sec is not None for utt in utts):
        write_table(
            path / "segments",
            ((u.utt, f"{u.recording} {u.start_sec:.3f} {u.end_sec:.3f}") for u in utts),
        )
    else:
        (path / "segments").unlink(missing_ok=True)
    speakers = [(utt.utt, utt.speaker) for utt in utts]
    write_table(path / "utt2spk", speakers)
    write_table(path / "spk2utt", spk2utt_rows(speakers))
    write_table(path / "utt2dur", ((utt.utt, f"{utt.dur_sec:.4f}") for utt in utts))
    wavs = {utt.recording or utt.utt: utt.wav for utt in utts}
    if len(wavs) < len(utts) and not (path / "segments").exists():
        raise UserError(f"{path}: an utterance id occurs twice; ids must be unique")
    write_table(path / "wav.scp", wavs.items())
