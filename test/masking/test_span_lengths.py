"""wav2vec 2.0's Table 5: span lengths that are drawn, and spans that do not touch."""

import itertools

import pytest
import torch
from scipy.stats import chisquare, norm, poisson, randint

from espnet_ext.masking.apart import spans_apart
from espnet_ext.masking.lengths import SpanLengths
from espnet_ext.masking.random import RandomSpans
from espnet_ext.masking.spans import NEVER, Batch, first_reached, mask_stats

UNIFORM_1_31 = {"lengths": "uniform", "span": 16, "spread": 15}
UNIFORM_10_30 = {"lengths": "uniform", "span": 20, "spread": 10}
POISSON_15 = {"lengths": "poisson", "span": 15}
NORMAL_15_10 = {"lengths": "normal", "span": 15, "spread": 10}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def run_lengths(mask_BT) -> torch.Tensor:
    edges = torch.nn.functional.pad(mask_BT.int(), (1, 1)).diff(dim=1)
    return (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]


def share(n: int = 500, **conf) -> float:
    lengths_B = torch.full((n,), 750)
    mask_BT = RandomSpans(**conf)(lengths_B, 750, generator=seeded(1))
    return float(mask_stats(mask_BT, lengths_B, 20)["masked_fraction"])


@pytest.mark.parametrize(
    ("conf", "probability"),
    [
        (UNIFORM_1_31, randint(1, 32).pmf),
        (UNIFORM_10_30, randint(10, 31).pmf),
        (POISSON_15, poisson(15).pmf),
        # below one frame is one
        (
            NORMAL_15_10,
            lambda n: norm.cdf(n + 0.5, 15, 10) - (n > 1) * norm.cdf(n - 0.5, 15, 10),
        ),
    ],
    ids=["uniform_1_31", "uniform_10_30", "poisson_15", "normal_15_10"],
)
def test_lengths_follow_the_distribution(conf, probability):
    lengths = SpanLengths(conf["lengths"], conf["span"], conf.get("spread"))
    drawn = lengths(torch.rand(100_000, generator=seeded(2)))
    values = [n for n in range(1, lengths.longest + 1) if probability(n) > 2e-4]
    expected = torch.tensor([probability(n) for n in values]).double() * len(drawn)
    counts = torch.tensor([int((drawn == n).sum()) for n in values])
    rest = len(drawn) - counts.sum()
    assert rest < 0.003 * len(drawn)
    assert chisquare(counts, expected, sum_check=False).pvalue > 1e-3
    assert abs(lengths.mean - drawn.float().mean()) < 0.1


def test_a_static_length_is_the_span():
    lengths = SpanLengths("static", 10)
    assert lengths.mean == lengths.longest == 10
    assert set(lengths(torch.tensor([0.0, 0.5, 0.999999])).tolist()) == {10}


@pytest.mark.parametrize(
    ("conf", "mean"),
    [
        (UNIFORM_1_31, 16.0),
        (UNIFORM_10_30, 20.0),
        (POISSON_15, 15.0),
        (NORMAL_15_10, 15.37),  # the mean of max(1, N(15, 10))
        ({"span": 10}, 10.0),
        ({"span": 15}, 15.0),
    ],
)
def test_table_5_without_overlap_masks_p_times_the_mean_length(conf, mean):
    assert abs(share(2000, **conf, overlap=False, start_prob=0.037) - 0.037 * mean) < 0.003


def test_table_5_the_share_of_its_baseline_is_met_by_a_mean_length_of_15():
    """ "p = 0.037, which results in the total number of masked tokens to match the baseline"."""
    baseline = share(start_prob=0.075)
    assert abs(baseline - 0.542) < 0.004
    assert abs(share(span=15, overlap=False, start_prob=0.037) - baseline) < 0.02
    assert share(span=10, overlap=False, start_prob=0.037) < baseline - 0.15
    # spans of 10 that do not touch need p = 0.049 for the 49 % of the published p = 0.065
    assert abs(share(overlap=False, start_prob=0.049) - share(start_prob=0.065)) < 0.004


