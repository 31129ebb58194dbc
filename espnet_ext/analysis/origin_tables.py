"""Where the scores come from: score lines, commands, commits, machines and times."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from espnet_ext.analysis.experiments import IncompleteError, Training, read_marker
from espnet_ext.analysis.material import UNKNOWN, Material, relative
from espnet_ext.analysis.page import Block, Bullets, Code, Heading, Table, Text
from espnet_ext.analysis.runs import Found, Run, stage_markers


def score_lines(material: Material) -> list[Block]:
    """Kaldi's line of each run, NIST's where its program ran, and the command which decoded."""
    if not material.found.runs:
        return []
    lines = []
    for number, run in enumerate(material.found.runs, 1):
        folder = relative(str(run.folder), material.workdir)
        lines.append(f"{number}. {folder}: {run.score.line}")
        if run.nist:
            lines.append(f"   {run.nist.tool}, rules {run.nist.rules}: {run.nist.line}")
        lines += [f"   {command}" for command in commands(run, material.workdir)]
    return [Heading("Score lines"), Code(lines)]


def provenance(material: Material) -> list[Block]:
    """What trained each experiment, and the stages that they share."""
    blocks: list[Block] = []
    if material.found.runs:
        blocks += [Heading("Provenance"), provenance_table(material.found), Text("Trained by:")]
        blocks.append(training_commands(material.found.used, material.workdir))
    if markers := stage_markers(material.workdir):
        blocks += [Text("Stages that the experiments share:"), stage_table(markers)]
    return blocks


def left_out(material: Material) -> list[Block]:
    """What could not be read, drawn or summed up, and why."""
    lines = dict.fromkeys([*material.found.complaints, *material.extras.notes])
    if not lines:
        return []
    return [Heading("Left out"), Bullets([relative(line, material.workdir) for line in lines])]


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


def training_commands(trainings: list[Training], workdir: Path) -> Code:
    """The command of each experiment's latest start."""
    lines = []
    for training in trainings:
        command = training.starts[-1].get("command") if training.starts else None
        lines += [training.name, f"   {relative(command or UNKNOWN, workdir)}"]
    return Code(lines)


def provenance_table(found: Found) -> Table:
    """A row per experiment behind a score."""
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
    return Table(head, rows)


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
    """Every machine that a run was started or resumed on, in order."""
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
    if marker := read_marker(training.path / "emissions", "emissions"):
        cells.append(f"emissions {duration(marker)}")
    folders = sorted(training.path.glob("decode_*"))
    for folder in folders:
        which = f" {folder.name.removeprefix('decode_')}" if len(folders) > 1 else ""
        for stage in ("decode", "search", "score"):
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


def stage_table(markers: list[dict[str, Any]]) -> Table:
    """A row per stage that no single experiment owns."""
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
    return Table(head, rows)
