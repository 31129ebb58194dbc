"""Ranking loss against the double loop of EH-MAM's equations 4 to 6."""

import math

import pytest
import torch

from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.loss.ranking import LossPredictor, RankingLoss

DIM = 8
MASK = torch.tensor([[0, 1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0]]).bool()
REAL_BK = torch.tensor([[0.5, 2.0, 2.0, 0.1, 3.0], [1.0, 0.3, 0, 0, 0], [1.0, 0, 0, 0, 0]])


def ranking(**options) -> RankingLoss:
    torch.manual_seed(0)
    return RankingLoss(DIM, dim=8, kernel=3, groups=2, layers=2, **options)


def double_loop(predicted_BT: torch.Tensor) -> tuple[float, int, int]:
    """Eq. 6 over masked frames i != j whose losses differ; how many such pairs, how many right."""
    total, pairs, right = 0.0, 0, 0
    for row, mask_T in enumerate(MASK):
        frames = mask_T.nonzero().flatten().tolist()
        for i, frame_i in enumerate(frames):
            for j, frame_j in enumerate(frames):
                if i == j or REAL_BK[row, i] == REAL_BK[row, j]:
                    continue
                indicator = 1 if REAL_BK[row, i] > REAL_BK[row, j] else 0
                gap = float(predicted_BT[row, frame_i] - predicted_BT[row, frame_j])
                s = math.exp(gap) / (1 + math.exp(gap))
                total -= indicator * math.log(s) + (1 - indicator) * math.log(1 - s)
                pairs += 1
                right += (gap > 0) == bool(indicator)
    return total, pairs, right


@pytest.mark.parametrize("normaliser", ["frames", "pairs", "utterances"])
def test_loss_equals_the_double_loop_of_equations_4_to_6(normaliser):
    loss = ranking(normaliser=normaliser)
    hidden_BTD = torch.randn(3, 7, DIM, requires_grad=True)
    got = loss(hidden_BTD, {"frame_loss_BK": REAL_BK}, MaskedFrames.of(MASK, 5))
    total, pairs, right = double_loop(loss.predictor(hidden_BTD).detach())
    assert pairs == 5 * 4 - 2 + 2  # a tie in the first utterance, no pair in the last
    divisor = {"frames": 8, "pairs": pairs, "utterances": 3}[normaliser]
    assert got.value.item() == pytest.approx(total / divisor, rel=1e-5)
    assert got.stats["ranking_acc"].item() == pytest.approx(right / pairs)
    assert got.weight == 8
    got.value.backward()
    assert hidden_BTD.grad.any()
    assert all(p.grad.any() for p in loss.predictor.parameters())


class Says(torch.nn.Module):
    def __init__(self, predicted_BT):
        super().__init__()
        self.predicted_BT = predicted_BT

    def forward(self, x_BTD):
        return self.predicted_BT


def test_far_off_predictions_are_finite():
    """log(sigmoid + 1e-6) of the released code ends at 13.8; in half precision it is infinite."""
    loss = ranking(normaliser="utterances")
    predicted_BT = torch.tensor([[0.0, 30000.0]], dtype=torch.bfloat16, requires_grad=True)
    loss.predictor = Says(predicted_BT)
    masked = MaskedFrames.of(torch.ones(1, 2).bool(), 2)
    got = loss(torch.zeros(1, 2, DIM), {"frame_loss_BK": torch.tensor([[1.0, 0.0]])}, masked)
    assert got.value == 2 * predicted_BT.detach().float()[0, 1]
    got.value.backward()
    assert torch.isfinite(predicted_BT.grad).all()


def test_no_pairs_is_zero():
    got = ranking(normaliser="pairs")(
        torch.randn(3, 7, DIM),
        {"frame_loss_BK": torch.zeros(3, 5)},
        MaskedFrames.of(torch.zeros_like(MASK), 5),
    )
    assert got.value == got.weight == got.stats["ranking_acc"] == 0


def test_predictions_of_an_utterance_do_not_depend_on_its_batch():
    torch.manual_seed(1)
    predictor = LossPredictor(DIM, 4, 3, 2, 3)
    x_BTD = torch.randn(2, 9, DIM)
    x_BTD[1, 4:] = 0.0
    alone_1T = predictor(x_BTD[1:, :4])
    torch.testing.assert_close(predictor(x_BTD)[1, :4], alone_1T[0])


def test_a_predictor_of_the_papers_size():
    """EH-MAM Table 5: 4 convolutions of 384 channels, kernel 7, 16 groups; then norm and linear."""
    n = sum(p.numel() for p in RankingLoss(768).predictor.parameters())
    convs = 384 * (768 // 16 * 7 + 1) + 3 * 384 * (384 // 16 * 7 + 1)
    assert n == convs + 2 * 384 + 768 * (384 + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normaliser": "mean"}, "normaliser 'mean' is not frames, pairs or utterances"),
        ({"groups": 3}, "groups that divide both"),
    ],
)
def test_confs_without_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RankingLoss(DIM, **options)
