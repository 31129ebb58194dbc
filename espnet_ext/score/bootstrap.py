"""How sure a word error rate, or a difference of two, is: the bootstrap of Bisani & Ney (2004).

M. Bisani, H. Ney: Bootstrap estimates for confidence intervals in ASR performance evaluation,
ICASSP 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# One chunk of resamples holds about this many counts (8 bytes each).
CHUNK_COUNTS = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A percentile interval, as fractions; `n_resamples` is how many had a reference word."""

    low: float
    high: float
    n_resamples: int


@dataclass(frozen=True)
class Comparison:
    """B against A, as fractions; `better` and `equal` are shares of the resamples."""

    difference: float  # rate of B less rate of A
    interval: Interval  # of the difference
    better: float  # B has fewer errors than A
    equal: float


def bootstrap_interval(
    errors_U: np.ndarray,
    words_U: np.ndarray,
    generator: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Interval | None:
    """Percentile interval of the error rate under resampling of utterances (Bisani & Ney, §3).

    A resample draws U utterances with replacement, so it matters only how often each *kind* of
    utterance (same errors, same words) is drawn: one multinomial draw per resample, which is the
    same distribution at a fraction of the work (100,000 utterances have a few hundred kinds).
    Resamples without a single reference word have no error rate and are left out.

    Args:
        errors_U: errors of each utterance. words_U: reference words of each utterance.
        generator: the source of every random number.

    Returns:
        None where no interval exists: fewer than two utterances, or no reference word at all.
    """
    if len(errors_U) < 2 or not np.any(words_U):
        return None
    kinds_K2, counts_K = np.unique(
        np.column_stack([errors_U, words_U]).astype(np.int64), axis=0, return_counts=True
    )
    rates_R = _resampled(kinds_K2, counts_K, generator, n_resamples)
    return _percentiles(rates_R, level)


def paired_bootstrap(
    errors_a_U: np.ndarray,
    errors_b_U: np.ndarray,
    words_U: np.ndarray,
    generator: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Comparison | None:
    """Two systems on the same utterances (Bisani & Ney, §4).

    Every resample draws the same utterances for both, so that what is hard for both cancels. The
    paper's probability of improvement is the share of resamples in which B has fewer errors;
    resamples in which both have as many are given apart, as they speak for neither.

    The same generator with A and B swapped draws the same resamples, in which the difference has
    the other sign.

    Args:
        errors_a_U, errors_b_U: errors of each utterance. words_U: its reference words.
        generator: the source of every random number.

    Returns:
        None where there is no interval: fewer than two utterances, or no reference word at all.
    """
    if len(words_U) < 2 or not np.any(words_U):
        return None
    more_U = np.asarray(errors_b_U, np.int64) - np.asarray(errors_a_U, np.int64)
    kinds_K2, first_K, counts_K = np.unique(
        np.column_stack([more_U, words_U]).astype(np.int64),
        axis=0,
        return_index=True,
        return_counts=True,
    )
    order_K = np.argsort(first_K)  # by appearance: unlike the sorted order, the same when swapped
    more_R = _resampled(kinds_K2[order_K], counts_K[order_K], generator, n_resamples)
    interval = _percentiles(more_R, level)
    if interval is None:
        return None
    return Comparison(
        float(more_U.sum() / np.sum(words_U)),
        interval,
        float(np.mean(more_R < 0)),
        float(np.mean(more_R == 0)),
    )


def _resampled(
    kinds_K2: np.ndarray, counts_K: np.ndarray, generator: np.random.Generator, n_resamples: int
) -> np.ndarray:
    """(R,): sum of the kinds' first column over the sum of their second (words), where not 0."""
    n_utts = counts_K.sum()
    chunk = max(1, CHUNK_COUNTS // len(counts_K))
    rates = []
    for start in range(0, n_resamples, chunk):
        n_rows = min(chunk, n_resamples - start)
        drawn_RK = generator.multinomial(n_utts, counts_K / n_utts, size=n_rows)
        errors_R, words_R = (drawn_RK @ kinds_K2).T
        has_words_R = words_R > 0
        rates.append(errors_R[has_words_R] / words_R[has_words_R])
    return np.concatenate(rates)


def _percentiles(rates_R: np.ndarray, level: float) -> Interval | None:
    if not len(rates_R):
        return None
    low, high = np.quantile(rates_R, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), len(rates_R))
