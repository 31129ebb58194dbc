"""What the sections of a report are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from espnet_ext.analysis.confidence_spread import Spread
from espnet_ext.analysis.page import Block, Picture
from espnet_ext.analysis.published import Published
from espnet_ext.analysis.runs import Found, SeedSummary

UNKNOWN = "not recorded"


@dataclass(frozen=True)
class Extras:
    """What comes beside the runs. `notes`: what could not be drawn or summed up, and why."""

    summaries: list[SeedSummary] = field(default_factory=list)
    comparisons: list[Picture] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    spreads: dict[str, Spread] = field(default_factory=dict)  # of the confidence streams, by set
    notes: list[str] = field(default_factory=list)
    learnt: list[Block] = field(default_factory=list)  # see learning.py
    errors: list[Block] = field(default_factory=list)  # see frequent_errors.py


@dataclass(frozen=True)
class Material:
    """All that a section may read.

    Attributes:
        workdir: the folder of data/ dump/ exp/.
        recipe: `librispeech`, of egs2/librispeech/ssl1.
        published: None where no conf/published.yaml was found.
    """

    found: Found
    workdir: Path
    extras: Extras
    recipe: str = ""
    published: Published | None = None


def relative(text: str, workdir: Path) -> str:
    """Paths as seen from the recipe: where a checkout lies on one machine concerns nobody."""
    folders = {str(workdir.resolve()): "", str(workdir): ""}
    for parent in workdir.resolve().parents:
        if (parent / ".git").exists():
            folders[str(parent)] = "CHECKOUT/"
    for folder in sorted(folders, key=len, reverse=True):
        if folder not in (".", "/"):
            text = text.replace(folder + "/", folders[folder])
    return text
