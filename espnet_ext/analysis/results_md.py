"""RESULTS.md as text: tables from what was found, the hand-written block kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_ext.analysis.confidence_spread import Spread
from espnet_ext.analysis.experiments import IncompleteError, Training, read_marker
from espnet_ext.analysis.runs import Found, Run, SeedSummary, stage_markers
from espnet_ext.analysis.scores import Score
from espnet_ext.config import UserError

BEGIN, END = "<!-- by hand -->", "<!-- end by hand -->"
UNKNOWN = "not recorded"

HEAD = """\
<!-- Written by `python -m espnet_ext.bin.report`; edits are lost, but for a block between
     `by hand` and `end by hand` comments, which is kept. -->
# Results
"""
NO_RUNS = "Nothing has been scored yet.\n"
ROWS_NOTE = """\
WER and SER in %, with a 95 % bootstrap interval over the utterances of the test set. Updates are
optimiser updates; in brackets the epochs they took. Seeds: pre-training / fine-tuning. The numbers
in the first column are those of the [score lines](#score-lines).
"""
SEEDS_NOTE = """\
[^seeds]: 95 % bootstrap interval of the mean: utterances are drawn with replacement, 10 000 times,
    each with its errors under all seeds. It tells how far the mean would move on another test set
    of this size with these very models; how far another seed would move it is what min – max hints
    at.
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


@dataclass(frozen=True)
class Picture:
    """`path` as seen from the page."""

    path: str
    caption: str

    @property
    def text(self) -> str:
        alt = self.caption.partition(":")[0].partition(".")[0]
        return f"![{alt}]({self.path})\n\n{self.caption}\n"


@dataclass(frozen=True)
class Extras:
    """What comes beside the runs. `notes`: what could not be drawn or summed up, and why."""

    summaries: list[SeedSummary] = field(default_factory=list)
    comparisons: list[Picture] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    spreads: dict[str, Spread] = field(default_factory=dict)  # of the confidence streams, by set
    notes: list[str] = field(default_factory=list)


def render(found: Found, workdir: Path, extras: Extras, kept: str = "") -> str:
    """The whole page, the overview first. Args: kept: see `hand_block`."""
    parts = [HEAD, kept and kept + "\n"]
    if extras.summaries:
        parts += ["## Mean over seeds\n", seed_table(extras.summaries), SEEDS_NOTE]
    parts += [picture.text for picture in extras.comparisons]
    if found.runs:
        parts += ["## Runs\n", ROWS_NOTE, run_table(found.runs)]
    else:
        parts += [NO_RUNS]
    if extras.spreads:
        parts += ["## Confidence stream\n", spread_table(extras.spreads), CONFIDENCE_NOTE]
    parts += [picture.text for picture in extras.pictures]
    if found.runs:
        parts += ["## Score lines\n", score_lines(found.runs, workdir)]
        parts += ["## Provenance\n", provenance_table(found)]
        parts += ["Trained by:\n", training_commands(found.used, workdir)]
    if markers := stage_markers(workdir):
        parts += ["Stages that the experiments share:\n", stage_table(markers)]
    if left_out := dict.fromkeys([*found.complaints, *extras.notes]):
        lines = "".join(f"- {relative(line, workdir)}\n" for line in left_out)
        parts += ["## Left out\n", lines]
    return "\n".join(part for part in parts if part)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines
    )


def run_table(runs: list[Run]) -> str:
    head = ["", "test set", "WER [95 %]", "SER", "pre-training", "updates", "scorer"]
    head += ["fine-tuning", "updates", "decoding", "seeds"]
    rows = []
    for number, run in enumerate(runs, 1):
        rows.append(
            [
                str(number),
                run.test_set,
                wer_cell(run.score),
                run.score.ser or UNKNOWN,
                *pretraining_cells(run),
                run.asr_conf,
                fine_tuning_updates(run.asr),
                run.decode_conf,
                seeds_cell(run),
            ]
        )
    return table(head, rows)


def wer_cell(score: Score) -> str:
    interval = f" [{score.interval[0]}, {score.interval[1]}]" if score.interval else ""
    partial = ", hypotheses missing" if "[PARTIAL]" in score.line else ""
    return f"**{score.wer}**{interval}{partial}"


def pretraining_cells(run: Run) -> list[str]:
    """pre-training conf, its updates, scorer conf."""
    if run.start.ssl is None:
        return ["none", "0", "none"]
    epochs = UNKNOWN if run.start.epoch is None else str(run.start.epoch)
    updates = UNKNOWN if run.start.updates is None else str(run.start.updates)
    updates = UNKNOWN if updates == epochs else f"{updates} ({epochs})"
    return [run.ssl_conf, updates, run.scorer or UNKNOWN]


def fine_tuning_updates(training: Training) -> str:
    try:
        history = training.history
    except IncompleteError:
        return UNKNOWN
    return f"{history.updates[-1]} ({history.epochs})"


def seeds_cell(run: Run) -> str:
    pre, fine = run.seeds
    return f"{'–' if pre < 0 else pre} / {fine}"


