"""Pictures of what was learnt: error rates of methods, orders and shares; how the losses fell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from espnet_ext.analysis import plots
from espnet_ext.analysis.learning import Pictures, Row, test_sets
from espnet_ext.analysis.page import Picture
from espnet_ext.analysis.pictures import pretraining_panels, with_history

PANELS = {"CER of the linear probe": "characters", "WER of the fine-tuned model": "tuned"}


def draw(rows: list[Row], bootstrap: Callable, notes: list[str], page_dir: Path) -> Pictures:
    """Whatever the rows have enough for, written below `page_dir`/images.

    Args:
        notes: why something is missing is added to it.
    """
    pictures = Pictures()

    def add(made: list[Picture], figure, name: str, caption: str) -> None:
        if figure is not None:
            plots.save(figure, page_dir / "images" / f"{name}.png")
            made.append(Picture(f"images/{name}.png", caption))

    methods = [row for row in rows if not row.in_grid]
    grid = [row for row in rows if row.in_grid]
    shown = _shown_set(rows)
    said = f"{shown}, mean over seeds with its 95 % interval over utterances"
    caption = f"Error rates on {said}, the best probe first; hollow: random weights."
    add(pictures.methods, _dots(methods, shown, bootstrap), "learnt", caption)
    caption = f"Error rates on {said}, by the share of frames that is masked."
    add(pictures.grid, _shares(grid, shown, bootstrap), "learnt_masks", caption)
    for some, made, name in (
        (methods, pictures.methods, "learning"),
        (grid, pictures.grid, "learning_masks"),
    ):
        caption = "Pre-trainings of equal compute, a value per epoch."
        if some is methods:
            caption += " Losses of two methods differ in scale."
        add(made, _curves(some, notes), name, caption)
    return pictures


def _shown_set(rows: list[Row]) -> str:
    """The first that is not a development set."""
    sets = test_sets(rows)
    return next((name for name in sets if not name.startswith("dev")), sets[0] if sets else "")


def _dots(rows: list[Row], test_set: str, bootstrap: Callable):
    panels = {}
    for title, kind in PANELS.items():
        rates = {row.name: getattr(row, kind).rate(test_set, bootstrap) for row in rows}
        if any(rates.values()):
            panels[title] = {
                name: plots.Point(rate.mean, rate.interval, name.startswith("scratch"))
                for name, rate in rates.items()
                if rate
            }
    return plots.draw_dots(panels, "%") if panels else None


def _shares(rows: list[Row], test_set: str, bootstrap: Callable):
    panels = {}
    for title, kind in PANELS.items():
        lines: dict[str, dict[float, plots.Point]] = {}
        for row in rows:
            if rate := getattr(row, kind).rate(test_set, bootstrap):
                line = lines.setdefault(row.in_grid["order"], {})
                line[float(row.in_grid["percent"])] = plots.Point(rate.mean, rate.interval)
        if lines:
            panels[title] = lines
    return plots.draw_shares(panels, "share of frames masked in %", "%") if panels else None


def _curves(rows: list[Row], notes: list[str]):
    names = {row.ssl.name: row.name for row in rows if row.ssl}
    trained = with_history([row.ssl for row in rows if row.ssl], notes)
    panels = pretraining_panels(trained, lambda training: names[training.name])
    if not panels:
        return None
    return plots.draw_curves(panels, "updates", "solid: training, dashed: validation")
