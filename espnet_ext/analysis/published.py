"""Published results, as conf/published.yaml has them: read and checked.

- paper: wav2vec2
  table: "3"
  metric: PER
  given: {labelled: TIMIT, lm: none}
  columns: [model, unlabelled]
  sets: [timit_dev, timit_test]
  rows:
  - [LARGE, LS-960, 7.4, 8.3]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from espnet_ext.config import UserError

NAME = "conf/published.yaml"
CONDITION = ("model", "labelled", "unlabelled", "lm")  # told of every value
NONE, NOT_STATED = "none", "not stated"
TOP = {"papers", "tables", "confs", "recipes", "data_dirs", "reference_words"}
BLOCK = {"paper", "table", "about", "metric", "columns", "sets", "rows"}  # and those that may be
MAY_BE = {"given", "notes", "uncertain"}
CELL = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<doubt>\?)?")


@dataclass(frozen=True)
class Value:
    """One number. `figure` is it as printed, so that 2.20 stays 2.20; `doubt`: why uncertain."""

    paper: str
    table: str
    test_set: str
    metric: str
    model: str
    labelled: str
    unlabelled: str
    lm: str
    others: tuple[tuple[str, str], ...]  # further conditions, such as ("masked", "40 %")
    figure: str
    doubt: str = ""

    @property
    def number(self) -> float:
        return float(self.figure)

    @property
    def identity(self) -> tuple:
        """All but the number: no two values share it."""
        conditions = (self.model, self.labelled, self.unlabelled, self.lm, self.others)
        return (self.paper, self.table, self.test_set, self.metric, *conditions)


@dataclass(frozen=True)
class Recipe:
    """`sets`: published name of a set -> ours, empty where we have none that is known to be it."""

    sets: dict[str, str]
    orientation: list[str]  # papers to list though no conf of the recipe is to reproduce them


@dataclass(frozen=True)
class Published:
    """What the file holds. `notes`: (paper, table) -> remarks on contradictions and the like."""

    titles: dict[str, str]
    values: list[Value]
    notes: dict[tuple[str, str], list[str]]
    confs: dict[str, list[dict[str, list[str]]]]  # librispeech/wav2vec2_base -> what selects rows
    recipes: dict[str, Recipe]
    data_dirs: dict[str, list[str]]  # 100 h -> [train_clean_100]
    reference_words: dict[str, int]

    def of_conf(self, conf: str) -> list[Value]:
        """The values that a conf, such as `librispeech/wav2vec2_base`, is to reproduce."""
        return select(self.values, self.confs.get(conf, []))

    def source(self, value: Value) -> str:
        """`wav2vec 2.0, Table 9`; where there is no table's number, what stands in its place."""
        return self.sources([value])

    def sources(self, values: list[Value]) -> str:
        """`wav2vec 2.0, Tables 1, 9; MS-HuBERT, Table 1`"""
        parts = []
        for paper in dict.fromkeys(value.paper for value in values):
            tables = list(dict.fromkeys(v.table for v in values if v.paper == paper))
            numbered = sorted(
                (t for t in tables if t[0].isdigit()), key=lambda t: int(t.split(",")[0])
            )
            listed = [f"Table{'s' * (len(numbered) > 1)} {', '.join(numbered)}"] if numbered else []
            listed += [table for table in tables if table not in numbered]
            parts.append(", ".join([self.titles[paper].partition(" (")[0], *listed]))
        return "; ".join(parts)


def select(values: Iterable[Value], selectors: list[dict[str, list[str]]]) -> list[Value]:
    """Values that agree with any of the selectors in all that it names."""
    return [
        value
        for value in values
        if any(all(getattr(value, k) in wanted for k, wanted in s.items()) for s in selectors)
    ]


def find(start: Path) -> Path | None:
    """conf/published.yaml in a folder or the nearest above it, as building blocks are found."""
    start = start.resolve()
    return next((f / NAME for f in (start, *start.parents) if (f / NAME).is_file()), None)


