"""Which words came out as which, most frequent first: as wav2vec 2.0, Table 11."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from espnet_ext.analysis.page import Block, Heading, Table, Text
from espnet_ext.analysis.runs import Run
from espnet_ext.config import UserError

SHOWN, OTHERS = 10, 3  # substitutions; deletions and insertions
NOTE = """\
Of each test set, the run with the lowest error rate on it: what came out in place of what, then
what was left out (→ –) and put in (– →) most often; in brackets how many times.
"""


class Confusion(Protocol):
    """How often `ref` came out as `hyp`; empty where a word was put in or left out."""

    ref: str
    hyp: str
    count: int


Errors = Mapping[str, Sequence[Confusion]]  # kind -> most frequent first


def column(errors: Errors) -> list[str]:
    """SHOWN cells of substitutions, empty where no more, one of deletions, one of insertions."""
    cells = [_cell(error) for error in errors["substitution"][:SHOWN]]
    cells += [""] * (SHOWN - len(cells))
    rest = (errors["deletion"], errors["insertion"])
    return cells + [", ".join(map(_cell, kind[:OTHERS])) for kind in rest]


def _cell(error: Confusion) -> str:
    # a word such as <unk> is no HTML
    ref, hyp = (word.replace("<", "\\<") or "–" for word in (error.ref, error.hyp))
    return f"{ref} → {hyp} ({error.count})"


def blocks(runs: list[Run], read: Callable[[Path, int], Errors], notes: list[str]) -> list[Block]:
    """A column for each test set.

    Args:
        read: the most frequent errors of each kind, from a score directory.
        notes: what could not be read is added here.
    """
    best: dict[str, tuple[int, Run]] = {}
    for number, run in enumerate(runs, 1):
        if run.score.percent is None or not (run.score_dir / "ops").is_file():
            continue
        known = best.get(run.test_set)
        if known is None or run.score.percent < known[1].score.percent:
            best[run.test_set] = (number, run)
    columns = {}
    for test_set, (number, run) in best.items():
        try:
            columns[f"{test_set} (run {number})"] = column(read(run.score_dir, SHOWN))
        except UserError as err:
            notes.append(str(err))
    if not columns:
        return []
    rows = [list(row) for row in zip(*columns.values(), strict=True) if any(row)]
    return [Heading("Most frequent errors"), Table(list(columns), rows), Text(NOTE)]
