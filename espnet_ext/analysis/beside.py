"""Our scores beside the published ones: same conf, set and condition, or why not comparable."""

from __future__ import annotations

from dataclasses import dataclass, field

from espnet_ext.analysis.decoding import language_model
from espnet_ext.analysis.material import Material
from espnet_ext.analysis.page import Block, Bullets, Heading, Table, Text
from espnet_ext.analysis.published import NONE, NOT_STATED, Published, Recipe, Value
from espnet_ext.analysis.runs import Run

NOT_RUN = "not run here"
# of the published pre-training, not of the score: rows that differ in these alone are one
OF_PRETRAINING = {"updates", "batch_minutes"}
NOTE = """\
Published error rates in %, and after · ours, with its run's number. Ours is put to the published
row that is nearest in labels, LM and data; the last column says what keeps the two from being
compared. `?`: the number is uncertain; below the tables it is said why.
"""
NO_CONF = """\
No conf of this recipe is to reproduce a published score.
"""
ORIENTATION = """\
For orientation, on the same corpus under conditions of their own; none was run here.
"""
NOTHING = """\
Nobody has published a score on this corpus: there is nothing to put beside ours.
"""


@dataclass
class Row:
    """A published condition, which several tables may have, and our runs that come nearest."""

    head: Value  # any of its values
    values: dict[str, list[Value]] = field(default_factory=dict)  # by published name of the set
    runs: dict[str, list[tuple[int, Run, list[str]]]] = field(default_factory=dict)

    @property
    def further(self) -> str:
        return ", ".join(f"{k} {v}" for k, v in self.head.others if k not in OF_PRETRAINING)

    @property
    def label(self) -> str:
        return f"{self.head.model} ({self.further})" if self.further else self.head.model


def rows_of(values: list[Value]) -> list[Row]:
    """Values of one condition together, in the order of the tables."""
    rows: dict[tuple, Row] = {}
    for value in values:
        others = tuple(pair for pair in value.others if pair[0] not in OF_PRETRAINING)
        condition = (value.model, value.labelled, value.unlabelled, value.lm, value.metric, others)
        row = rows.setdefault(condition, Row(value))
        row.values.setdefault(value.test_set, []).append(value)
    return list(rows.values())


def in_order(rows: list[Row], published: Published) -> list[Row]:
    """By amount of labels, as the file lists these, then no LM, n-gram, neural LM."""
    amounts = list(published.data_dirs)

    def rank(row: Row) -> tuple:
        known = row.head.labelled in amounts
        amount = amounts.index(row.head.labelled) if known else len(amounts)
        return amount, row.head.lm != NONE, row.head.lm[:1].isalpha(), row.head.lm

    return sorted(rows, key=rank)


def differences(run: Run, row: Row, test_set: str, published: Published) -> list[str]:
    """In what a run differs from a published row; empty if in nothing that is told.

    Args:
        test_set: the published name of the run's set.
    """
    reasons = []
    for what, ours, theirs in (
        ("labels", run.asr.sets, row.head.labelled),
        ("unlabelled", run.start.ssl.sets if run.start.ssl else [], row.head.unlabelled),
    ):
        if theirs == NOT_STATED:
            reasons.append(f"{what} not stated there")
        elif not set(ours) & set(published.data_dirs.get(theirs, [theirs])):
            reasons.append(f"{what} {' + '.join(ours) or NONE}, there {theirs}")
    reasons += _lm_difference(language_model(run), row.head.lm)
    words = published.reference_words.get(test_set)
    if words and words != run.score.words:
        reasons.append(f"another test set: {run.score.words:,} words of {words:,}")
    if row.head.metric != run.score.metric:
        reasons.append(f"{run.score.metric}, there {row.head.metric}")
    if "[PARTIAL]" in run.score.line:
        reasons.append("hypotheses missing")
    epochs = run.start.ssl.config.get("max_epoch") if run.start.ssl else None
    if epochs and run.start.epoch and run.start.epoch < epochs:
        reasons.append(f"pre-training at epoch {run.start.epoch} of {epochs}")
    return reasons


def _lm_difference(ours: str | None, theirs: str) -> list[str]:
    if theirs == NOT_STATED:
        return ["LM not stated there"]
    if ours is None:
        return [f"LM not recorded, there {theirs}"]
    return [] if ours == theirs else [f"{'no LM' if ours == NONE else ours}, there {theirs}"]


def place(runs: list[Run], rows: dict[str, list[Row]], material: Material) -> list[int]:
    """Put each run to the nearest row of its conf that has a value on its set.

    Args:
        rows: conf -> its published rows.

    Returns:
        Numbers of the runs that have no such row.
    """
    published = material.published
    names = {ours: name for name, ours in recipe_of(material).sets.items() if ours}
    unplaced = []
    for number, run in enumerate(runs, 1):
        test_set = names.get(run.test_set, "")
        near = [
            (differences(run, row, test_set, published), row)
            for row in rows.get(run.ssl_conf, [])
            if test_set in row.values
        ]
        if not near:
            unplaced.append(number)
            continue
        reasons, row = min(near, key=lambda pair: len(pair[0]))
        row.runs.setdefault(test_set, []).append((number, run, reasons))
    return unplaced


def recipe_of(material: Material) -> Recipe:
    """What the published results have for this recipe; nothing where they know it not."""
    return material.published.recipes.get(material.recipe, Recipe({}, []))


