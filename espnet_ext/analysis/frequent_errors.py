"""Which words came out as which, most frequent first: as wav2vec 2.0, Table 11."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from espnet_ext.analysis.material import Material
from espnet_ext.analysis.page import Block, Heading, Table, Text
from espnet_ext.analysis.runs import Run

SHOWN = 10
NOTE = """\
Of each test set, the run with the lowest error rate on it: what came out in place of what, then
what was left out (→ –) and put in (– →) most often; in brackets how many times.
"""


def read_ops(path: Path) -> dict[str, list[tuple[str, str, int]]]:
    """kind -> (reference, hypothesis, count), most frequent first, of Kaldi's `ops`.

    Raises:
        OSError: no such file. ValueError: a line that is not `kind ref hyp count`.
    """
    kinds: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        # substitution               THE                  A     3
        kind, ref, hyp, count = line.split()
        kinds[kind].append((ref, hyp, int(count)))
    for rows in kinds.values():
        rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return kinds


def column(ops: dict[str, list[tuple[str, str, int]]]) -> list[str]:
    """SHOWN substitutions, then the words most often left out, then put in; empty where no more."""
    ops = {k: [(_plain(r), _plain(h), n) for r, h, n in rows] for k, rows in ops.items()}
    changed = [f"{ref} → {hyp} ({count})" for ref, hyp, count in ops.get("substitution", [])]
    cells = [*changed[:SHOWN], *[""] * (SHOWN - len(changed))]
    lost = [f"{ref} → – ({count})" for ref, _, count in ops.get("deletion", [])[:3]]
    added = [f"– → {hyp} ({count})" for _, hyp, count in ops.get("insertion", [])[:3]]
    return [*cells, ", ".join(lost), ", ".join(added)]


def _plain(word: str) -> str:
    """`<unk>` is no HTML."""
    return word.replace("<", "\\<")


def section(material: Material) -> list[Block]:
    """A column for each test set."""
    best: dict[str, tuple[int, Run]] = {}
    for number, run in enumerate(material.found.runs, 1):
        if run.score.percent is None or not (run.score_dir / "ops").is_file():
            continue
        known = best.get(run.test_set)
        if known is None or run.score.percent < known[1].score.percent:
            best[run.test_set] = (number, run)
    if not best:
        return []
    head = [f"{test_set} (run {number})" for test_set, (number, _) in best.items()]
    try:
        columns = [column(read_ops(run.score_dir / "ops")) for _, run in best.values()]
    except ValueError as err:
        material.extras.notes.append(f"frequent errors: {err}")
        return []
    rows = [list(row) for row in zip(*columns, strict=True) if any(row)]
    return [Heading("Most frequent errors"), Table(head, rows), Text(NOTE)]
