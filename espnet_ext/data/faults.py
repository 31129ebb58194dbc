"""Every kind of fault that a data directory can have, and the line that tells the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

# kind: (what is counted, what was expected, how to mend it). `{}` is filled per directory.
KINDS = {
    "missing": ("no such file", "the file", "rerun data preparation{}"),
    "empty": ("an empty file", "at least one line", "rerun data preparation"),
    "encoding": ("lines that are not UTF-8", "UTF-8", "convert it with iconv"),
    "nul": (
        "lines with NUL bytes, as a crash of the machine leaves them",
        "text",
        "rerun data preparation",
    ),
    "crlf": ("lines with Windows line ends", "\\n alone", "run dos2unix"),
    "whitespace": (
        "lines with tabs, doubled, leading or trailing spaces",
        "single spaces",
        "rewrite the file with single spaces",
    ),
    "cut_off": (
        "a last line without its end",
        "a line end after the last line",
        "write the file again",
    ),
    "columns": ("lines with a wrong number of columns", "{}", "correct the lines"),
    "number": ("lines with something that is no number", "{}", "correct the lines"),
    "odd_id": (
        "ids with odd characters",
        "ASCII letters, digits and . _ @ + = -",
        "rename them in every file of the directory",
    ),
    "unsorted": ("lines out of order", "C-locale order by id", "LC_ALL=C sort -k1,1 -o FILE FILE"),
    "duplicate": ("duplicated ids", "each id once", "remove or rename the copies"),
    "no_audio": ("ids without audio", "each id in {}", "remove them or add the audio"),
    "no_row": (
        "utterances of {} that have no line here",
        "every utterance",
        "add or leave them out",
    ),
    "empty_text": ("empty transcripts", "words after the id", "transcribe or leave them out"),
    "spk2utt": ("entries that disagree with utt2spk", "utt2spk inverted", "derive it anew"),
    "prefix": ("utterance ids that do not begin with their speaker", "speaker first", "rename"),
    "no_recording": ("segments of unknown recordings", "one of wav.scp", "add the audio"),
    "order": (
        "segments that do not start at 0 or later and end after that",
        "0 <= start < end",
        "correct the times",
    ),
    "past_end": (
        "segments past the end of their recording",
        "an end within it",
        "correct the times",
    ),
    "pipe": (
        "shell commands in place of files",
        "audio files",
        "pass --allow_pipes true if you trust them",
    ),
    "audio_missing": ("audio files that do not exist", "a file", "correct the path or fetch it"),
    "audio_empty": ("empty audio files", "samples", "fetch them again or leave them out"),
    "audio_unreadable": ("unreadable audio files", "wav, flac, sph or mp3", "convert them to flac"),
    "audio_truncated": ("truncated audio files", "all that the header says", "fetch them again"),
    "rate": ("audio files at another sample rate", "{}", "resample them or pass --sample_rate"),
    "channels": ("audio files with several channels", "one channel", "mix or pick one"),
    "no_length": ("durations that are not above 0", "seconds", "derive it anew"),
    "duration": (
        "durations that disagree with the audio by over 20 ms",
        "the audio's",
        "derive it anew",
    ),
}
WARNINGS = {"prefix"}


@dataclass
class Fault:
    """One kind of fault in one file: how often, and the first."""

    path: Path
    kind: str
    line: int | None
    example: str
    fill: str
    count: int = 1

    def __str__(self) -> str:
        what, expected, mend = (part.replace("{}", self.fill) for part in KINDS[self.kind])
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        first = f" ({self.count}); first: {self.example}" if self.example else ""
        return f"{where}: {what}{first}; expected {expected}; {mend}"


@dataclass
class Report:
    """All faults found so far; the first of each kind and file is kept, the rest are counted."""

    faults: dict[tuple[Path, str], Fault] = field(default_factory=dict)

    def add(
        self,
        path: Path,
        kind: str,
        line: int | None = None,
        example: str = "",
        fill: str = "",
        count: int = 1,
    ) -> None:
        """Count a fault of this kind; `fill` goes where its row of `KINDS` has `{}`."""
        known = self.faults.get((path, kind))
        if known:
            known.count += count
        else:
            self.faults[path, kind] = Fault(path, kind, line, example, fill, count)

    def lines(self, warnings: bool) -> list[str]:
        """One line per fault, or per warning."""
        return [str(f) for f in self.faults.values() if (f.kind in WARNINGS) == warnings]
