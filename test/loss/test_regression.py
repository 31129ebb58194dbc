"""Regression loss against explicit loops over masked frames and dimensions."""

import math

import pytest
import torch

from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.loss.regression import RegressionLoss

MASK = torch.tensor([[0, 1, 1, 0, 1, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]).bool()
DIM = 4


def data() -> tuple[torch.Tensor, dict[str, torch.Tensor], MaskedFrames]:
    torch.manual_seed(0)
    hidden_BTD = torch.randn(3, 6, DIM, requires_grad=True)
    return hidden_BTD, {"vectors_BTC": torch.randn(3, 6, DIM)}, MaskedFrames.of(MASK, 4)


@pytest.mark.parametrize(("beta", "scale"), [(0.0, None), (0.5, None), (0.0, 2.0)])
def test_loss_is_the_scaled_error_of_the_masked_frames(beta, scale):
    hidden_BTD, target, masked = data()
    loss = RegressionLoss(DIM, DIM, beta=beta, scale=scale)(hidden_BTD, target, masked)
    errors = []
    for row, frame in MASK.nonzero().tolist():
        error = 0.0
        for d in range(DIM):
            gap = float(hidden_BTD.detach()[row, frame, d] - target["vectors_BTC"][row, frame, d])
            if beta == 0:
                error += gap**2
            else:
                error += gap**2 / (2 * beta) if abs(gap) < beta else abs(gap) - beta / 2
        errors.append(error * (1 / math.sqrt(DIM) if scale is None else scale))
    assert loss.value.item() == pytest.approx(sum(errors) / 4, rel=1e-5)
    assert loss.weight == 4
    assert loss.per_frame_BK[masked.valid_BK].tolist() == pytest.approx(errors, rel=1e-5)
    assert not loss.per_frame_BK[~masked.valid_BK].any()
    loss.value.backward()
    assert torch.equal(hidden_BTD.grad.any(-1), MASK)


def test_spread_of_targets_and_predictions_over_masked_frames():
    hidden_BTD, target, masked = data()
    stats = RegressionLoss(DIM, DIM)(hidden_BTD, target, masked).stats
    for name, x_BTD in (("pred_var", hidden_BTD), ("target_var", target["vectors_BTC"])):
        expected = (x_BTD[MASK].var(0) + 1e-6).sqrt().mean()
        torch.testing.assert_close(stats[name], expected.detach())


def test_collapse_shows_in_the_spread():
    _, target, masked = data()
    stats = RegressionLoss(DIM, DIM)(torch.ones(3, 6, DIM), target, masked).stats
    assert stats["pred_var"] < 0.01 < 0.1 < stats["target_var"]


def test_nothing_masked_is_zero():
    hidden_BTD, target, _ = data()
    loss = RegressionLoss(DIM, DIM)(hidden_BTD, target, MaskedFrames.of(torch.zeros_like(MASK), 4))
    loss.value.backward()
    assert loss.value == loss.weight == 0
    assert not hidden_BTD.grad.any()


def test_another_dimension_wants_a_projection():
    with pytest.raises(ValueError, match="6 dimensions are compared with a target of 4"):
        RegressionLoss(6, 4)
    hidden_BTD, target, masked = data()
    loss = RegressionLoss(6, 4, projection=True)
    loss(hidden_BTD.repeat(1, 1, 2)[..., :6], target, masked).value.backward()
    assert loss.project.weight.grad.any()
