"""The bootstrap interval."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.score import bootstrap
from espnet_ext.score.bootstrap import bootstrap_interval

UTTS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=2, max_size=40)


def interval_of(utts, seed=1, n_resamples=10_000):
    errors_U, words_U = np.array(utts).T
    return bootstrap_interval(errors_U, words_U, np.random.default_rng(seed), n_resamples)


@given(UTTS)
def test_interval_holds_the_estimate(utts):
    interval = interval_of(utts, n_resamples=1000)
    errors_U, words_U = np.array(utts).T
    assert interval.low <= errors_U.sum() / words_U.sum() <= interval.high


@given(UTTS, st.integers(0, 9))
def test_seed_decides_and_order_of_utterances_does_not(utts, seed):
    assert interval_of(utts, seed, 100) == interval_of(utts[::-1], seed, 100)


def test_other_seed_other_resamples():
    utts = [(i % 7, 10 + i % 11) for i in range(50)]
    assert interval_of(utts, seed=1) != interval_of(utts, seed=2)


def test_same_interval_as_drawing_utterances_one_by_one():
    rng = np.random.default_rng(0)
    words_U = rng.integers(3, 30, size=200)
    errors_U = rng.binomial(words_U, 0.2)
    drawn_RU = rng.integers(0, 200, size=(20_000, 200))
    rates_R = errors_U[drawn_RU].sum(1) / words_U[drawn_RU].sum(1)
    low, high = np.quantile(rates_R, [0.025, 0.975])
    ours = bootstrap_interval(errors_U, words_U, rng, 20_000)
    # Both are estimates: their quantiles differ by about 1 % of the interval's width.
    assert abs(ours.low - low) < 0.05 * (high - low)
    assert abs(ours.high - high) < 0.05 * (high - low)


def test_chunks_do_not_change_how_many_are_drawn(monkeypatch):
    monkeypatch.setattr(bootstrap, "CHUNK_COUNTS", 7)
    assert interval_of([(0, 5), (2, 5), (1, 4)], n_resamples=101).n_resamples == 101


def test_one_utterance_or_no_word_has_no_interval():
    assert interval_of([(1, 4)]) is None
    assert interval_of([(1, 0), (2, 0), (0, 0)]) is None


def test_resamples_without_a_word_are_left_out():
    interval = interval_of([(1, 0), (1, 4)])  # a quarter of the resamples draws the first twice
    assert 7000 < interval.n_resamples < 8000
    assert np.isfinite([interval.low, interval.high]).all()
