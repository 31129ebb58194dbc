"""Fine-tuning masks: spans of frames get a vector, spans of channels get zeros."""

import pytest
import torch

from espnet_ext.masking.channel import TimeChannelMask, channel_spans, hide
from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.easy_to_hard import EasyToHard
from espnet_ext.masking.inverse_block import InverseBlocks
from espnet_ext.masking.random import RandomSpans


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("start_prob", [0.008, 0.004, 0.0016, 0.012])  # Table 6
def test_starts_are_as_many_as_asked_and_spans_are_whole(start_prob):
    like_BTD = torch.zeros(4000, 1, 768)
    single_BD = channel_spans(like_BTD, start_prob, 1, seeded(0))
    counts_B = single_BD.sum(1)
    expected = start_prob * 768
    assert set(counts_B.tolist()) <= {int(expected), int(expected) + 1}
    assert abs(counts_B.float().mean() - expected) < 0.035  # 4 standard errors

    mask_BD = channel_spans(like_BTD[:300], start_prob, 64, seeded(0))
    edges = torch.nn.functional.pad(mask_BD.int(), (1, 1)).diff(dim=1)
    runs = (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]
    assert runs.min() >= 64
    assert (mask_BD.sum(1) <= 64 * (int(expected) + 1)).all()


def test_no_channel_is_masked_at_probability_zero():
    assert not channel_spans(torch.zeros(50, 1, 768), 0.0, 64, seeded(1)).any()


def test_hide_by_hand():
    x_BTD = torch.arange(1.0, 7.0).view(1, 2, 3)
    hidden = hide(
        x_BTD,
        mask_BT=torch.tensor([[False, True]]),
        mask_BD=torch.tensor([[True, False, False]]),
        vector_D=torch.tensor([7.0, 8.0, 9.0]),
    )
    assert hidden.tolist() == [[[0.0, 2.0, 3.0], [0.0, 8.0, 9.0]]]
    assert x_BTD.flatten().tolist() == [1, 2, 3, 4, 5, 6]  # the input is left as it was


@pytest.mark.parametrize(
    "masker",
    [RandomSpans(4, start_prob=0.1), InverseBlocks(4, fraction=0.3)],
    ids=["random", "block"],
)
def test_training_hides_and_evaluation_does_not(masker):
    module = TimeChannelMask(32, masker, start_prob=0.1, span=4)
    torch.nn.init.constant_(module.mask_embedding_D, 5.0)
    x_BTD = torch.ones(3, 50, 32)
    lengths_B = torch.tensor([50, 30, 1])
    hidden_BTD = module(x_BTD, lengths_B, generator=seeded(2))
    assert torch.equal(hidden_BTD, module(x_BTD, lengths_B, generator=seeded(2)))
    zero_BTD = hidden_BTD == 0
    assert (zero_BTD.any(1) == zero_BTD.all(1)).all()  # whole channels
    masked_BT = ((hidden_BTD == 5.0) | zero_BTD).all(2)
    assert masked_BT.any(1).all()
    assert not masked_BT[1, 30:].any()
    assert ((hidden_BTD == 1) | zero_BTD | masked_BT[..., None]).all()
    hidden_BTD.sum().backward()
    assert module.mask_embedding_D.grad.any()
    assert module.eval()(x_BTD, lengths_B) is x_BTD


def test_either_can_be_turned_off():
    x_BTD, lengths_B = torch.ones(2, 40, 16), torch.tensor([40, 20])
    hidden_BTD = TimeChannelMask(16, start_prob=0.2, span=2)(x_BTD, lengths_B, generator=seeded(3))
    assert (hidden_BTD == hidden_BTD[:, :1]).all()
    assert (hidden_BTD == 0).any(2).all()
    hidden_BTD = TimeChannelMask(16, RandomSpans(4, start_prob=0.1))(x_BTD, lengths_B)
    assert (hidden_BTD == hidden_BTD[..., :1]).all()
    assert (hidden_BTD == 0).any(1).all()
    assert torch.equal(TimeChannelMask(16)(x_BTD, lengths_B), x_BTD)


@pytest.mark.parametrize(
    "conf",
    [
        {"start_prob": 1.0},
        {"start_prob": -0.1},
        {"start_prob": "0.1"},
        {"span": 0},
        {"masker": ConfidenceSpans(fraction=0.4)},
        {"masker": EasyToHard()},
    ],
    ids=str,
)
def test_settings_without_meaning_are_refused(conf):
    with pytest.raises(ValueError, match="expected"):
        TimeChannelMask(16, **conf)


def test_nothing_is_asked_of_the_device():
    """Every draw is on the device of the latents; a number copied to the host would wait for it."""
    waits = {"item", "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal"}
    module = TimeChannelMask(32, RandomSpans(4, start_prob=0.1), start_prob=0.1, span=4)
    x_BTD, lengths_B = torch.randn(3, 50, 32), torch.tensor([50, 30, 7])
    with torch.profiler.profile() as profile:
        module(x_BTD, lengths_B, generator=seeded(4)).sum().backward()
    called = {event.name.removeprefix("aten::") for event in profile.events()}
    assert "masked_fill" in called
    assert not waits & called
