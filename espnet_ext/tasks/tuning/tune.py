"""Tune an LM's weight and a word's score on a development set, over cached emissions.

trials.jsonl   what the trials are of, then one trial a line, as soon as it is measured
best.yaml      lm_weight, word_score, wer (a fraction), set, trials; rescore_weight where the conf
               rescores
contour.png    the error rate over both; with a third weight, of the half of the trials that are
               nearest to the best one's, and contour_rescore.png over that one and the first

Killed at any point and started again, a search goes on as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from espnet_ext.analysis.contour import draw_contour
from espnet_ext.analysis.plots import save
from espnet_ext.config import UserError, atomic_write, compose
from espnet_ext.decode.conf import DecodeConf, read_conf
from espnet_ext.score.wer import percent
from espnet_ext.tasks.decoding.search import Sources, check_read
from espnet_ext.tasks.tuning.bayes import (
    BOUNDS,
    RESCORING_BOUNDS,
    Bounds,
    Trial,
    best,
    check_ax,
    search,
)
from espnet_ext.tasks.tuning.dev_wer import DevRate
from espnet_ext.tasks.tuning.tuned_values import published

N_TRIALS = 128  # wav2vec 2.0 §4.4


@dataclass(frozen=True)
class Tuning:
    """What `tune:` of a decode conf may say; the command line comes first.

    Attributes:
        set: to tune on; default: the recipe's valid set. init: names of `tuned_values.PUBLISHED`,
            tried first. beam_size: while tuning (wav2vec 2.0 tunes its n-gram at 500, tests at
            1500).
    """

    trials: int = N_TRIALS
    seed: int = 0
    init: tuple[str, ...] = ()
    beam_size: int | None = None
    set: str = ""


def read_tuning(conf: DecodeConf, source: str) -> Tuning:
    """`tune:` of a conf, checked.

    Raises:
        UserError: an unknown key, or a value of another kind.
    """
    given = dict(conf.tune or {})
    known = {field.name for field in dataclasses.fields(Tuning)}
    if unknown := sorted(set(given) - known):
        raise UserError(f"{source}: tune: unknown key {unknown[0]!r}; known: {', '.join(known)}")
    for key in ("trials", "seed", "beam_size"):
        least = 0 if key == "seed" else 1
        if key in given and (type(given[key]) is not int or given[key] < least):
            raise UserError(f"{source}: tune: {key}: expected a whole number from {least}")
    init = given.get("init", ())
    given["init"] = (init,) if isinstance(init, str) else tuple(init)
    return Tuning(**given)


def refuse_test_set(name: str, valid_set: str, force: bool) -> None:
    """Weights chosen on a test set make its error rate worthless.

    A set is for development if it is the recipe's valid set, or if its name begins with `dev`
    (dev-other, dev_clean, dev93). Every other one counts as a test set.

    Raises:
        UserError: a test set, unless forced.
    """
    if not force and name != valid_set and not name.lower().startswith("dev"):
        raise UserError(
            f"{name}: neither the valid set nor named dev…: counts as a test set, on which nothing "
            "may be tuned; tune on a dev set (or pass --force true and report no WER of it)"
        )


def tune(
    conf_file: Path,
    sources: Sources,
    ref: Path,
    out: Path,
    valid_set: str = "",
    force: bool = False,
    nj: int = 1,
    **instead: Any,
) -> Trial:
    """Search, and write the three files; `instead` lays over what the conf's `tune:` says.

    Raises:
        UserError: a test set; a conf without an LM in its search; files that do not belong
            together; Ax is not installed.
    """
    conf = read_conf(conf_file)
    if not conf.has_lm:
        raise UserError(f"{conf_file}: no LM in the search, so there is no weight to tune")
    check_read(conf, sources, conf_file)
    tuning = read_tuning(conf, str(conf_file))
    tuning = replace(tuning, **{key: value for key, value in instead.items() if value is not None})
    bounds, first = BOUNDS, published(list(tuning.init), str(conf_file))
    if conf.rescores:
        bounds, first = RESCORING_BOUNDS, [(*point, conf.rescore_weight) for point in first]
    name = sources.emissions.resolve().name
    refuse_test_set(name, valid_set, force)
    if tuning.beam_size:
        conf = replace(conf, beam_size=tuning.beam_size)
    log = TrialLog(out / "trials.jsonl", made_of(conf_file, sources, ref, tuning, bounds))
    trials = log.read()
    if len(trials) < tuning.trials:
        check_ax()
        with DevRate(conf, sources, ref, nj) as rate:
            found = search(rate, tuning.trials, trials, first, tuning.seed, bounds)
            trials += _shown(log.keep(found), trials, tuning.trials)
    trials = trials[: tuning.trials]
    write_results(trials, out, name, tuning, bounds)
    return best(trials)


def write_results(
    trials: Sequence[Trial], out: Path, name: str, tuning: Tuning, bounds: Bounds = BOUNDS
) -> None:
    """The pictures, then `best.yaml`: where that stands, all is there."""
    chosen = best(trials)
    _draw(trials, ("lm_weight", "word_score"), bounds, out / "contour.png", name)
    if "rescore_weight" in bounds:
        axes = ("rescore_weight", "lm_weight")
        _draw(trials, axes, bounds, out / "contour_rescore.png", name)
    found = {
        **chosen.weights,
        "wer": chosen.wer,
        "set": name,
        "trials": len(trials),
        "seed": tuning.seed,
    }
    with atomic_write(out / "best.yaml") as handle:
        yaml.safe_dump(found, handle, sort_keys=False)


def _draw(
    trials: Sequence[Trial], axes: tuple[str, str], bounds: Bounds, path: Path, name: str
) -> None:
    """A map over two weights. Over a third one it would show hills that are none: so the half of
    the trials in which that is nearest to the best one's."""
    chosen = best(trials)
    for third in sorted(bounds.keys() - set(axes)):
        middle = chosen.weights[third]
        by_nearness = sorted(trials, key=lambda trial: abs(trial.weights[third] - middle))
        trials = by_nearness[: (len(trials) + 1) // 2]
        found = [trial.weights[third] for trial in trials]
        name = f"{name}, {third} {min(found):.1f} to {max(found):.1f}"
    points_N2 = [tuple(trial.weights[axis] for axis in axes) for trial in trials]
    shown = {axis: bounds[axis] for axis in axes}
    save(draw_contour(points_N2, [trial.wer for trial in trials], shown, name), path)


def _shown(found, past: Sequence[Trial], n_trials: int) -> list[Trial]:
    """The trials of an iterator, with a bar that tells the best so far."""
    done = list(past)
    with tqdm(total=n_trials, initial=len(past), desc="tune", unit="trial", smoothing=0) as bar:
        for trial in found:
            done.append(trial)
            low = best(done)
            bar.set_postfix_str(
                f"WER {_percent(trial.wer)}, best {_percent(low.wer)} at "
                + " ".join(f"{weight:.2f}" for weight in low.weights.values())
            )
            bar.update()
    return done[len(past) :]


def _percent(rate: float) -> str:
    return percent(round(rate * 1_000_000), 1_000_000)


def made_of(
    conf_file: Path, sources: Sources, ref: Path, tuning: Tuning, bounds: Bounds = BOUNDS
) -> dict[str, Any]:
    """What a trial's error rate depends on, and the order of trials, but not their number.

    Large files are known by size and time of change.
    """
    conf, _ = compose(conf_file)
    conf.pop("tune", None)
    large = {
        str(path): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in (sources.ngram, sources.lexicon, sources.emissions / "emissions.ark")
        if path and path.exists()
    }
    return {
        "conf": conf,
        "ref": hashlib.sha256(ref.read_bytes()).hexdigest() if ref.is_file() else "",
        "files": large,
        "lm": str(sources.lm or ""),
        "tune": [tuning.seed, list(tuning.init), tuning.beam_size, *(bounds.keys() - BOUNDS)],
    }


class TrialLog:
    """`trials.jsonl`. One of other inputs is set aside under another name, not overwritten."""

    def __init__(self, path: Path, inputs: dict[str, Any]):
        self.path = path
        self.head = json.dumps({"made_of": inputs}, sort_keys=True) + "\n"

    def read(self) -> list[Trial]:
        """The trials so far. A last line that a kill cut short is dropped, from the file too."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        if not lines or lines[0] != self.head:
            aside = self.path.with_suffix(".other.jsonl")
            self.path.replace(aside)
            print(f"{self.path}: of another conf or data; kept as {aside.name}, starting afresh")
            return []
        whole = [line for line in lines[1:] if line.endswith("\n")]
        if len(whole) < len(lines) - 1:
            with atomic_write(self.path) as handle:
                handle.writelines([self.head, *whole])
        try:
            return [Trial(**json.loads(line)) for line in whole]
        except (ValueError, TypeError):
            raise UserError(
                f"{self.path}: a line is no trial; mend it, or remove the file to start afresh"
            ) from None

    def keep(self, trials):
        """Hand trials on, each only when it is safely on disk."""
        if not self.path.exists():
            with atomic_write(self.path) as handle:
                handle.write(self.head)
        with self.path.open("a", encoding="utf-8") as handle:
            for trial in trials:
                handle.write(json.dumps(_told(trial)) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
                yield trial


def _told(trial: Trial) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(trial).items() if value is not None}
