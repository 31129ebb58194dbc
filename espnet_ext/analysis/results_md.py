"""RESULTS.md as text: its sections in order, the hand-written block kept.

A new section is a function from `Material` to blocks (`page.py`), named in `SECTIONS` where it is
to stand; one that has nothing to say returns none. RESULTS.md and the HTML page then both have it.
"""

from __future__ import annotations

from collections.abc import Callable

from espnet_ext.analysis import beside, decoding, origin_tables, score_tables
from espnet_ext.analysis.confidence_spread import Spread
from espnet_ext.analysis.material import Material
from espnet_ext.analysis.page import Block, Heading, Table, Text, to_markdown
from espnet_ext.config import UserError

BEGIN, END = "<!-- by hand -->", "<!-- end by hand -->"

HEAD = """\
<!-- Written by `python -m espnet_ext.bin.report`; edits are lost, but for a block between
     `by hand` and `end by hand` comments, which is kept. -->
# Results
"""
CONFIDENCE_NOTE = """\
Effective starts: exp(H(p)) / T with p = s / Σs over the T frames of an utterance, meant over
utterances: the share of frames that a uniform draw with the same entropy would choose among. 100 %
is a uniform draw of the first span start; the lower, the more the confidence decides.
"""


def hand_block(text: str, name: str) -> str:
    """The block to keep, markers included; empty if there is none.

    Raises:
        UserError: one marker without the other, or several.
    """
    counts = text.count(BEGIN), text.count(END)
    if counts == (0, 0):
        return ""
    if counts != (1, 1) or text.index(BEGIN) > text.index(END):
        raise UserError(
            f"{name}: {counts[0]} x `{BEGIN}` and {counts[1]} x `{END}`; expected one of each, in "
            "this order; mend it, so that what you wrote is not lost"
        )
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def render(material: Material, kept: str = "") -> str:
    """The whole page, the overview first. Args: kept: see `hand_block`."""
    blocks: list[Block] = [Text(HEAD)]
    if kept:
        blocks.append(Text(kept + "\n"))
    return to_markdown([*blocks, *sections(material)])


def sections(material: Material) -> list[Block]:
    """All blocks below title and hand-written block."""
    return [block for section in SECTIONS for block in section(material)]


def confidence(material: Material) -> list[Block]:
    """How sharp the confidences are that guide the masks."""
    if not material.extras.spreads:
        return []
    table = spread_table(material.extras.spreads)
    return [Heading("Confidence stream"), table, Text(CONFIDENCE_NOTE)]


def learnt(material: Material) -> list[Block]:
    """Pre-trainings of equal compute beside each other."""
    return material.extras.learnt


def errors(material: Material) -> list[Block]:
    """Which words came out as which."""
    return list(material.extras.errors)


def pictures(material: Material) -> list[Block]:
    """Masks and learning curves."""
    return list(material.extras.pictures)


def spread_table(spreads: dict[str, Spread]) -> Table:
    """A row per set that has confidences."""
    head = ["set", "utterances", "frames", "mean", "standard deviation", "effective starts"]
    rows = [
        [
            name,
            str(s.utterances) + (f" ({s.silent} all zero)" if s.silent else ""),
            str(s.frames),
            f"{s.mean:.3f}",
            f"{s.std:.3f}",
            f"{100 * s.effective_share:.1f} % of frames",
        ]
        for name, s in spreads.items()
    ]
    return Table(head, rows)


SECTIONS: tuple[Callable[[Material], list[Block]], ...] = (
    score_tables.seeds,
    score_tables.runs,
    learnt,
    beside.section,
    decoding.section,
    errors,
    confidence,
    pictures,
    origin_tables.score_lines,
    origin_tables.provenance,
    origin_tables.left_out,
)
