"""From experiments and runs to the arrays that the pictures are drawn of."""

from __future__ import annotations

from collections.abc import Callable

from espnet_ext.analysis.experiments import History, IncompleteError, Training
from espnet_ext.analysis.plots import COLOURS, Line
from espnet_ext.analysis.runs import Run

PRETRAINING_PANELS = {
    "loss": "loss",
    "contrastive_acc": "contrastive accuracy",
    "masked_acc": "accuracy on masked frames",
    "code_perplexity": "code perplexity",
    "target_var": "deviation of targets",
    "pred_var": "deviation of predictions",
    "masked_fraction": "share of frames masked",
    "mean_span_ms": "mean span (ms)",
}


def with_history(trainings: list[Training], notes: list[str]) -> list[tuple[Training, History]]:
    """Those whose checkpoint can be read; the others are added to `notes`."""
    readable = []
    for training in trainings:
        try:
            readable.append((training, training.history))
        except IncompleteError as err:
            notes.append(str(err))
    return readable


def pretraining_panels(
    trainings: list[tuple[Training, History]], group: Callable[[Training], str] = Training.conf
) -> dict[str, list[Line]]:
    """What a user watches, per epoch, against optimiser updates. `group` shares a colour."""
    panels: dict[str, list[Line]] = {}
    for key, title in PRETRAINING_PANELS.items():
        lines = [
            Line(group(training), history.updates, history.curves[phase][key], phase == "valid")
            for training, history in trainings
            for phase in ("train", "valid")
            if key in history.curves[phase]
        ]
        if lines:
            panels[title] = lines
    return panels


def last_starts(runs: list[Run]) -> list[Run]:
    """One run per recogniser, of each pre-training only those from its latest checkpoint used.

    More would not be told apart; so many starts at most as there are colours.
    """
    by_name = {run.asr.name: run for run in runs}
    latest: dict[str, int] = {}
    for run in by_name.values():
        if run.start.ssl and run.start.epoch:
            name = run.start.ssl.name
            latest[name] = max(latest.get(name, 0), run.start.epoch)
    chosen = [
        run
        for run in by_name.values()
        if not run.start.ssl or run.start.epoch == latest.get(run.start.ssl.name)
    ]
    groups = list(dict.fromkeys(start_label(run) for run in chosen))[: len(COLOURS)]
    return [run for run in chosen if start_label(run) in groups]


def start_label(run: Run) -> str:
    """`from scratch`, or the pre-training's conf and epoch: what shares a colour."""
    if run.start.ssl is None:
        return "from scratch"
    return run.ssl_conf + (f", epoch {run.start.epoch}" if run.start.epoch else "")


def finetuning_panels(runs: list[tuple[Run, History]]) -> dict[str, list[Line]]:
    """Training and validation loss, against epochs."""
    panels: dict[str, list[Line]] = {}
    for phase, title in (("train", "training loss"), ("valid", "validation loss")):
        lines = [
            Line(start_label(run), range(1, history.epochs + 1), history.curves[phase]["loss"])
            for run, history in runs
            if "loss" in history.curves[phase]
        ]
        if lines:
            panels[title] = lines
    return panels


Panels = dict[str, dict[str, dict[int, list[float]]]]  # set -> masker -> updates -> WER per seed


def comparisons(runs: list[Run], notes: list[str]) -> dict[str, tuple[Panels, dict]]:
    """What `draw_comparison` takes, by name, for each fine-tuning and decoding that has something
    to compare: two numbers of pre-training updates, or one and from scratch."""
    budgets: dict[tuple, list[Run]] = {}
    for run in runs:
        key = (run.asr_conf, run.decode_conf, run.asr.budget)
        budgets.setdefault(key, []).append(run)
    found: dict[str, tuple[Panels, dict]] = {}
    for (asr_conf, decode_conf, budget), group in sorted(budgets.items()):
        labels = _masker_labels(group)
        panels: Panels = {run.test_set: {} for run in group}
        scratch: dict[str, list[float]] = {}
        for run in group:
            wer = run.score.percent
            if wer is None:
                notes.append(f"{run.folder}: no reference words: no point")
            elif run.start.ssl is None:
                scratch.setdefault(run.test_set, []).append(wer)
            elif run.start.updates is None:
                notes.append(f"{run.folder}: number of pre-training updates not known: no point")
            else:
                line = panels[run.test_set].setdefault(labels[run.ssl_conf], {})
                line.setdefault(run.start.updates, []).append(wer)
        updates = {u for panel in panels.values() for line in panel.values() for u in line}
        if len(updates) > 1 or (updates and scratch):
            name = f"{asr_conf}_{decode_conf}"
            found[name if name not in found else f"{name}_{budget}"] = (panels, scratch)
    return found


def _masker_labels(runs: list[Run]) -> dict[str, str]:
    """ssl conf -> masker, with the conf's name where several confs share a masker."""
    maskers = {run.ssl_conf: run.start.ssl.config.get("masker") for run in runs if run.start.ssl}
    shared = list(maskers.values())
    return {
        conf: f"{masker} ({conf})" if shared.count(masker) > 1 else f"{masker} masks"
        for conf, masker in maskers.items()
    }
