"""Scored runs: every `exp/asr_*/decode_*/<set>/score_wer/wer`, with all that made it.

Phones are scored in `score_per/per` or `score_wer/per` instead.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from espnet_ext.analysis.experiments import (
    IncompleteError,
    Start,
    Training,
    conf_in,
    read_marker,
    read_training,
    scorer_conf,
    start_of,
)
from espnet_ext.analysis.scores import (
    NistScore,
    Score,
    pooled_counts,
    read_counts,
    read_nist,
    read_score,
)


@dataclass(frozen=True)
class Run:
    """One decoding of one test set. `scorer` is "none" if not used, None if not known."""

    test_set: str
    folder: Path  # exp/asr_*/decode_*/<set>
    score: Score
    asr: Training
    start: Start
    scorer: str | None
    decode_conf: str
    nist: NistScore | None = None  # where score_nist scored the set, too

    @property
    def score_dir(self) -> Path:
        return score_file(self.folder).parent

    @property
    def asr_conf(self) -> str:
        return self.asr.conf(self.start.tag)

    @property
    def ssl_conf(self) -> str:
        return self.start.ssl.conf() if self.start.ssl else "none"

    @property
    def seeds(self) -> tuple[int, int]:
        """Of pre-training (-1: none) and of fine-tuning."""
        return (self.start.ssl.seed if self.start.ssl else -1, self.asr.seed)

    @property
    def configuration(self) -> tuple:
        """Equal for runs that differ in nothing but seeds; sorts scratch before pre-trained."""
        ssl = self.start.ssl
        return (
            self.test_set,
            self.asr_conf,
            "" if ssl is None else self.ssl_conf,
            -1 if self.start.epoch is None else self.start.epoch,
            self.decode_conf,
            self.scorer or "",
            self.asr.settings,
            "" if ssl is None else ssl.settings,
        )

    @property
    def order(self) -> tuple:
        return (*self.configuration, *self.seeds, str(self.folder))


@dataclass(frozen=True)
class SeedSummary:
    """Several seeds of one configuration: WER in percent; `interval` None if not to be had."""

    runs: list[Run]
    mean: float
    low: float
    high: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Found:
    """All that a report is made of. `complaints`: what was left out, and why."""

    runs: list[Run]
    trainings: dict[str, Training]
    complaints: list[str]

    @property
    def used(self) -> list[Training]:
        """The experiments behind the rows: scorers, then pre-trainings, then recognisers."""
        scorers = {run.scorer for run in self.runs}
        used = [run.asr for run in self.runs]
        used += [run.start.ssl for run in self.runs if run.start.ssl]
        used += [t for t in self.trainings.values() if t.kind == "scorer" and t.conf() in scorers]
        rank = {"scorer": 0, "ssl": 1, "asr": 2}
        once = {training.path: training for training in used}.values()
        return sorted(once, key=lambda t: (rank[t.kind], natural(t.name)))


def natural(text: str) -> list:
    """Sort key under which `x@8ep` stands before `x@12ep`."""
    return [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.split(r"(\d+)", text)]


def find(workdir: Path) -> Found:
    """Read every experiment and score below `workdir/exp`; order does not depend on the disk."""
    complaints: list[str] = []
    trainings: dict[str, Training] = {}
    folders = [f for kind in ("scorer", "ssl", "asr") for f in (workdir / "exp").glob(f"{kind}_*")]
    for folder in sorted(folders, key=lambda f: natural(f.name)):
        # exp/ssl_x@4ep is an early checkpoint of exp/ssl_x, lent to fine-tuning: no training
        if not folder.is_dir() or (folder.name.startswith("ssl_") and "@" in folder.name):
            continue
        try:
            trainings[folder.name] = read_training(folder)
        except IncompleteError as err:
            complaints.append(str(err))
    runs = []
    for asr in list(trainings.values()):  # pre-trainings of other recipes may join
        if asr.kind == "asr":
            found, missing = _runs_of(asr, trainings, workdir)
            runs += found
            complaints += missing
    return Found(sorted(runs, key=lambda run: run.order), trainings, complaints)


def _runs_of(
    asr: Training, trainings: dict[str, Training], workdir: Path
) -> tuple[list[Run], list[str]]:
    runs, complaints = [], []
    folders = sorted(f for f in asr.path.glob("decode_*/*") if f.is_dir() and f.name[0] != ".")
    if not folders:
        return [], [f"{asr.path}: not decoded"]
    try:
        start = start_of(asr, trainings)
    except IncompleteError as err:
        return [], [str(err)]
    scorer = scorer_conf(start.ssl, workdir) if start.ssl else "none"
    for folder in folders:
        wer_file = score_file(folder)
        try:
            score = read_score(wer_file)
        except (OSError, ValueError) as err:
            why = "missing" if isinstance(err, FileNotFoundError) else str(err)
            complaints.append(f"{wer_file}: {why}")
            continue
        decode_conf = conf_in(search_marker(folder.parent))
        decode_conf = decode_conf or folder.parent.name.removeprefix("decode_")
        try:
            nist = read_nist(folder / "score_nist/wer")
        except (OSError, ValueError) as err:
            complaints.append(f"{folder}/score_nist/wer: {err}")
            nist = None
        runs.append(Run(folder.name, folder, score, asr, start, scorer, decode_conf, nist))
    return runs, complaints


SCORE_FILES = ("score_wer/wer", "score_per/per", "score_wer/per")


def score_file(folder: Path) -> Path:
    """Where the score of a decoded set stands, or where it would be expected."""
    files = [folder / name for name in SCORE_FILES]
    return next((file for file in files if file.exists()), files[0])


def search_marker(decode_dir: Path) -> dict[str, Any]:
    """Marker of the stage that recognised the sets: `search`, in older experiments `decode`."""
    return read_marker(decode_dir, "search") or read_marker(decode_dir, "decode")


Bootstrap = Callable[[np.ndarray, np.ndarray], tuple[float, float] | None]


def over_seeds(runs: list[Run], bootstrap: Bootstrap) -> list[SeedSummary]:
    """A summary for every configuration that was run with more than one seed.

    Args:
        bootstrap: interval, in percent, from errors_U and words_U.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        if run.score.percent is not None:
            groups.setdefault(run.configuration, []).append(run)
    summaries = []
    for group in groups.values():
        if len({run.seeds for run in group}) < 2:
            continue
        wers = [run.score.percent for run in group]
        try:
            counts = [read_counts(run.score_dir / "per_utt") for run in group]
            interval = bootstrap(*pooled_counts(counts).T)
        except (OSError, ValueError):
            interval = None
        summaries.append(SeedSummary(group, statistics.fmean(wers), min(wers), max(wers), interval))
    return summaries


def stage_markers(workdir: Path) -> list[dict[str, Any]]:
    """Markers of the stages that no single experiment owns: data to confidences, and the report."""
    homes = [workdir / "data", *sorted((workdir / "data/token_list").glob("*"))]
    homes += [workdir / "dump", *sorted((workdir / "dump").glob("*"))]
    markers = []
    for home in homes:
        for file in sorted((home / ".done").glob("*.json")):
            if (marker := read_marker(home, file.stem)) and "seconds" in marker:
                markers.append(marker | {"home": home.relative_to(workdir).as_posix()})
    return sorted(markers, key=lambda m: (m.get("stage", 0), m["home"]))