@pytest.mark.parametrize("conf", [UNIFORM_1_31, POISSON_15, NORMAL_15_10, {"span": 10}])
@pytest.mark.parametrize("overlap", [True, False])
def test_expected_fraction_is_the_asked_one(conf, overlap):
    masker = RandomSpans(**conf, overlap=overlap, fraction=0.4)
    lengths_B = torch.tensor([300, 211] * 1000)
    mask_BT = masker(lengths_B, 300, generator=seeded(3))
    for first in (0, 1):  # each length on its own
        masked = mask_BT[first::2].sum(1) / lengths_B[first::2]
        standard_error = masked.std() / len(masked) ** 0.5
        assert standard_error < 1.5e-3
        assert abs(masked.mean() - 0.4) < 4 * standard_error + 1e-6


def test_every_layout_of_spans_that_do_not_touch_is_as_likely():
    """Two spans of 2 and 3 frames in 9: 5 places for 2 spans, either of them first."""
    n = 20000
    batch = Batch(torch.full((n,), 9), 9, generator=seeded(4))
    length_BN = torch.tensor([[2, 3, 1, 1, 1]]).expand(n, -1)
    open_BN = torch.tensor([[True, True, False, False, False]]).expand(n, -1)
    mask_BT = spans_apart(length_BN, open_BN, batch)
    rows, counts = mask_BT.int().unique(dim=0, return_counts=True)
    expected = set()
    for (first, second), (i, j) in itertools.product(
        [(2, 3), (3, 2)], itertools.combinations(range(9), 2)
    ):
        if i + first < j and j + second <= 9:
            frames = [*range(i, i + first), *range(j, j + second)]
            expected.add(tuple(int(t in frames) for t in range(9)))
    assert {tuple(row) for row in rows.tolist()} == expected
    assert len(expected) == 2 * 10
    assert chisquare(counts).pvalue > 1e-3


def test_spans_that_do_not_fit_are_left_out():
    batch = Batch(torch.tensor([5, 4, 0]), 5, generator=seeded(5))
    length_BN = torch.full((3, 3), 2)
    mask_BT = spans_apart(length_BN, torch.ones(3, 3, dtype=torch.bool), batch)
    assert mask_BT[0].tolist() == [True, True, False, True, True]
    assert mask_BT[1:].sum(1).tolist() == [2, 0]


def test_spans_of_different_lengths_reach_what_a_loop_finds():
    generator = seeded(6)
    lengths_B = torch.tensor([14, 9])
    rank_BT = torch.rand((2, 14), generator=generator).argsort(1)
    rank_BT[:, 3] = NEVER
    span_BT = torch.randint(1, 6, (2, 14), generator=generator)
    first_BT = first_reached(rank_BT, span_BT, 5, lengths_B)
    for b, length in enumerate(lengths_B.tolist()):
        for t in range(14):
            reaching = [int(rank_BT[b, s]) for s in range(t + 1) if s + int(span_BT[b, s]) > t]
            assert first_BT[b, t] == (min([*reaching, NEVER]) if t < length else NEVER)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"lengths": "gamma"}, "static, uniform, poisson, normal"),
        ({"lengths": "poisson", "spread": 3}, "spread"),
        ({"lengths": "normal"}, "spread"),
        ({"lengths": "uniform", "spread": 10}, "fewer than span 10"),
        ({"lengths": "normal", "spread": 0}, "more than 0"),
    ],
)
def test_lengths_without_meaning_are_refused(conf, message):
    with pytest.raises(ValueError, match=f"masker_conf.*{message}"):
        RandomSpans(**conf, start_prob=0.05)


@pytest.mark.parametrize("asked", [{"start_prob": 0.1}, {"fraction": 0.95}])
def test_more_than_fits_without_touching_is_refused(asked):
    with pytest.raises(ValueError, match=r"masker_conf.*must not touch"):
        RandomSpans(10, overlap=False, **asked)
