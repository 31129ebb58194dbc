"""How sure a word error rate is: the bootstrap of Bisani & Ney (ICASSP 2004)."""

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
    n_utts = len(errors_U)
    if n_utts < 2 or not np.any(words_U):
        return None
    kinds_K2, counts_K = np.unique(
        np.column_stack([errors_U, words_U]).astype(np.int64), axis=0, return_counts=True
    )
    chunk = max(1, CHUNK_COUNTS // len(counts_K))
    rates = []
    for start in range(0, n_resamples, chunk):
        n_rows = min(chunk, n_resamples - start)
        drawn_RK = generator.multinomial(n_utts, counts_K / n_utts, size=n_rows)
        errors_R, words_R = (drawn_RK @ kinds_K2).T
        has_words_R = words_R > 0
        rates.append(errors_R[has_words_R] / words_R[has_words_R])
    rates = np.concatenate(rates)
    if not len(rates):
        return None
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), len(rates))
