"""How a set was decoded: the language model, its weights, and how long it took."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from espnet_ext.analysis.material import UNKNOWN, Material
from espnet_ext.analysis.page import Block, Heading, Table, Text
from espnet_ext.analysis.published import NONE
from espnet_ext.analysis.runs import Run, search_marker

# 0.0712 real-time factor (network 0.0600, search 0.0112), 116.3 s of audio
RTF_LINE = re.compile(
    r"^(?P<total>[\d.]+) real-time factor"
    r"(?: \(network (?P<network>[\d.]+), search (?P<search>[\d.]+)\))?"
    r", (?P<audio>[\d.]+) s of audio"
)
NOTE = """\
Real-time factor: seconds of work, added up over jobs, for a second of audio; in brackets the
network's share and the search's, where they ran apart. It depends on the machine, and on what else
ran there.
"""


def settings(decode_dir: Path) -> dict[str, Any] | None:
    """What the decode conf said, flat (`ngram.order`: 4), as the stage noted it; None: unknown."""
    marker = search_marker(decode_dir)
    if not marker.get("confs"):
        return None
    # conf/decode_beam.yaml search: "beam"
    return {key.rpartition(" ")[2]: json.loads(text) for key, text in marker["confs"].items()}


def language_model(run: Run) -> str | None:
    """`none`, `4-gram`, `Transformer`, `4-gram + Transformer`, as papers say it; None: unknown."""
    conf = settings(run.folder.parent)
    if conf is None:
        return NONE if run.decode_conf.endswith("greedy") else None
    parts = []
    if order := conf.get("ngram.order"):
        parts.append(f"{order}-gram")
    elif any(key.split(".")[0] == "ngram" and value for key, value in conf.items()):
        # downloads/4-gram.arpa.gz
        named = re.search(r"(\d)-?gram", Path(str(conf.get("ngram"))).name)
        parts.append(f"{named[1]}-gram" if named else "n-gram")
    if neural := conf.get("lm"):
        stem = Path(neural).stem
        parts.append("Transformer" if "transformer" in stem.lower() else f"neural ({stem})")
    return " + ".join(parts) or NONE


@dataclass(frozen=True)
class Weights:
    """LM weight and score of a word as text; `tuned_on`: the set they were sought on."""

    lm_weight: str = ""
    word_score: str = ""
    tuned_on: str = ""


def weights(decode_dir: Path) -> Weights:
    """Those tuned (`exp/asr_x/tune_y/best.yaml`), else those of the conf, else nothing."""
    conf = settings(decode_dir) or {}
    best = decode_dir.with_name(f"tune_{decode_dir.name.removeprefix('decode_')}") / "best.yaml"
    tuned = {}
    if best.is_file() and any(key.split(".")[0] == "tune" for key in conf):
        try:
            tuned = yaml.safe_load(best.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            return Weights(UNKNOWN, UNKNOWN, f"{best.name} cannot be read")
    given = {**conf, **(tuned if isinstance(tuned, dict) else {})}
    shown = [_short(given.get(key)) for key in ("lm_weight", "word_score")]
    return Weights(*shown, str(tuned.get("set", "")) if tuned else "")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def real_time_factor(folders: list[Path]) -> tuple[str, float]:
    """Over several sets: `0.071 (0.060 + 0.011)`, and the seconds of audio; UNKNOWN without any."""
    seconds, parts, audio_sec = 0.0, [0.0, 0.0], 0.0
    split = True
    for folder in folders:
        try:
            match = RTF_LINE.match((folder / "rtf").read_text(encoding="utf-8"))
        except OSError:
            match = None
        if not match:
            continue
        audio = float(match["audio"])
        audio_sec += audio
        seconds += float(match["total"]) * audio
        split = split and match["network"] is not None
        for i, part in enumerate(("network", "search")):
            parts[i] += float(match[part] or 0) * audio
    if not audio_sec:
        return UNKNOWN, 0.0
    network, search = (part / audio_sec for part in parts)
    apart = f" ({network:.3f} + {search:.3f})" if split else ""
    return f"{seconds / audio_sec:.3f}{apart}", audio_sec


def section(material: Material) -> list[Block]:
    """A row for each recogniser and decode conf: LM, its weights, real-time factor."""
    groups: dict[Path, list[Run]] = {}
    for run in material.found.runs:
        groups.setdefault(run.folder.parent, []).append(run)
    if not groups:
        return []
    numbers = {run.folder: number for number, run in enumerate(material.found.runs, 1)}
    found = []
    for folder, runs in groups.items():
        rtf, audio_sec = real_time_factor([run.folder for run in runs])
        found.append((folder, runs, weights(folder), rtf, audio_sec))
    with_weights = any(w.lm_weight or w.word_score for _, _, w, _, _ in found)
    head = ["runs", "recogniser", "decoding", "LM"]
    head += ["LM weight", "word score", "tuned on"] if with_weights else []
    head += ["real-time factor", "audio (s)"]
    rows = []
    for folder, runs, weight, rtf, audio_sec in found:
        row = [", ".join(str(numbers[run.folder]) for run in runs)]
        row += [folder.parent.name, runs[0].decode_conf, language_model(runs[0]) or UNKNOWN]
        if with_weights:
            row += [weight.lm_weight, weight.word_score, weight.tuned_on]
        rows.append([*row, rtf, f"{audio_sec:.0f}" if audio_sec else UNKNOWN])
    return [Heading("Decoding"), Table(head, rows), Text(NOTE)]
