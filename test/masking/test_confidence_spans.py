"""Ask2Mask's draw: where spans start, against the scorer's confidences."""

import itertools

import pytest
import torch
from scipy.stats import chisquare

from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.random import RandomSpans

CONFIDENCE_T = torch.tensor([0.9, 0.1, 0.5, 0.0, 1.0, 0.02, 0.3, 0.7, 0.4, 0.95, 0.6, 0.8])
SPAN, STARTS = 3, 10  # 12 frames: a span of 3 starts at one of the first 10


def only_start_counts(order: str, n: int = 20000) -> torch.Tensor:
    """How often each frame starts the only span: a tiny `start_prob` draws one start. Five frames
    of padding are as sure as can be, or as unsure."""
    masker = ConfidenceSpans(order, span=SPAN, start_prob=1e-9)
    padding_T = torch.full((5,), 0.0 if order == "lowest" else 1.0)
    mask_BT = masker(
        torch.full((n,), 12),
        17,
        confidence_BT=torch.cat([CONFIDENCE_T, padding_T]).expand(n, -1),
        generator=torch.Generator().manual_seed(1),
    )
    assert (mask_BT[:, :12].sum(1) == mask_BT.sum(1)).all()
    assert (mask_BT.sum(1) == SPAN).all()
    return mask_BT.int().argmax(1).bincount(minlength=STARTS)


@pytest.mark.parametrize(
    ("order", "weight_T"),
    [
        ("highest", CONFIDENCE_T),
        ("lowest", 1 - CONFIDENCE_T),
        ("random", torch.ones(12)),
    ],
)
def test_starts_are_drawn_in_proportion_to_the_score(order, weight_T):
    weight_T = weight_T[:STARTS].double()
    possible = weight_T > 0
    counts_T = only_start_counts(order)
    assert not counts_T[~possible].any()  # weight zero is never a start
    expected = weight_T / weight_T.sum() * counts_T.sum()
    assert chisquare(counts_T[possible], expected[possible]).pvalue > 1e-3


def test_later_starts_are_drawn_without_replacement():
    """Two spans of one frame: P({i, j}) = p_i p_j / (1 - p_i) + p_j p_i / (1 - p_j)."""
    p_T = torch.tensor([0.1, 0.2, 0.3, 0.4])
    mask_BT = ConfidenceSpans("highest", span=1, start_prob=0.5)(
        torch.full((20000,), 4),
        4,
        confidence_BT=p_T.expand(20000, -1),
        generator=torch.Generator().manual_seed(2),
    )
    pairs = list(itertools.combinations(range(4), 2))
    counts = [int((mask_BT[:, i] & mask_BT[:, j]).sum()) for i, j in pairs]
    p = p_T.double().tolist()
    expected = [20000 * p[i] * p[j] * (1 / (1 - p[i]) + 1 / (1 - p[j])) for i, j in pairs]
    assert sum(counts) == 20000
    assert chisquare(counts, expected, sum_check=False).pvalue > 1e-3


def test_a_frame_of_no_confidence_starts_no_span():
    generator = torch.Generator().manual_seed(3)
    confidence_BT = torch.rand((500, 40), generator=generator)
    confidence_BT[confidence_BT < 0.6] = 0.0
    confidence_BT[0] = 0.0
    mask_BT = ConfidenceSpans(span=4, fraction=0.5)(
        torch.full((500,), 40), 40, confidence_BT=confidence_BT, generator=generator
    )
    begins_BT = mask_BT & ~torch.nn.functional.pad(mask_BT, (1, 0))[:, :-1]
    assert (confidence_BT[begins_BT] > 0).all()
    assert not mask_BT[0].any()
    assert mask_BT[1:].any(1).all()


@pytest.mark.parametrize("order", ["highest", "lowest", "random"])
def test_a_constant_confidence_is_a_random_mask(order):
    lengths_B = torch.tensor([50, 31, 1])
    masks = [
        masker(
            lengths_B,
            50,
            confidence_BT=torch.full((3, 50), 0.3),
            generator=torch.Generator().manual_seed(4),
        )
        for masker in (ConfidenceSpans(order, fraction=0.4), RandomSpans(fraction=0.4))
    ]
    assert torch.equal(*masks)