def section(material: Material) -> list[Block]:
    """A table for each conf with published values, then other systems, then what is doubtful."""
    published = material.published
    if published is None:
        return []
    heading = Heading("Beside published values")
    own = {
        conf.partition("/")[2]: in_order(rows_of(published.of_conf(conf)), published)
        for conf in published.confs
        if conf.partition("/")[0] == material.recipe
    }
    others = orientation(material)
    if not own and not others:
        return [heading, Text(NOTHING)]
    unplaced = place(material.found.runs, own, material)
    blocks: list[Block] = [heading, Text(NOTE if own else NO_CONF)]
    shown = [value for conf in own for value in published.of_conf(f"{material.recipe}/{conf}")]
    for conf, rows in own.items():
        blocks += [Text(f"**{conf}**: {_whose(rows, published)}"), conf_table(rows)]
    if unplaced:
        listed = ", ".join(map(str, unplaced))
        blocks.append(Text(f"No published value for the conf and set of: run {listed}."))
    if others:
        blocks += [
            Heading("Other systems", 3),
            Text(ORIENTATION),
            orientation_table(others, published),
        ]
    return [*blocks, *_remarks([*shown, *others], published)]


def _whose(rows: list[Row], published: Published) -> str:
    """`w2v-BERT-XL, unlabelled LL-60k (Ask2Mask, Table 2)`"""
    models = dict.fromkeys(f"{row.head.model}, unlabelled {row.head.unlabelled}" for row in rows)
    values = [value for row in rows for vs in row.values.values() for value in vs]
    return f"{'; '.join(models)} ({published.sources(values)})"


def conf_table(rows: list[Row]) -> Table:
    """A row for each condition, a column for each set."""
    sets = list(dict.fromkeys(test_set for row in rows for test_set in row.values))
    with_further = any(row.further for row in rows)
    head = ["labelled", *(["further"] if with_further else []), "LM", *sets, "here"]
    table = []
    for row in rows:
        metric = f" ({row.head.metric})" if row.head.metric != "WER" else ""
        table.append(
            [
                row.head.labelled + metric,
                *([row.further] if with_further else []),
                row.head.lm,
                *[cell(row, test_set) for test_set in sets],
                here(row),
            ]
        )
    return Table(head, table)


def cell(row: Row, test_set: str) -> str:
    """`9.0`, `9.0 or 8.9` where papers differ, `9.0 · **9.4** (3)` with ours of run 3; `9.0 ·
    **9.4**, sclite **9.2** (3)` where NIST's program scored it, too."""
    figures = dict.fromkeys(_figure(value) for value in row.values.get(test_set, []))
    text = " or ".join(figures) or "–"
    ours = [f"{_rates(run)} ({number})" for number, run, _ in row.runs.get(test_set, [])]
    return " · ".join([text, *ours])


def _rates(run: Run) -> str:
    nist = f", {run.nist.tool} **{run.nist.wer}**" if run.nist else ""
    return f"**{run.score.wer}**{nist}"


def _figure(value: Value) -> str:
    return value.figure + ("?" if value.doubt else "")


def here(row: Row) -> str:
    """`not run here`, `same condition`, or what differs, run by run."""
    found: dict[str, list[int]] = {}
    for runs in row.runs.values():
        for number, _, reasons in runs:
            found.setdefault("; ".join(reasons) or "same condition", []).append(number)
    if not found:
        return NOT_RUN
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"run {', '.join(map(str, n))}: {why}" for why, n in found.items())


def orientation(material: Material) -> list[Value]:
    """Values of the recipe's papers for orientation on its sets, less those of its own confs."""
    recipe = recipe_of(material)
    confs = [c for c in material.published.confs if c.partition("/")[0] == material.recipe]
    own = {value for conf in confs for value in material.published.of_conf(conf)}
    return [
        value
        for paper in recipe.orientation
        for value in material.published.values
        if value.paper == paper and value.test_set in recipe.sets and value not in own
    ]


def orientation_table(values: list[Value], published: Published) -> Table:
    """A row for each system and condition, a column for each set."""
    rows: dict[tuple, Row] = {}
    for value in values:
        condition = value.identity[:2] + value.identity[3:]  # all but the set
        row = rows.setdefault(condition, Row(value))
        row.values.setdefault(value.test_set, []).append(value)
    sets = list(dict.fromkeys(value.test_set for value in values))
    head = ["system", "labelled", "LM", *sets, "source"]
    return Table(
        head,
        [
            [
                row.label,
                row.head.labelled,
                row.head.lm,
                *[cell(row, test_set) for test_set in sets],
                published.source(row.head),
            ]
            for row in rows.values()
        ],
    )


def _remarks(values: list[Value], published: Published) -> list[Block]:
    """Why numbers are uncertain, and the notes to the tables that were used."""
    items = []
    for paper, table in dict.fromkeys((value.paper, value.table) for value in values):
        of_table = [v for v in values if (v.paper, v.table) == (paper, table)]
        doubts = dict.fromkeys(v.doubt for v in of_table if v.doubt)
        source = published.source(of_table[0])
        items += [f"{source}: uncertain: {doubt}" for doubt in doubts]
        items += [f"{source}: {note}" for note in published.notes[paper, table]]
    return [Text("To the sources:"), Bullets(items)] if items else []
