"""What was learnt: pre-trainings of equal compute, fine-tuned and probed (a recipe's learn.sh).

A row ROW of it is what these folders hold, whichever of them there are:

    exp/ssl_learn_ROW                          the pre-training; none where it starts at random
    exp/asr_*_learn_ROW_seedN/decode_*/SET     CTC fine-tunings of it
    exp/probe_learn_ROW_seedN/decode_probe/SET linear probes of it, frozen
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from espnet_ext.analysis.experiments import IncompleteError, Training
from espnet_ext.analysis.page import Block, Heading, Picture, Table, Text
from espnet_ext.analysis.runs import Found, natural
from espnet_ext.analysis.scores import pooled_counts, read_counts, read_score

ROW = re.compile(r"^(?:ssl|asr|probe)_(?:.*?)learn_(?P<row>\w+?)(?:_seed(?P<seed>\d+))?$")
GRID = re.compile(r"(?P<order>highest|lowest|random)_(?P<percent>\d+)")
NOT_YET = "not run here"
NOTE = """\
Error rates in %, the mean over seeds with its 95 % bootstrap interval over utterances, and in
brackets how many seeds that is; one seed of pre-training. *Fine-tuned*: words, after the whole
model was fine-tuned with CTC. *Probe*: words and characters, of one linear map on a learnt mix of
the layers of the frozen encoder. *On masked frames* is of the held-out speech after the last
update; chance is that of a uniform guess. Rows `scratch_*` have the same encoder at random weights,
which the probe leaves as they are.
"""
GRID_NOTE = """\
Which frames should the scorer's confidence mask, and how many of them? The same method, conf and
compute; only the order and the share differ.
"""


class Rate(NamedTuple):
    """Mean error rate over seeds, its interval if there is one, in percent."""

    mean: float
    interval: tuple[float, float] | None
    seeds: int

    def __str__(self) -> str:
        """`**68.3** [62.6, 73.9] (3)`."""
        between = f" [{self.interval[0]:.1f}, {self.interval[1]:.1f}]" if self.interval else ""
        return f"**{self.mean:.1f}**{between} ({self.seeds})"


@dataclass
class Scores:
    """Score directories of the seeds, by set."""

    folders: dict[str, list[Path]] = field(default_factory=dict)

    def add(self, test_set: str, folder: Path) -> None:
        self.folders.setdefault(test_set, []).append(folder)

    def rate(self, test_set: str, bootstrap: Callable) -> Rate | None:
        """Of the seeds whose score can be read; None where there is none."""
        rates, counts = [], []
        for folder in self.folders.get(test_set, []):
            try:
                score = read_score(next(f for f in (folder / "wer", folder / "cer") if f.exists()))
                counts.append(read_counts(folder / "per_utt"))
            except (OSError, ValueError, StopIteration):
                continue
            rates.append(score.percent or 0.0)
        if not rates:
            return None
        interval = bootstrap(*pooled_counts(counts).T)
        return Rate(statistics.fmean(rates), interval, len(rates))


@dataclass
class Pictures:
    """What stands above the table of methods, and above the one of orders and shares."""

    methods: list[Picture] = field(default_factory=list)
    grid: list[Picture] = field(default_factory=list)


@dataclass
class Row:
    """One start of fine-tuning and probe; `ssl` None: random weights."""

    name: str
    ssl: Training | None = None
    tuned: Scores = field(default_factory=Scores)
    words: Scores = field(default_factory=Scores)
    characters: Scores = field(default_factory=Scores)

    @property
    def in_grid(self) -> re.Match | None:
        return GRID.fullmatch(self.name)


def row_of(name: str) -> str | None:
    """`ehmam`, of `asr_ctc_data2vec2_learn_ehmam_seed1`."""
    match = ROW.match(name)
    return match["row"] if match else None


def split(found: Found) -> tuple[Found, Found]:
    """What the other sections are of, and what this one is of."""

    def part(wanted: Callable[[str], bool]) -> Found:
        runs = [run for run in found.runs if wanted(run.asr.name)]
        return Found(runs, {k: v for k, v in found.trainings.items() if wanted(k)}, [])

    others = part(lambda name: row_of(name) is None)
    learnt = part(lambda name: row_of(name) is not None)
    return Found(others.runs, others.trainings, found.complaints), learnt


def rows(learnt: Found, workdir: Path) -> list[Row]:
    """By name; those that start at random weights first."""
    found: dict[str, Row] = {}

    def row(folder: str) -> Row:
        name = row_of(folder) or folder
        return found.setdefault(name, Row(name))

    for training in learnt.trainings.values():
        if training.kind == "ssl":
            row(training.name).ssl = training
    for run in learnt.runs:
        row(run.asr.name).tuned.add(run.test_set, run.folder / "score_wer")
    for folder in sorted((workdir / "exp").glob("probe_learn_*/decode_probe/*"), key=str):
        scores = row(folder.parents[1].name)
        scores.words.add(folder.name, folder / "score_wer")
        scores.characters.add(folder.name, folder / "score_cer")
    return sorted(found.values(), key=lambda r: (r.ssl is not None, natural(r.name)))


def blocks(all_rows: list[Row], bootstrap: Callable, pictures: Pictures) -> list[Block]:
    """The table of methods, then the one of orders and shares, each with its pictures.

    Args:
        bootstrap: interval, in percent, from errors_U and words_U, or None.
    """
    if not all_rows:
        return []
    sets = test_sets(all_rows)
    methods = [row for row in all_rows if not row.in_grid]
    grid = [row for row in all_rows if row.in_grid]
    made: list[Block] = [Heading("What was learnt"), Text(NOTE)]
    if methods:
        made += [*pictures.methods, table(methods, sets, bootstrap)]
    if grid:
        made += [Text(GRID_NOTE), *pictures.grid, table(grid, sets, bootstrap)]
    return made


def test_sets(all_rows: Iterable[Row]) -> list[str]:
    """Development sets first."""
    names = {s for row in all_rows for s in row.tuned.folders | row.words.folders}
    return sorted(names, key=lambda name: (not name.startswith("dev"), natural(name)))


def table(some: list[Row], sets: list[str], bootstrap: Callable) -> Table:
    """A line per row and set, what does not depend on the set said once."""
    head = ["start", "masks", "updates", "on masked frames", "set", "fine-tuned WER"]
    head += ["probe WER", "probe CER"]
    lines = []
    for row in some:
        about = [f"`{row.name}`", masks(row.ssl), updates(row.ssl), on_masked(row.ssl)]
        for name in sets:
            rates = [s.rate(name, bootstrap) for s in (row.tuned, row.words, row.characters)]
            lines.append([*about, name, *(str(rate or NOT_YET) for rate in rates)])
            about = ["", "", "", ""]
    return Table(head, lines)


def masks(ssl: Training | None) -> str:
    """`confidence, lowest, 40 %`."""
    if ssl is None:
        return "–"
    conf = ssl.config.get("masker_conf") or {}
    said = [ssl.config.get("masker", ""), conf.get("order", "")]
    if share := conf.get("fraction"):
        said.append(f"{100 * share:.0f} %")
    elif start := conf.get("start_prob"):
        said.append(f"p {start:g}")
    return ", ".join(filter(None, said))


def updates(ssl: Training | None) -> str:
    if ssl is None:
        return "0"
    try:
        return str(ssl.history.updates[-1])
    except (IncompleteError, IndexError):
        return NOT_YET


def on_masked(ssl: Training | None) -> str:
    """Accuracies with what chance gives, or how much targets and predictions vary."""
    if ssl is None:
        return "–"
    try:
        last = {key: values[-1] for key, values in ssl.history.curves["valid"].items() if values}
    except IncompleteError:
        return NOT_YET
    said = []
    if "contrastive_acc" in last:
        conf = loss_conf(ssl, "contrastive")
        chance = 1 / (1 + conf.get("distractors", 100))
        said.append(f"contrastive {percent(last['contrastive_acc'])} (chance {percent(chance)})")
    if "masked_acc" in last:
        chance = f" (chance {percent(1 / n)})" if (n := classes(ssl)) else ""
        said.append(f"labels {percent(last['masked_acc'])}{chance}")
    for key, value in last.items():
        if size := key.partition("masked_acc_")[2]:  # of several sets
            chance = percent(1 / int(size))
            said.append(f"{size} labels {percent(value)} (chance {chance})")
    if "code_perplexity" in last:
        said.append(f"code perplexity {last['code_perplexity']:.0f}")
    if "pred_var" in last:
        said.append(f"deviation {last['pred_var']:.2f} of {last['target_var']:.2f}")
    return ", ".join(said)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def loss_conf(ssl: Training, name: str) -> dict:
    return ((ssl.config.get("losses") or {}).get(name) or {}).get("conf") or {}


def classes(ssl: Training) -> int | None:
    """What a label is one of; None where there are several sets."""
    for target in (ssl.config.get("targets") or {}).values():
        conf = target.get("conf") or {}
        if sizes := conf.get("sizes"):
            return sizes[0] if len(sizes) == 1 else None
        if entries := conf.get("entries"):
            return entries
    return None
