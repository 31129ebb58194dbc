"""What NIST's programs read: who said what, from when to when (stm), and what was heard (ctm).

    stm  ES2011a.Headset-0 A AMI_ES2011a_H00_FEE041 34.270 37.140 HERE WE GO
    ctm  ES2011a.Headset-0 A 34.270 0.957 HERE

A recogniser without word times gets them as Kaldi's and ESPnet's users expect: the words of an
utterance are spread evenly over its segment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.score.kaldi_files import Vocabulary, read_text

Place = tuple[str, str]
"""File and channel, as in both kinds of file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Where an utterance lies in its recording."""

    place: Place
    start_sec: float
    end_sec: float


def read_words(path: Path) -> dict[str, list[str]]:
    """First field of each line -> the others. Faults as in `kaldi_files.read_text`."""
    vocabulary = Vocabulary()
    rows = read_text(path, vocabulary)
    words = vocabulary.words()
    return {key: [words[i] for i in ids] for key, ids in rows.items()}


def read_segments(data: Path) -> dict[str, Segment]:
    """Utterance -> segment, from `segments`, or `utt2dur` where utterances are whole recordings.

    File and channel come from `reco2file_and_channel`; without it they are the recording and `A`.

    Raises:
        UserError: a table is missing or malformed.
    """
    places: dict[str, list[str]] = {}
    if (data / "reco2file_and_channel").exists():
        places = read_words(data / "reco2file_and_channel")
    table = data / ("segments" if (data / "segments").exists() else "utt2dur")
    segments = {}
    for utt, row in read_words(table).items():
        row = [utt, "0", *row] if table.name == "utt2dur" else row
        place = tuple(places.get(row[0], (row[0], "A")))
        try:
            start_sec, end_sec = float(row[1]), float(row[2])
            file, channel = place
        except (IndexError, ValueError):
            raise UserError(
                f"{table}: {utt} has no file, start and end; run stage 1 again"
            ) from None
        segments[utt] = Segment((file, channel), start_sec, end_sec)
    return segments


def ctm_lines(
    hyps: dict[str, list[str]],
    segments: dict[str, Segment],
    filter_words: Callable[[list[str]], list[str]] = list,
) -> list[str]:
    """Lines sorted by file, channel and time.

    `filter_words` maps a word (alone in a list) to those that are scored in its place; they share
    its time.
    """
    rows = []
    for utt, words in hyps.items():
        segment = segments[utt]
        each_sec = (segment.end_sec - segment.start_sec) / max(1, len(words))
        for i, word in enumerate(words):
            begin_sec = segment.start_sec + i * each_sec
            parts = filter_words([word])
            dur_sec = each_sec / max(1, len(parts))
            rows += [
                (*segment.place, begin_sec + k * dur_sec, dur_sec, part)
                for k, part in enumerate(parts)
            ]
    rows.sort(key=lambda row: row[:3])
    return [f"{f} {c} {start:.3f} {dur:.3f} {word}\n" for f, c, start, dur, word in rows]


def stm_lines(
    data: Path, segments: dict[str, Segment], filter_words: Callable[[list[str]], list[str]] = list
) -> list[str]:
    """The lines of DATA/stm, or, where there is none, of its text, segments and utt2spk.

    Raises:
        UserError: a line of the stm that cannot be read (`file:line`); no speaker or segment.
    """
    path = data / "stm"
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
        return [
            f"{' '.join([*head, *filter_words(words)])}\n"
            for head, words in (_split(line, f"{path}:{n}") for n, line in enumerate(lines, 1))
            if head
        ]
    speakers = read_words(data / "utt2spk")
    rows = []
    for utt, words in read_words(data / "text").items():
        if utt not in segments or utt not in speakers:
            raise UserError(f"{data}: {utt} has no segment or speaker; validate_data_dir {data}")
        segment = segments[utt]
        rows.append((segment, speakers[utt][0], filter_words(words)))
    rows.sort(key=lambda row: (row[0].place, row[0].start_sec))
    return [
        f"{' '.join(s.place)} {speaker} {s.start_sec:.3f} {s.end_sec:.3f} {' '.join(words)}\n"
        for s, speaker, words in rows
    ]


def _split(line: str, where: str) -> tuple[list[str], list[str]]:
    """File, channel, speaker, start, end and perhaps <label>; then the words. Comments: nothing."""
    fields = line.split()
    if not fields or fields[0].startswith(";;"):
        return [], []
    try:
        _, _, _, start, end = fields[:5]
        valid = float(start) <= float(end)
    except ValueError:
        valid = False
    if not valid:
        raise UserError(f"{where}: expected `file channel speaker start end words`; mend the line")
    n_head = 6 if len(fields) > 5 and fields[5][0] + fields[5][-1] == "<>" else 5
    return fields[:n_head], fields[n_head:]


def spans(stm: Iterable[str]) -> dict[Place, list[tuple[float, float, str]]]:
    """Start, end and speaker of each line, by file and channel, sorted."""
    found = defaultdict(list)
    for line in stm:
        file, channel, speaker, start, end = line.split()[:5]
        found[file, channel].append((float(start), float(end), speaker))
    return {place: sorted(rows) for place, rows in found.items()}


def overlaps(stm: Iterable[str]) -> bool:
    """Do two speakers talk at once anywhere?"""
    for rows in spans(stm).values():
        latest_sec = -1.0
        for start_sec, end_sec, _ in rows:
            if start_sec < latest_sec:
                return True
            latest_sec = max(latest_sec, end_sec)
    return False


def check_covered(
    stm: Sequence[str], hyps: Iterable[str], segments: dict[str, Segment], data: Path
) -> None:
    """Every utterance must lie within a line of the stm: its words would be lost, or insertions.

    Raises:
        UserError: how many do not, and the first.
    """
    rows_at = spans(stm)
    outside = []
    for utt in hyps:
        segment = segments.get(utt)
        rows = rows_at.get(segment.place, []) if segment else []
        if not any(start < segment.end_sec and end > segment.start_sec for start, end, _ in rows):
            outside.append(utt)
    if outside:
        raise UserError(
            f"{data}/stm: {len(outside)} utterances lie in none of its lines; first: {outside[0]}; "
            "are hypotheses and stm of the same set? run stage 1 again"
        )
