"""What every masker keeps: masks stay inside utterances, in whole spans, of the asked share."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.random import RandomSpans
from espnet_ext.masking.spans import mask_stats


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def runs(mask_T) -> list[tuple[int, int]]:
    """(first, one past last) of every masked run."""
    edges = torch.diff(mask_T.int(), prepend=torch.zeros(1), append=torch.zeros(1))
    begins, ends = (edges == 1).nonzero()[:, 0], (edges == -1).nonzero()[:, 0]
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def run_lengths(mask_BT) -> torch.Tensor:
    """Frames of every masked run of a batch."""
    edges = torch.nn.functional.pad(mask_BT.int(), (1, 1)).diff(dim=1)
    return (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]


@st.composite
def draws(draw):
    """A masker, ragged lengths and confidences of which some are zero."""
    spans = {
        "span": draw(st.integers(1, 12)),
        draw(st.sampled_from(["fraction", "start_prob"])): draw(st.floats(0.01, 0.9)),
    }
    order = draw(st.sampled_from([None, "highest", "lowest", "random"]))
    masker = RandomSpans(**spans) if order is None else ConfidenceSpans(order, **spans)
    lengths_B = torch.tensor(draw(st.lists(st.integers(1, 60), min_size=1, max_size=5)))
    max_length = int(lengths_B.max()) + draw(st.integers(0, 5))
    generator = seeded(draw(st.integers(0, 2**31)))
    confidence_BT = torch.rand((len(lengths_B), max_length), generator=generator)
    confidence_BT[confidence_BT < draw(st.sampled_from([0.0, 0.3, 1.0]))] = 0.0
    return masker, lengths_B, max_length, confidence_BT, generator


@settings(max_examples=150, deadline=None, derandomize=True)
@given(draws())
def test_masks_are_whole_spans_inside_each_utterance(drawn):
    masker, lengths_B, max_length, confidence_BT, generator = drawn
    mask_BT = masker(lengths_B, max_length, confidence_BT=confidence_BT, generator=generator)

    assert mask_BT.shape == (len(lengths_B), max_length)
    assert mask_BT.dtype == torch.bool
    for mask_T, length in zip(mask_BT, lengths_B.tolist(), strict=True):
        span = max(1, min(masker.span, length // 2))
        masked = int(mask_T.sum())
        assert not mask_T[length:].any()
        # a run is a union of spans inside the utterance exactly if it is at least one span long
        assert all(end - begin >= span for begin, end in runs(mask_T))
        assert masked <= masker.max_masked(length) <= masker.max_masked(max_length)
        if masker.fraction is not None and masker.fraction <= 0.5 and length > 1:
            assert masked < length  # some context stays visible
        if masker.start_prob is not None:
            assert masked <= span * max(1, int(masker.start_prob * length + 1))
        every_start_allowed = masker.needs == () or masker.order == "random"
        if every_start_allowed and masker.fraction is not None:
            wanted = max(1.0, masker.fraction * length)
            assert wanted - span < masked < wanted + span  # own count, not the batch's


@pytest.mark.parametrize("fraction", [0.15, 0.4, 0.65])
@pytest.mark.parametrize("order", [None, "highest", "lowest"])
def test_expected_fraction_is_the_asked_one(fraction, order):
    generator = seeded(1)
    lengths_B = torch.tensor([300, 211] * 1000)
    confidence_BT = torch.rand((1, 300), generator=generator).expand(2000, -1)
    masker = ConfidenceSpans(order, fraction=fraction) if order else RandomSpans(fraction=fraction)
    mask_BT = masker(lengths_B, 300, confidence_BT=confidence_BT, generator=generator)
    for first in (0, 1):  # each length on its own
        share = mask_BT[first::2].sum(1) / lengths_B[first::2]
        standard_error = share.std() / len(share) ** 0.5
        assert standard_error < 6e-4
        assert abs(share.mean() - fraction) < 4 * standard_error


def test_wav2vec2_masks_49_percent_in_spans_of_299_ms():
    """wav2vec 2.0 appendix A: 15 s, p = 0.065, M = 10."""
    lengths_B = torch.full((3000,), 750)
    mask_BT = RandomSpans(span=10, start_prob=0.065)(lengths_B, 750, generator=seeded(2))
    stats = mask_stats(mask_BT, lengths_B, frame_shift_ms=20)
    run_frames = run_lengths(mask_BT)

    assert abs(stats["masked_fraction"] - 0.49) < 0.005
    mean_frames = run_frames.float().mean()
    assert abs(mean_frames - 14.7) < 0.1
    # The paper's 299 ms are 14.7 frames and the 5 ms by which the encoder's field exceeds its hop.
    assert abs(stats["mean_span_ms"] + 5 - 299) < 2
    assert abs(stats["mean_span_ms"] - 20 * mean_frames) < 0.1
    assert run_frames.median() == 10
    assert 90 <= run_frames.max() <= 130  # "about 100"


def test_hubert_masks_57_percent():
    """start_prob 0.08, as HuBERT's public conf (0.8 / 10); MS-HuBERT says "around 50 %"."""
    lengths_B = torch.full((500,), 750)
    mask_BT = RandomSpans(span=10, start_prob=0.08)(lengths_B, 750, generator=seeded(2))
    assert abs(mask_stats(mask_BT, lengths_B, 20)["masked_fraction"] - 0.567) < 0.003


def test_start_prob_counts_starts_with_probabilistic_rounding():
    """n = floor(p·T + u), as wav2vec 2.0's public code; spans of one frame show n itself."""
    lengths_B = torch.tensor([30, 47, 3] * 2000)
    mask_BT = RandomSpans(span=1, start_prob=0.1)(lengths_B, 47, generator=seeded(3))
    starts_3N = mask_BT.sum(1).view(-1, 3).T
    assert set(starts_3N[0].tolist()) == {3}  # 0.1 x 30, nothing to round
    assert set(starts_3N[1].tolist()) == {4, 5}
    assert abs(starts_3N[1].float().mean() - 4.7) < 0.05
    assert set(starts_3N[2].tolist()) == {1}  # at least one


@pytest.mark.parametrize("spans", [{"fraction": 0.3}, {"start_prob": 0.05}])
def test_an_utterance_is_masked_alike_in_any_batch(spans):
    masker, n = RandomSpans(span=5, **spans), 4000
    alone_BT = masker(torch.full((n,), 40), 40, generator=seeded(4))
    among_BT = masker(torch.tensor([60] + [40] * n + [3]), 60, generator=seeded(5))[1:-1]
    difference_T = alone_BT.float().mean(0) - among_BT[:, :40].float().mean(0)
    assert difference_T.abs().max() < 0.045  # 4 standard errors
    assert abs(difference_T.mean()) < 0.01


def test_same_seed_same_mask():
    lengths_B = torch.tensor([50, 20])
    masker = RandomSpans(fraction=0.4)
    first, again, other = (masker(lengths_B, 50, generator=seeded(s)) for s in (6, 6, 7))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("spans", [{}, {"fraction": 0.4, "start_prob": 0.1}, {"fraction": 1.5}])
def test_contradictory_settings_are_refused(spans):
    with pytest.raises(ValueError, match="masker_conf"):
        RandomSpans(**spans)
