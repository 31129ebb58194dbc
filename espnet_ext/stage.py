"""What a stage was made from: markers that decide whether it must run again, and say why.

A stage declares its inputs, confs, options and outputs. Before it runs, what it is about to read
is written to `HOME/.done/NAME.started`; after it ran well, that becomes `HOME/.done/NAME.json` with
the outputs added. HOME is the directory that the stage fills. So a killed stage has no marker, and
inputs that change while it runs are noticed the next time.

Declarations come as lines `key<TAB>value`, one block per stage:

    stage	3
    name	tokens
    home	data/token_list/bpe60
    fresh	true
    input	data/train/text
    option	nbpe=60
    conf	conf/asr_rnnt.yaml
    output	data/token_list/bpe60/tokens.txt
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_ext.config import UserError, atomic_write, compose

CONTENT_LIMIT_BYTES = 64 * 2**20  # larger files are known by size and time of change
RESUMABLE = ("max_epoch", "log_interval", "num_workers")  # conf keys that training goes on under


@dataclass
class Stage:
    """One declaration. `fresh`: what a changed input made stale in `home` is set aside first."""

    number: int
    name: str = ""
    title: str = ""
    home: str = "."
    fresh: bool = False
    skip: str = ""
    inputs: list[str] = field(default_factory=list)
    confs: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    @property
    def marker(self) -> Path:
        return Path(self.home) / ".done" / f"{self.name}.json"

    @property
    def started(self) -> Path:
        return self.marker.with_suffix(".started")


@dataclass(frozen=True)
class Verdict:
    """`do` is one of done, run, redo (run after setting old results aside), later, skip."""

    stage: Stage
    do: str
    why: str


def parse_stages(lines: Iterable[str]) -> list[Stage]:
    """Read declarations (see the top of the file). Raises ValueError for an unknown key."""
    stages: list[Stage] = []
    for line in lines:
        key, _, value = line.rstrip("\n").partition("\t")
        if key == "stage":
            stages.append(Stage(int(value)))
        elif key in ("name", "title", "home", "skip"):
            setattr(stages[-1], key, value)
        elif key == "fresh":
            stages[-1].fresh = value == "true"
        elif key in ("input", "conf", "output"):
            getattr(stages[-1], f"{key}s").append(value)
        elif key == "option":
            name, _, setting = value.partition("=")
            stages[-1].options[name] = setting
        else:
            raise ValueError(f"unknown key {key!r} in a stage's declaration")
    return stages


def fingerprint(path: str | Path) -> str:
    """The content of a file as a short hash; of a directory, that of the plain files in it.

    Files above 64 MB count by size and time of change. Hidden files do not count.

    Raises:
        FileNotFoundError: no such path.
    """
    path = Path(path)
    if path.is_dir():
        parts = [p for p in sorted(path.iterdir()) if p.is_file() and not p.name.startswith(".")]
        listing = "\n".join(f"{p.name} {fingerprint(p)}" for p in parts)
        return hashlib.blake2b(listing.encode(), digest_size=12).hexdigest()
    stat = path.stat()
    if stat.st_size > CONTENT_LIMIT_BYTES:
        return f"{stat.st_size}@{stat.st_mtime_ns}"
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()


def leaves(conf: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """(`optim_conf.lr`, `0.001`) for every setting of a conf; comments and layout do not count."""
    if isinstance(conf, dict) and conf:
        for key, value in conf.items():
            yield from leaves(value, f"{at}.{key}" if at else str(key))
    else:
        yield at, json.dumps(conf, ensure_ascii=False, sort_keys=True)


def state(stage: Stage) -> dict[str, dict[str, str]]:
    """All that decides the result of a stage, as it is now; missing inputs are left out."""
    inputs = {path: fingerprint(path) for path in stage.inputs if Path(path).exists()}
    confs = {f"{path} {key}": value for path in stage.confs for key, value in _settings(path)}
    return {"inputs": inputs, "confs": confs, "options": dict(stage.options)}


def _settings(path: str) -> Iterator[tuple[str, str]]:
    return leaves(compose(path)[0])


def differences(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> list[str]:
    """What changed between two states, in words; settings first, as they are the likelier cause."""
    found = []
    for kind, word in (("options", "option "), ("confs", ""), ("inputs", "")):
        before, after = old.get(kind, {}), new[kind]
        for key in [*after, *(key for key in before if key not in after)]:
            if before.get(key) == after.get(key):
                continue
            if kind == "inputs":
                news = "is new" if key not in before else "is not used any more"
                found.append(f"{key} {'changed' if key in before and key in after else news}")
            else:
                was, now = before.get(key, "not set"), after.get(key, "not set")
                found.append(f"{word}{key}: {was or 'empty'} -> {now or 'empty'}")
    return found


def _only_resumable(old: dict, new: dict) -> bool:
    if old.get("inputs") != new["inputs"] or old.get("options") != new["options"]:
        return False
    confs, before = new["confs"], old.get("confs", {})
    changed = {key for key in confs.keys() | before.keys() if confs.get(key) != before.get(key)}
    return all(key.split(" ")[-1] in RESUMABLE for key in changed)


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def judge(stage: Stage) -> Verdict:
    """Whether a stage whose inputs all exist must run, and why."""
    now = state(stage)
    started, done = _read(stage.started), _read(stage.marker)
    before = started or done
    if before is None:
        if stage.fresh and _holds_results(Path(stage.home)):
            return Verdict(stage, "redo", f"no record of how {stage.home} was made")
        return Verdict(stage, "run", "not run yet")
    changes = differences(before, now)
    if changes:
        do = "redo" if stage.fresh and not _only_resumable(before, now) else "run"
        return Verdict(stage, do, _some(changes))
    if started is not None:
        return Verdict(stage, "run", "did not finish; goes on")
    for path in stage.outputs:
        if not Path(path).exists():
            return Verdict(stage, "run", f"{path} is missing")
        if done["outputs"].get(path) != fingerprint(path):
            return Verdict(stage, "run", f"{path} is not as this stage left it")
    return Verdict(stage, "done", "")


def _holds_results(home: Path) -> bool:
    return home.is_dir() and any(entry.name != ".done" for entry in home.iterdir())


def _some(changes: list[str], limit: int = 3) -> str:
    more = f"; and {len(changes) - limit} more" if len(changes) > limit else ""
    return "; ".join(changes[:limit]) + more


def plan(stages: list[Stage], first: int, last: int, named: Iterable[int] = ()) -> list[Verdict]:
    """Judge the stages `first`..`last` without touching anything.

    A stage that reads what an earlier one will write again is `later`: it is judged once that has
    run, since the same content may come out.

    Args:
        stages: all stages of the recipe, also those outside the range: they tell who makes what.
        named: numbers that the user asked for by name. Where no stage of such a number is needed,
            the first of them runs all the same.

    Raises:
        UserError: an input is missing and no stage of the range makes it; a faulty conf.
    """
    verdicts: list[Verdict] = []
    rewritten: set[str] = set()
    needed = {stage.number for stage in stages if not stage.skip}
    asked_for = set(named) - needed
    for stage in stages:
        if not first <= stage.number <= last:
            continue
        if stage.skip and stage.number in asked_for:
            asked_for.remove(stage.number)
        elif stage.skip:
            verdicts.append(Verdict(stage, "skip", stage.skip))
            continue
        for path in stage.confs:
            compose(path)  # a fault in a late stage's conf is told now, not after an hour
        source = next((path for path in stage.inputs if _within(path, rewritten)), None)
        if source is not None:
            ran_before = stage.marker.exists() or stage.started.exists()
            why = f"waits for {source}" if ran_before else "not run yet"
            verdict = Verdict(stage, "later", why)
        else:
            require_inputs(stage, stages)
            verdict = judge(stage)
        if verdict.do != "done":
            rewritten.update(_written_by(stage))
        verdicts.append(verdict)
    return verdicts


def _written_by(stage: Stage) -> set[str]:
    """Outputs, and `HOME/` for a stage that owns its home: any checkpoint there is its work."""
    return {*stage.outputs, *([f"{stage.home}/"] if stage.fresh else [])}


def _within(path: str, written: set[str]) -> bool:
    return path in written or any(
        out.startswith(f"{path}/") or (out.endswith("/") and path.startswith(out))
        for out in written
    )


def require_inputs(stage: Stage, stages: list[Stage]) -> None:
    """Raise UserError naming the first missing input and the stage that makes it."""
    for path in stage.inputs:
        if Path(path).exists():
            continue
        others = [s for s in stages if s is not stage]
        makers = [s for s in others if _within(path, set(s.outputs))]
        makers += [s for s in others if _within(path, _written_by(s))]
        maker = makers[0] if makers else None
        mend = f"run --stage {maker.number}" if maker else "check the name"
        made_by = f", which stage {maker.number} ({maker.name}) makes" if maker else ""
        raise UserError(
            f"{path}: missing; stage {stage.number} ({stage.name}) reads it{made_by}; {mend}"
        )


def begin(stage: Stage) -> Verdict:
    """Judge a stage just before it runs and, unless it is done, note what it is about to read."""
    verdict = judge(stage)
    if verdict.do == "done":
        return verdict
    attempts, seconds_before = 1, 0.0
    if verdict.do == "redo":
        aside = set_aside(Path(stage.home))
        verdict = Verdict(stage, "run", f"{verdict.why}; what was there is now in {aside}")
    elif (started := _read(stage.started)) is not None:
        attempts = started["attempts"] + 1
        seconds_before = started["seconds_before"] + _seconds_of_unfinished(stage)
    note = {"attempts": attempts, "seconds_before": seconds_before, **state(stage)}
    with atomic_write(stage.started) as handle:
        json.dump(note, handle, ensure_ascii=False)
    stage.marker.unlink(missing_ok=True)
    return verdict


def _seconds_of_unfinished(stage: Stage) -> float:
    """How long a killed attempt lived: until its last write (a log, a checkpoint)."""
    began = stage.started.stat().st_mtime
    writes = [entry.stat().st_mtime for entry in Path(stage.home).iterdir() if entry.is_file()]
    return max(0.0, max(writes, default=began) - began)


def set_aside(home: Path) -> Path:
    """Move a directory to `.old/NAME.N` beside it: hours of training are never deleted unasked."""
    old = home.parent / ".old"
    old.mkdir(parents=True, exist_ok=True)
    number = 1
    while (old / f"{home.name}.{number}").exists():
        number += 1
    return home.rename(old / f"{home.name}.{number}")


def finish(stage: Stage, seconds: float, max_rss_mb: int | None = None) -> None:
    """Turn the note of `begin` into a done-marker.

    Args:
        seconds: wall time of the last attempt; that of killed ones is added.
        max_rss_mb: largest process, if known.

    Raises:
        UserError: a declared output is not there.
    """
    for path in stage.outputs:
        if not Path(path).exists():
            raise UserError(
                f"{path}: not there, though stage {stage.number} ({stage.name}) reported no error"
            )
    note: dict[str, Any] = json.loads(stage.started.read_text(encoding="utf-8"))
    note |= {
        "outputs": {path: fingerprint(path) for path in stage.outputs},
        "seconds": round(seconds + note.pop("seconds_before"), 1),
        "max_rss_mb": max_rss_mb,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    with atomic_write(stage.marker) as handle:
        json.dump({"stage": stage.number, "name": stage.name, **note}, handle, indent=1)
    stage.started.unlink()
