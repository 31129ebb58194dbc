"""Bayesian search of an LM's weight, a word's score and a second LM's weight, through Ax.

wav2vec 2.0 §4.4 tunes the LM weight in [0, 5] and a word insertion penalty in [-5, 5] by Bayesian
optimisation with Ax, in 128 trials; EH-MAM and the papers that follow it do the same. Its penalty
is added for each word, as our `word_score` is: below 0 it makes words rarer. The weight of a neural
LM that chooses among the n-best is a third one where a conf has such; the papers have not.

A proposal depends on the seed, its number and the trials before it, on nothing else: the model is
fitted anew for each one. So a search that was killed goes on exactly as it would have.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from espnet_ext.config import UserError

Bounds = Mapping[str, tuple[float, float]]
BOUNDS: Bounds = {"lm_weight": (0.0, 5.0), "word_score": (-5.0, 5.0)}
# with rescoring: an LM's weight, too; of a natural logarithm, as the papers' Transformer LM
RESCORING_BOUNDS: Bounds = {**BOUNDS, "rescore_weight": (0.0, 5.0)}
N_SOBOL = 8  # trials spread evenly before the model has a say
LEAST_RATE = 1e-4  # stands for no error at all, whose logarithm there is none of
NOISE = 0.003  # of a log rate: 4.00 % and 4.01 % count as one, or the model fits digits, slowly


@dataclass(frozen=True)
class Trial:
    """Weights and the error rate that they gave; `source`: init, sobol or model."""

    lm_weight: float
    word_score: float
    source: str
    wer: float = math.nan  # a fraction
    rescore_weight: float | None = None  # None: not looked for

    @property
    def weights(self) -> dict[str, float]:
        found = {name: getattr(self, name) for name in RESCORING_BOUNDS}
        return {name: float(weight) for name, weight in found.items() if weight is not None}


def propose(
    past: Sequence[Trial],
    first: Sequence[Sequence[float]],
    seed: int,
    bounds: Bounds = BOUNDS,
) -> Trial:
    """The trial to follow `past`: the given points first, then Sobol's, then the model's.

    Args:
        first: points that someone has found good before, in the order of the bounds.
    """
    number = len(past)
    if number < len(first):
        return Trial(**dict(zip(bounds, first[number], strict=True)), source="init")
    if number < len(first) + N_SOBOL:
        from scipy.stats import qmc

        unit_X = qmc.Sobol(len(bounds), rng=seed).random(N_SOBOL)[number - len(first)].tolist()
        ranges = zip(bounds.items(), unit_X, strict=True)
        weights = {name: low + unit * (high - low) for (name, (low, high)), unit in ranges}
        return Trial(**weights, source="sobol")
    client = _client(past, seed + number, bounds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the optimiser, which then tries again
        (point,) = client.get_next_trials(max_trials=1).values()
    return Trial(**{name: float(point[name]) for name in bounds}, source="model")


def search(
    rate_of: Callable[..., float],
    n_trials: int,
    past: Sequence[Trial] = (),
    first: Sequence[Sequence[float]] = (),
    seed: int = 0,
    bounds: Bounds = BOUNDS,
) -> Iterator[Trial]:
    """The trials from where `past` ends up to `n_trials`, each as soon as it is measured.

    Args:
        rate_of: error rate, a fraction, of the weights that have bounds, in their order.
    """
    done = list(past)
    while len(done) < n_trials:
        asked = propose(done, first, seed, bounds)
        done.append(replace(asked, wer=rate_of(*asked.weights.values())))
        yield done[-1]


def best(trials: Sequence[Trial]) -> Trial:
    """The lowest rate; the earliest of equals."""
    return min(trials, key=lambda trial: trial.wer)


def check_ax() -> None:
    """Raises UserError where Ax is not installed; before an hour of searching rather than after."""
    _import_ax()


def _client(past: Sequence[Trial], seed: int, bounds: Bounds):
    """Ax's client that knows `past` and proposes by its model."""
    new_client, range_of = _import_ax()
    client = new_client(random_seed=seed % 2**32)
    client.configure_experiment(
        parameters=[
            range_of(name=name, parameter_type="float", bounds=own) for name, own in bounds.items()
        ]
    )
    client.configure_optimization(objective="-log_wer")
    client.configure_generation_strategy(
        initialization_budget=len(past),
        initialize_with_center=False,
        min_observed_initialization_trials=0,
    )
    for trial in past:
        # the logarithm: at the edges of the square the rate is twenty times that of the middle,
        # and a model of it would see nothing else. The order of the trials is the same.
        log_wer = math.log(max(trial.wer, LEAST_RATE))
        client.complete_trial(client.attach_trial(trial.weights), {"log_wer": (log_wer, NOISE)})
    return client


def _import_ax() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ax's own imports are deprecated here and there
        try:
            from ax.api.client import Client
            from ax.api.configs import RangeParameterConfig
            from ax.utils.common.logger import set_ax_logger_levels
        except ModuleNotFoundError as err:
            raise UserError(
                f"{err.name}: not installed; tuning needs Ax: pip install 'espnet-ext[tune]'"
            ) from None
    set_ax_logger_levels(logging.ERROR)
    return Client, RangeParameterConfig