def read(path: Path) -> Published:
    """Read and check the file.

    Raises:
        UserError: the first fault: unknown or missing key, a row of another length, a cell that is
            no number, a doubt without reason, the same value twice, a conf that selects nothing.
    """
    try:
        # every scalar as text: 2.20 is not 2.2 to a reader who compares
        top = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected the published results") from None
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: not valid yaml ({getattr(err, 'problem', err)})") from None
    if not isinstance(top, dict) or set(top) != TOP:
        raise UserError(f"{path}: expected the keys {', '.join(sorted(TOP))} at the top level")
    titles = {key: paper["title"] for key, paper in top["papers"].items()}
    values: dict[tuple, Value] = {}
    notes: dict[tuple[str, str], list[str]] = {}
    for block in top["tables"]:
        name = f"{path}: {block.get('paper')}, table {block.get('table')}"
        _check_block(block, titles, name)
        notes[block["paper"], block["table"]] = block.get("notes", [])
        for value in _values(block, name):
            if value.identity in values:
                raise UserError(f"{name}: {value.model} on {value.test_set} stands there twice")
            values[value.identity] = value
    confs = {
        conf: [{k: [v] if isinstance(v, str) else v for k, v in s.items()} for s in selectors]
        for conf, selectors in top["confs"].items()
    }
    published = Published(
        titles,
        list(values.values()),
        notes,
        confs,
        {name: Recipe(**recipe) for name, recipe in top["recipes"].items()},
        top["data_dirs"],
        {test_set: int(words) for test_set, words in top["reference_words"].items()},
    )
    _check_confs(published, path)
    _check_recipes(published, path)
    return published


def _check_block(block: dict[str, Any], titles: dict[str, str], name: str) -> None:
    wrong = (BLOCK - set(block)) | (set(block) - BLOCK - MAY_BE)
    if wrong:
        raise UserError(f"{name}: missing or unknown: {', '.join(sorted(wrong))}")
    if block["paper"] not in titles:
        raise UserError(f"{name}: no such paper; known: {', '.join(titles)}")
    told = [*block["columns"], *block.get("given", {})]
    for condition in CONDITION:
        if told.count(condition) != 1:
            raise UserError(f"{name}: expected {condition} once, among `columns` or `given`")
    if isinstance(block["metric"], dict) and set(block["metric"]) != set(block["sets"]):
        raise UserError(f"{name}: expected one metric, or one for each of `sets`")
    doubted = any(str(cell).endswith("?") for row in block["rows"] for cell in row)
    if doubted != ("uncertain" in block):
        raise UserError(f"{name}: `uncertain` is to say why of the cells that end in `?`")


def _values(block: dict[str, Any], name: str) -> list[Value]:
    columns, sets, metric = block["columns"], block["sets"], block["metric"]
    values = []
    for number, row in enumerate(block["rows"], 1):
        if len(row) != len(columns) + len(sets):
            raise UserError(
                f"{name}, row {number}: {len(row)} cells; expected {len(columns)} of `columns` and "
                f"{len(sets)} of `sets`"
            )
        told = {**block.get("given", {}), **dict(zip(columns, row, strict=False))}
        condition = {key: told.pop(key) for key in CONDITION}
        for test_set, cell in zip(sets, row[len(columns) :], strict=True):
            if cell == "~":
                continue
            match = CELL.fullmatch(cell)
            if not match:
                raise UserError(f"{name}, row {number}: {cell!r} is no number, nor `~`")
            values.append(
                Value(
                    block["paper"],
                    block["table"],
                    test_set,
                    metric[test_set] if isinstance(metric, dict) else metric,
                    **condition,
                    others=tuple(sorted(told.items())),
                    figure=match["number"],
                    doubt=block["uncertain"] if match["doubt"] else "",
                )
            )
    return values


def _check_confs(published: Published, path: Path) -> None:
    keys = {"paper", "table", *CONDITION}
    for conf, selectors in published.confs.items():
        for selector in selectors:
            if wrong := set(selector) - keys:
                raise UserError(f"{path}: confs: {conf}: unknown {', '.join(sorted(wrong))}")
            for key, wanted in selector.items():
                for text in wanted:
                    others = {k: v for k, v in selector.items() if k != key}
                    if not select(published.values, [{**others, key: [text]}]):
                        raise UserError(f"{path}: confs: {conf}: no row has {key}: {text}")


def _check_recipes(published: Published, path: Path) -> None:
    known = {value.test_set for value in published.values}
    for name, recipe in published.recipes.items():
        if unknown := set(recipe.sets) - known:
            raise UserError(f"{path}: recipes: {name}: no value on {', '.join(sorted(unknown))}")
        if unknown := set(recipe.orientation) - set(published.titles):
            raise UserError(f"{path}: recipes: {name}: no paper {', '.join(sorted(unknown))}")
