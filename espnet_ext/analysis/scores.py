"""What a scoring directory says: the lines of `wer`, and the counts of `per_utt`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# %WER 72.27 [ 159 / 220, 6 ins, 58 del, 95 sub ]
WER_LINE = re.compile(
    r"^%(?P<metric>WER|PER|CER)\s+(?P<percent>[\d.]+|undefined)\s+"
    r"\[ (?P<errors>\d+) / (?P<words>\d+), \d+ ins, \d+ del, \d+ sub \](?P<rest>.*)$"
)
# %SER 88.89 [ 56 / 63 ]
SER_LINE = re.compile(r"^%SER\s+(?P<percent>[\d.]+|undefined)\s+\[ \d+ / \d+ \]")
# # 95% bootstrap interval [ 9.10, 15.77 ], 10000 resamples of utterances, seed 1
INTERVAL_LINE = re.compile(r"^# 95% bootstrap interval \[ (?P<low>[\d.]+), (?P<high>[\d.]+) \]")
# # asclite of NIST's sctk, rules: ami, glm: data/eval_sdm/glm
NIST_LINE = re.compile(r"^# (?P<tool>\w+) of NIST's sctk, rules: (?P<rules>\w+)")
# en-allison-added #csid 4 1 0 0
COUNTS_LINE = re.compile(r"^(?P<utt>\S+)\s+#csid\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$")


@dataclass(frozen=True)
class Score:
    """Figures stay the text that scoring wrote; `interval` is (low, high), or None if not given.

    `metric`: WER, PER or CER; where it says `wer`, such a rate is meant.
    """

    line: str
    wer: str
    errors: int
    words: int
    ser: str | None
    interval: tuple[str, str] | None
    metric: str = "WER"

    @property
    def percent(self) -> float | None:
        """None without reference words."""
        return 100 * self.errors / self.words if self.words else None


def read_score(wer_file: Path) -> Score:
    """Parse `score_wer/wer`, or `per` and `cer` of the same form.

    Raises:
        ValueError: no `%WER … [ e / n, i ins, d del, s sub ]` line in it. OSError: no such file.
    """
    lines = wer_file.read_text(encoding="utf-8").splitlines()
    wer = next((m for m in map(WER_LINE.match, lines) if m), None)
    if wer is None:
        raise ValueError("no `%WER … [ e / n, i ins, d del, s sub ]` line in it")
    ser = next((m for m in map(SER_LINE.match, lines) if m), None)
    interval = next((m for m in map(INTERVAL_LINE.match, lines) if m), None)
    return Score(
        line=wer.group(0).strip(),
        wer=wer["percent"],
        errors=int(wer["errors"]),
        words=int(wer["words"]),
        ser=ser["percent"] if ser else None,
        interval=(interval["low"], interval["high"]) if interval else None,
        metric=wer["metric"],
    )


@dataclass(frozen=True)
class NistScore:
    """What sclite or asclite made of the same hypotheses; `rules` say what was left out before."""

    line: str
    wer: str
    tool: str
    rules: str


def read_nist(wer_file: Path) -> NistScore | None:
    """Parse `score_nist/wer`; None where it was not scored so.

    Raises:
        ValueError: not what `score_nist` writes.
    """
    if not wer_file.exists():
        return None
    score = read_score(wer_file)
    lines = wer_file.read_text(encoding="utf-8").splitlines()
    made = next((m for m in map(NIST_LINE.match, lines) if m), None)
    if made is None:
        raise ValueError("no `# TOOL of NIST's sctk, rules: …` line in it")
    return NistScore(score.line, score.wer, made["tool"], made["rules"])


def read_counts(per_utt: Path) -> dict[str, tuple[int, int]]:
    """utterance -> (errors, reference words), from the `#csid` lines of a Kaldi `per_utt`.

    Raises:
        OSError: no such file. ValueError: no such line in it.
    """
    counts = {}
    for line in per_utt.read_text(encoding="utf-8").splitlines():
        if match := COUNTS_LINE.match(line):
            correct, substituted, inserted, deleted = (int(match[i]) for i in range(2, 6))
            counts[match["utt"]] = (
                substituted + inserted + deleted,
                correct + substituted + deleted,
            )
    if not counts:
        raise ValueError("no `utt #csid c s i d` line in it")
    return counts


def pooled_counts(counts_of_seeds: list[dict[str, tuple[int, int]]]) -> np.ndarray:
    """(errors, words) of each utterance, added over seeds, (U, 2).

    Their rate is the WER meant over seeds. Drawing utterances from them tells how far that mean
    would move on another test set for these trained models, not how far another seed would move it.

    Raises:
        ValueError: the seeds were not scored on the same utterances.
    """
    utts = sorted(counts_of_seeds[0])
    if any(sorted(counts) != utts for counts in counts_of_seeds):
        raise ValueError("the seeds were scored on different utterances")
    return np.array([[counts[utt] for utt in utts] for counts in counts_of_seeds]).sum(0)
