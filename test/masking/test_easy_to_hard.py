"""EH-MAM's masks: what is hard, how much of it, and the masked share that the release lets fall."""

import pytest
import torch

from espnet_ext.masking.easy_to_hard import EasyToHard
from espnet_ext.masking.random import RandomSpans

N, T = 400, 750  # 15 s at 20 ms


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def losses(smooth: bool) -> torch.Tensor:
    """White noise, as it is or smoothed over half a second."""
    noise_BT = torch.randn((N, T + 24), generator=seeded(0))
    window = torch.hann_window(25, periodic=False)[None, None]
    smooth_BT = torch.nn.functional.conv1d(noise_BT[:, None], window)[:, 0]
    return smooth_BT if smooth else noise_BT[:, :T]


def share(hold: str, progress: float, smooth: bool) -> float:
    masker = EasyToHard(span=5, fraction=0.5, hold=hold)
    lengths_B = torch.full((N,), T)
    mask_BT = masker(
        lengths_B, T, predicted_loss_BT=losses(smooth), progress=progress, generator=seeded(1)
    )
    return float(mask_BT.float().mean())


@pytest.mark.parametrize(("progress", "masked"), [(0, 0.41), (0.4, 0.32), (0.8, 0.205), (1, 0.14)])
def test_the_released_masks_shrink_with_progress(progress, masked):
    assert abs(share("starts", progress, smooth=True) - masked) < 0.01
    assert abs(share("starts", progress, smooth=False) - 0.41) < 0.005


@pytest.mark.parametrize("progress", [0, 0.4, 0.8, 1])
@pytest.mark.parametrize("smooth", [True, False])
def test_by_default_the_masked_share_stays_at_p(progress, smooth):
    assert abs(share("fraction", progress, smooth) - 0.5) < 0.001


def one(loss, progress: float = 1.0, span: int = 2, fraction: float = 0.5, **conf) -> list[int]:
    """The masked frames of one utterance."""
    masker = EasyToHard(span, fraction, **conf)
    loss_BT = torch.tensor([loss])
    n = len(loss)
    mask_BT = masker(
        torch.tensor([n]), n, predicted_loss_BT=loss_BT, progress=progress, generator=seeded(2)
    )
    return mask_BT[0].nonzero()[:, 0].tolist()


def test_at_the_end_the_hardest_spans_are_masked_by_hand():
    loss = [0.0, 0.1, 9.0, 8.0, 0.2, 0.3, 7.0, 0.4, 0.5, 0.6, 0.7, 0.8]
    # half of 12 frames: from 2 and 3 on three frames, from 6 on two, then 0.8, the end's hardest
    assert one(loss)[:5] == [2, 3, 4, 6, 7]
    assert set(one(loss)[5:]) <= {10, 11}
    # the same number of starts, 3, whose spans overlap
    assert one(loss, hold="starts") == [2, 3, 4, 6, 7]


def test_the_last_frame_can_be_the_hardest():
    loss = [0.0] * 19 + [1.0]
    assert one(loss, span=4, fraction=0.2) == [16, 17, 18, 19]
    assert one(loss, span=4, fraction=0.2, hold="starts") == [19]  # cut, as in the release


@pytest.mark.parametrize(("progress", "early"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_hard_share_grows_with_progress(progress, early):
    """Losses are high in the first half: all of the hard part lies there, and half of the rest."""
    lengths_B = torch.full((500,), 200)
    loss_BT = (torch.arange(200) < 100) + torch.rand(500, 200, generator=seeded(3))
    mask_BT = EasyToHard(5, 0.2)(
        lengths_B, 200, predicted_loss_BT=loss_BT, progress=progress, generator=seeded(4)
    )
    assert abs(mask_BT[:, :100].sum() / mask_BT.sum() - early) < 0.03


def test_at_the_beginning_the_loss_has_no_say():
    masks = [
        EasyToHard(hold=hold)(
            torch.tensor([90, 40]),
            90,
            predicted_loss_BT=torch.randn(2, 90, generator=seeded(seed)),
            generator=seeded(9),
        )
        for hold in ("fraction", "starts")
        for seed in (5, 6)
    ]
    assert torch.equal(masks[0], masks[1])
    assert torch.equal(masks[2], masks[3])


def test_equal_losses_make_a_random_mask_not_a_masked_beginning():
    lengths_B = torch.full((4000,), 60)
    easy_BT, hard_BT = (
        EasyToHard(5, 0.4)(
            lengths_B,
            60,
            predicted_loss_BT=torch.zeros(4000, 60),
            progress=progress,
            generator=seeded(7),
        )
        for progress in (0.0, 1.0)
    )
    assert torch.equal(easy_BT, hard_BT)
    random_BT = RandomSpans(5, fraction=0.4)(lengths_B, 60, generator=seeded(8))
    assert (hard_BT.float().mean(0) - random_BT.float().mean(0)).abs().max() < 0.045


def test_losses_without_a_number_are_the_easiest():
    loss = [float("nan"), float("-inf")] * 5 + [1.0] * 10
    assert min(one(loss, span=1)) == 10
    assert one(loss, span=1) == list(range(10, 20))


def test_a_whole_number_of_random_starts_loses_none():
    """n = 10 starts, r = 0.8: two are random, whichever way 1 - r is rounded."""
    lengths_B, loss_BT = torch.full((200,), 100), torch.arange(100.0).flip(0).expand(200, -1)
    for progress in (0.8, torch.tensor(0.8)):
        mask_BT = EasyToHard(5, 0.5, hold="starts")(
            lengths_B, 100, predicted_loss_BT=loss_BT, progress=progress, generator=seeded(10)
        )
        assert mask_BT[:, :12].all()  # frames 0 to 7 are the hardest starts
        assert mask_BT[:, 12:].sum(1).max() == 10


def test_the_released_jump():
    masker = EasyToHard(jump=[0.7, 0.8])
    for progress, expected in ((0.0, 0.0), (0.69, 0.69), (0.7, 0.8), (1.0, 0.8)):
        assert masker.hard_share(progress) == pytest.approx(expected)
        assert float(masker.hard_share(torch.tensor(progress))) == pytest.approx(expected)
    assert EasyToHard().hard_share(0.9) == 0.9


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"hold": "loss"}, "fraction nor starts"),
        ({"jump": [0.7]}, "jump"),
        ({"jump": [0.7, 8]}, "jump"),
        ({"fraction": 0}, "fraction"),
    ],
)
def test_settings_without_meaning_are_refused(conf, message):
    with pytest.raises(ValueError, match=f"masker_conf.*{message}"):
        EasyToHard(**conf)
