import pytest
import torch
import torch.nn.functional as F

from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.loss.masked_prediction import MaskedPredictionLoss


@pytest.mark.parametrize("groups", [1, 2])
def test_loss_is_the_cross_entropy_of_the_masked_frames(groups):
    torch.manual_seed(0)
    loss_module = MaskedPredictionLoss(6, 0, groups=groups, entries=5)
    hidden_BTD = torch.randn(3, 10, 6)
    codes_BTG = torch.randint(0, 5, (3, 10, groups))
    mask_BT = torch.rand(3, 10) < 0.5
    loss, stats, weight, _ = loss_module(
        hidden_BTD, {"codes_BTG": codes_BTG}, MaskedFrames.of(mask_BT, 10)
    )
    logits_NGV = loss_module.classify(hidden_BTD[mask_BT]).unflatten(-1, (groups, 5))
    per_group = [F.cross_entropy(logits_NGV[:, g], codes_BTG[mask_BT][:, g]) for g in range(groups)]
    torch.testing.assert_close(loss, sum(per_group) / groups)
    right = (logits_NGV.argmax(-1) == codes_BTG[mask_BT]).float().mean()
    torch.testing.assert_close(stats["masked_acc"], right)
    assert weight == mask_BT.sum()


def test_finite_where_nothing_is_masked():
    loss_module = MaskedPredictionLoss(6, 0, entries=5)
    masked = MaskedFrames.of(torch.zeros(2, 4, dtype=torch.bool), 3)
    codes_BTG = torch.zeros(2, 4, 1, dtype=torch.long)
    loss, _, weight, _ = loss_module(torch.randn(2, 4, 6), {"codes_BTG": codes_BTG}, masked)
    loss.backward()
    assert loss == weight == 0
    assert not loss_module.classify.weight.grad.any()
