"""Which words came out as which, most frequent first: as wav2vec 2.0, Table 11."""

from __future__ import annotations

from espnet_ext.analysis.material import Material
from espnet_ext.analysis.page import Block, Heading, Table, Text
from espnet_ext.analysis.runs import Run
from espnet_ext.config import UserError
from espnet_ext.score.confusions import Confusion, most_frequent

SHOWN, OTHERS = 10, 3  # substitutions; deletions and insertions
NOTE = """\
Of each test set, the run with the lowest error rate on it: what came out in place of what, then
what was left out (→ –) and put in (– →) most often; in brackets how many times.
"""


def column(errors: dict[str, list[Confusion]]) -> list[str]:
    """SHOWN cells of substitutions, empty where no more, one of deletions, one of insertions."""
    cells = [_cell(error) for error in errors["substitution"][:SHOWN]]
    cells += [""] * (SHOWN - len(cells))
    rest = (errors["deletion"], errors["insertion"])
    return cells + [", ".join(map(_cell, kind[:OTHERS])) for kind in rest]


def _cell(error: Confusion) -> str:
    # a word such as <unk> is no HTML
    ref, hyp = (word.replace("<", "\\<") or "–" for word in (error.ref, error.hyp))
    return f"{ref} → {hyp} ({error.count})"


def section(material: Material) -> list[Block]:
    """A column for each test set."""
    best: dict[str, tuple[int, Run]] = {}
    for number, run in enumerate(material.found.runs, 1):
        if run.score.percent is None or not (run.score_dir / "ops").is_file():
            continue
        known = best.get(run.test_set)
        if known is None or run.score.percent < known[1].score.percent:
            best[run.test_set] = (number, run)
    columns = {}
    for test_set, (number, run) in best.items():
        try:
            columns[f"{test_set} (run {number})"] = column(most_frequent(run.score_dir, SHOWN))
        except UserError as err:
            material.extras.notes.append(str(err))
    if not columns:
        return []
    rows = [list(row) for row in zip(*columns.values(), strict=True) if any(row)]
    return [Heading("Most frequent errors"), Table(list(columns), rows), Text(NOTE)]