def seed_table(summaries: list[SeedSummary]) -> str:
    head = ["test set", "mean WER", "min – max", "95 % interval[^seeds]", "seeds", "pre-training"]
    head += ["updates", "scorer", "fine-tuning", "decoding", "which seeds"]
    rows = []
    for summary in summaries:
        run = summary.runs[0]
        interval = UNKNOWN
        if summary.interval:
            interval = f"{summary.interval[0]:.2f}, {summary.interval[1]:.2f}"
        rows.append(
            [
                run.test_set,
                f"**{summary.mean:.2f}**",
                f"{summary.low:.2f} – {summary.high:.2f}",
                interval,
                str(len(summary.runs)),
                *pretraining_cells(run),
                run.asr_conf,
                run.decode_conf,
                ", ".join(seeds_cell(r) for r in summary.runs),
            ]
        )
    return table(head, rows)


def spread_table(spreads: dict[str, Spread]) -> str:
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
    return table(head, rows)


def score_lines(runs: list[Run], workdir: Path) -> str:
    """Kaldi's line and the command which decoded."""
    lines = ["```"]
    for number, run in enumerate(runs, 1):
        lines.append(f"{number}. {relative(str(run.folder), workdir)}: {run.score.line}")
        lines += [f"   {command}" for command in commands(run, workdir)]
    return "\n".join([*lines, "```"]) + "\n"


def commands(run: Run, workdir: Path) -> list[str]:
    """What decoded the set, as the first line of each log says it; the first of several jobs."""
    found = []
    for log in sorted((run.folder / "logs").glob("decode.1.log")):
        # # 'python' '-m' 'espnet_ext.bin.decode' '--exp' 'exp/asr_ctc_scratch'
        with log.open(encoding="utf-8", errors="replace") as handle:
            first = handle.readline().strip()
        if first.startswith("# "):
            found.append(re.sub(r"'([\w@%+=:,./-]+)'", r"\1", first[2:]))
    return [relative(line, workdir) for line in found] or [f"command: {UNKNOWN}"]


def training_commands(trainings: list[Training], workdir: Path) -> str:
    """The command of each experiment's latest start."""
    lines = ["```"]
    for training in trainings:
        command = training.starts[-1].get("command") if training.starts else None
        lines += [training.name, f"   {relative(command or UNKNOWN, workdir)}"]
    return "\n".join([*lines, "```"]) + "\n"


def provenance_table(found: Found) -> str:
    head = ["experiment", "conf", "commit", "hardware", "seed", "time per stage", "parameters"]
    rows = []
    for training in found.used:
        start = next((r.start for r in found.runs if r.asr is training), None)
        try:
            parameters = training.history.trained_parameters
        except IncompleteError:
            parameters = None
        rows.append(
            [
                training.name,
                training.conf(start.tag if start else ""),
                commit_cell(training.starts),
                hardware_cell(training),
                str(training.seed),
                time_cell(training),
                f"{parameters:,}".replace(",", " ") if parameters else UNKNOWN,
            ]
        )
    return table(head, rows)


def commit_cell(starts: list[dict[str, Any]]) -> str:
    """Every commit that a run was started or resumed under, in order."""
    cells: list[str] = []
    for start in starts:
        commit = start.get("commit")
        cell = commit[:9] + (" dirty" if start.get("dirty") else "") if commit else UNKNOWN
        if not cells or cells[-1] != cell:
            cells.append(cell)
    return ", then ".join(cells) or UNKNOWN


def hardware_cell(training: Training) -> str:
    cells: list[str] = []
    for start in training.starts:
        machine = start.get("hardware") or {}
        if (ngpu := training.config.get("ngpu")) and machine.get("gpus"):
            cell = f"{ngpu} x {machine['gpus'][0]}"
        else:
            cell = f"{machine.get('cpu')}, {machine.get('cores')} cores"
        if cell not in cells:
            cells.append(cell)
    return ", then ".join(cells) or training.marker.get("machine", UNKNOWN)


def time_cell(training: Training) -> str:
    """`finetune 7:12, decode 0:21, score 0:02`; with several decodings, their names too."""
    cells = [f"{training.marker['name']} {duration(training.marker)}"] if training.marker else []
    folders = sorted(training.path.glob("decode_*"))
    for folder in folders:
        which = f" {folder.name.removeprefix('decode_')}" if len(folders) > 1 else ""
        for stage in ("decode", "score"):
            if marker := read_marker(folder, stage):
                cells.append(f"{stage}{which} {duration(marker)}")
    return ", ".join(cells) or UNKNOWN


def duration(marker: dict[str, Any]) -> str:
    """`12:34`, or `1:02:03`; says so if it is the last of several attempts."""
    if "seconds" not in marker:
        return UNKNOWN
    seconds = round(marker["seconds"])
    hours, minutes = seconds // 3600, seconds // 60 % 60
    text = f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
    attempts = marker.get("attempts", 1)
    return text if attempts == 1 else f"{text} (last of {attempts} attempts)"


def stage_table(markers: list[dict[str, Any]]) -> str:
    head = ["stage", "in", "time", "machine"]
    rows = [
        [
            f"{m.get('stage')} {m.get('name')}",
            m["home"],
            duration(m),
            m.get("machine", UNKNOWN),
        ]
        for m in markers
    ]
    return table(head, rows)


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
