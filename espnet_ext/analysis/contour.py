"""The error rate over LM weight and word score, as a map of the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from espnet_ext.analysis.plots import STYLE

N_LEVELS = 12


def draw_contour(
    points_N2: Sequence[tuple[float, float]],
    rates_N: Sequence[float],
    bounds: Mapping[str, tuple[float, float]],
    name: str,
) -> Figure:
    """Contours between the trials, straight from one to the next; the best is marked.

    The levels are closest at the best: at the edges of the square, where a recogniser says nothing
    or repeats itself, the rate is so high that even ones would leave the middle in one colour.

    Args:
        points_N2: (LM weight, word score). rates_N: fractions. bounds: of the two axes, by name.
    """
    x_N, y_N = np.asarray(points_N2, dtype=float).T
    percent_N = 100 * np.asarray(rates_N, dtype=float)
    best = int(percent_N.argmin())
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(6, 4.6), layout="constrained")
        axis = figure.subplots()
        mesh = _mesh(x_N, y_N)
        if mesh is not None:
            spread = max(float(np.quantile(percent_N, 0.9)) - percent_N[best], 0.1)
            levels = percent_N[best] + spread * np.linspace(0, 1, N_LEVELS) ** 2.5
            norm = BoundaryNorm(levels, 256, extend="max")
            filled = axis.tricontourf(
                mesh, percent_N, levels, cmap="YlGnBu", norm=norm, extend="max"
            )
            figure.colorbar(filled, ax=axis, label="WER in %", format="%.2f")
        axis.plot(x_N, y_N, "o", color="#ffffff", markeredgecolor="#000000", markersize=3, mew=0.6)
        axis.plot(x_N[best], y_N[best], "*", color="#D55E00", markersize=14)
        (x_label, x_bounds), (y_label, y_bounds) = bounds.items()
        where = f"{percent_N[best]:.2f} % at {x_N[best]:.2f}, {y_N[best]:+.2f}"
        axis.set(xlabel=x_label, ylabel=y_label, xlim=x_bounds, ylim=y_bounds)
        axis.set_title(f"{name}: {where}, of {len(x_N)} trials")
    return figure


def _mesh(x_N: np.ndarray, y_N: np.ndarray) -> Triangulation | None:
    """None where the points do not span an area."""
    distinct_M2 = np.unique(np.column_stack([x_N, y_N]), axis=0)
    if len(distinct_M2) < 3 or np.linalg.matrix_rank(distinct_M2 - distinct_M2[0]) < 2:
        return None
    return Triangulation(x_N, y_N)
