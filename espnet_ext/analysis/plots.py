"""Pictures from plain arrays. Nothing here knows a model or a directory.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; lines differ
in marker or dash too.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure  # without pyplot: draws to memory, whatever the display
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from espnet_ext.config import atomic_write

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


def save(figure: Figure, path: Path) -> None:
    """PNG at 100 dots an inch in 256 colours, whole or not at all; no date or version in it."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    palette = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    with atomic_write(path, "wb") as handle:
        palette.save(handle, format="PNG", optimize=True)


def draw_masks(
    log_mel_TF: np.ndarray,
    confidence_T: np.ndarray,
    masks: Mapping[str, np.ndarray],
    hop_ms: float,
    frame_shift_ms: float,
    title: str,
) -> Figure:
    """Log-Mel picture of an utterance over its confidence curve, then a strip per mask.

    Args:
        log_mel_TF: one row every `hop_ms`. confidence_T: one value every `frame_shift_ms`.
        masks: name -> boolean mask_T on the confidence's frames.
    """
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        rows = [2.6, 1.2] + [0.34] * len(masks)
        figure = Figure(figsize=(8, 4.6), layout="constrained")
        axes = figure.subplots(len(rows), 1, sharex=True, height_ratios=rows)
        end_sec = len(log_mel_TF) * hop_ms / 1000
        low, high = np.percentile(log_mel_TF, [5, 99.5])  # silence must not eat the contrast
        bins = log_mel_TF.shape[1]
        axes[0].imshow(
            log_mel_TF.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=low,
            vmax=high,
            extent=(0, end_sec, 0, bins),
            interpolation="nearest",
        )
        axes[0].set(ylabel="Mel bin", title=title, yticks=[0, bins // 2, bins])
        edges_sec = np.arange(len(confidence_T) + 1) * frame_shift_ms / 1000
        axes[1].stairs(confidence_T, edges_sec, color=COLOURS[0], fill=True, alpha=0.25)
        axes[1].stairs(confidence_T, edges_sec, color=COLOURS[0], baseline=None, linewidth=1.2)
        axes[1].set(ylabel="confidence", ylim=(0, 1.02), yticks=[0, 0.5, 1])
        for axis, (name, mask_T), colour in zip(axes[2:], masks.items(), COLOURS[1:], strict=False):
            axis.stairs(mask_T.astype(float), edges_sec, color=colour, fill=True)
            axis.set(ylim=(0, 1), yticks=[])
            share = f"{name} {100 * mask_T.mean():.0f} %"
            axis.set_ylabel(share, rotation=0, ha="right", va="center")
            axis.spines["left"].set_visible(False)
        for axis in axes[:-1]:
            axis.tick_params(bottom=False)
        axes[-1].set(xlabel="time in s; coloured: masked", xlim=(0, end_sec))
        figure.align_ylabels(axes[:2])
    return figure


@dataclass(frozen=True)
class Line:
    """y against x. Lines of one `group` share colour and, once, a name in the legend."""

    group: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


def draw_curves(panels: Mapping[str, Sequence[Line]], xlabel: str, note: str = "") -> Figure:
    """Panels, four side by side, name -> lines, with one legend below.

    Args:
        note: what solid and dashed mean.
    """
    groups = list(dict.fromkeys(line.group for lines in panels.values() for line in lines))
    with mpl.rc_context(STYLE):
        columns = min(4, len(panels))
        rows = -(-len(panels) // columns)
        height = 2.7 * rows + 0.3 + 0.22 * ((len(groups) + 1) // 2)
        figure = Figure(figsize=(max(5.0, 3.1 * columns), height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.remove()
        for axis, (name, lines) in zip(axes, panels.items(), strict=False):
            for line in lines:
                colour, marker = _look(groups.index(line.group))
                axis.plot(
                    line.x,
                    line.y,
                    color=colour,
                    linestyle="--" if line.dashed else "-",
                    marker=marker,
                    markersize=4,
                    markevery=max(1, len(line.x) // 12),
                    alpha=0.85,
                )
            axis.set(title=name, xlabel=xlabel)
            axis.margins(x=0.03)
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        handles = [
            Line2D([], [], color=_look(i)[0], marker=_look(i)[1], markersize=4)
            for i in range(len(groups))
        ]
        figure.legend(
            handles, groups, loc="outside lower center", ncols=min(2, len(groups)), title=note
        )
    return figure


def draw_comparison(
    panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]],
    scratch: Mapping[str, Sequence[float]],
) -> Figure:
    """WER against the number of pre-training updates, a panel per test set.

    Args:
        panels: test set -> masker -> updates -> WER in percent, one per seed.
        scratch: test set -> WER of each seed from scratch; drawn as a band, minimum to maximum.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(5.0, 3.8 * len(panels)), 3.9), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)
        for axis, (test_set, panel) in zip(axes[0], panels.items(), strict=True):
            if wers := scratch.get(test_set):
                axis.axhspan(min(wers), max(wers), color="#999999", alpha=0.3, linewidth=0)
                axis.axhline(np.mean(wers), color="#555555", linestyle="--")
            for name, points in panel.items():
                colour, marker = _look(names.index(name))
                updates = sorted(points)
                axis.plot(updates, [np.mean(points[u]) for u in updates], color=colour)
                for u in updates:
                    axis.plot(
                        [u] * len(points[u]),
                        points[u],
                        linestyle="",
                        marker=marker,
                        color=colour,
                        markersize=6,
                        alpha=0.6,
                    )
            axis.set(title=test_set, xlabel="pre-training updates", xlim=(0, None))
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes[0][0].set_ylabel("WER in %")
        handles = [Line2D([], [], color=_look(i)[0], marker=_look(i)[1]) for i in range(len(names))]
        if any(scratch.values()):
            names = [*names, "from scratch (mean; seeds lie in the band)"]
            handles.append(Line2D([], [], color="#555555", linestyle="--"))
        figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)))
    return figure


@dataclass(frozen=True)
class Point:
    """A value and how far it may be off; hollow: what the others are held against."""

    value: float
    interval: tuple[float, float] | None = None
    hollow: bool = False

    def errors(self) -> list[list[float]] | None:
        """As matplotlib's error bars want them. A bootstrap's interval may leave the mean out."""
        if self.interval is None:
            return None
        return [
            [max(0.0, self.value - self.interval[0])],
            [max(0.0, self.interval[1] - self.value)],
        ]


def draw_dots(panels: Mapping[str, Mapping[str, Point]], xlabel: str) -> Figure:
    """A row per name, ordered by the first panel that has it, least on top; a column per panel."""
    order: list[str] = []
    for panel in panels.values():
        order += sorted(panel.keys() - set(order), key=lambda name: panel[name].value)
    with mpl.rc_context(STYLE | {"axes.spines.left": False}):
        figure = Figure(figsize=(8, 0.9 + 0.27 * len(order)), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axis, (title, panel), colour in zip(axes, panels.items(), COLOURS, strict=False):
            for row, name in enumerate(order):
                if point := panel.get(name):
                    axis.errorbar(
                        point.value,
                        row,
                        xerr=point.errors(),
                        color=colour,
                        marker="o",
                        markerfacecolor="white" if point.hollow else colour,
                        capsize=3,
                    )
            axis.set(title=title, xlabel=xlabel)
            axis.tick_params(left=False)
        axes[0].set_yticks(range(len(order)), order)
        axes[0].invert_yaxis()
    return figure


def draw_shares(
    panels: Mapping[str, Mapping[str, Mapping[float, Point]]], xlabel: str, ylabel: str
) -> Figure:
    """A line per name through its points, in every panel, a little apart so that bars show."""
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(5.0, 4.0 * len(panels)), 3.6), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (title, panel) in zip(axes, panels.items(), strict=True):
            shares = sorted({share for points in panel.values() for share in points})
            step = min(np.diff(shares), default=1.0)
            for name, points in panel.items():
                index = names.index(name)
                colour, marker = _look(index)
                apart = 0.04 * step * (index - (len(names) - 1) / 2)
                xs = sorted(points)
                axis.plot([x + apart for x in xs], [points[x].value for x in xs], color=colour)
                for x in xs:
                    axis.errorbar(
                        x + apart,
                        points[x].value,
                        yerr=points[x].errors(),
                        color=colour,
                        marker=marker,
                        capsize=3,
                    )
            axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xticks=shares)
        handles = [Line2D([], [], color=_look(i)[0], marker=_look(i)[1]) for i in range(len(names))]
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


def _look(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]
