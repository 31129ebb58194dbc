import torch

from espnet_ext.loss.feature_penalty import FeaturePenalty
from espnet_ext.loss.masked import MaskedFrames


def test_mean_square_of_the_real_frames_masked_or_not():
    features_BTF = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[2.0, 2.0], [9.0, 9.0]]])
    features_BTF.requires_grad_()
    target = {
        "vectors_BTC": features_BTF,
        "valid_BT": torch.tensor([[True, True], [True, False]]),
    }
    masked = MaskedFrames.of(torch.tensor([[True, False], [False, False]]), 2)
    loss = FeaturePenalty()(torch.zeros(2, 2, 4), target, masked)
    expected = torch.tensor((1 + 4 + 9 + 0 + 4 + 4) / 6)
    torch.testing.assert_close(loss.value, expected)
    torch.testing.assert_close(loss.stats["feature_rms"], expected.sqrt())
    assert loss.weight == 1
    loss.value.backward()
    torch.testing.assert_close(features_BTF.grad[0], features_BTF[0].detach() / 3)
    assert not features_BTF.grad[1, 1].any()


def test_a_batch_without_a_real_frame_costs_nothing():
    target = {"vectors_BTC": torch.ones(1, 2, 3), "valid_BT": torch.zeros(1, 2).bool()}
    masked = MaskedFrames.of(torch.zeros(1, 2).bool(), 1)
    assert FeaturePenalty()(torch.zeros(1, 2, 4), target, masked).value == 0
