import torch

from espnet_ext.loss.masked import MaskedFrames, utterance_confidence


def test_picking_and_averaging_equal_boolean_indexing():
    torch.manual_seed(0)
    mask_BT = torch.rand(4, 9) < 0.4
    mask_BT[1] = False
    x_BTD = torch.randn(4, 9, 3)
    for max_masked in (int(mask_BT.sum(1).max()), 9):
        masked = MaskedFrames.of(mask_BT, max_masked)
        assert torch.equal(masked.count_B, mask_BT.sum(1))
        assert torch.equal(masked.pick(x_BTD)[masked.valid_BK], x_BTD[mask_BT])  # same order
        assert torch.equal(masked.pick(x_BTD[..., 0])[masked.valid_BK], x_BTD[..., 0][mask_BT])
        mean = masked.mean(masked.pick(x_BTD[..., 0]))
        torch.testing.assert_close(mean, x_BTD[..., 0][mask_BT].mean())


def test_the_mean_of_no_frames_is_zero():
    masked = MaskedFrames.of(torch.zeros(2, 5, dtype=torch.bool), 3)
    assert masked.mean(torch.ones(2, 3)) == 0


def test_weights_of_utterances_by_hand():
    """Losses 1 and 3 at weight 0.5, 5 at weight 0.2: (0.5 * 4 + 0.2 * 5) / 3 frames."""
    mask_BT = torch.tensor([[True, False, True, False], [False, False, True, False]])
    loss_BT = torch.tensor([[1.0, 9.0, 3.0, 9.0], [9.0, 9.0, 5.0, 9.0]])
    confidence_BT = torch.tensor([[0.2, 0.8, 0.4, 0.6], [0.3, 0.1, 0.9, 0.9]])  # 0.9: padding
    weight_B = utterance_confidence(confidence_BT, torch.tensor([4, 2]))
    torch.testing.assert_close(weight_B, torch.tensor([0.5, 0.2]))
    masked = MaskedFrames.of(mask_BT, 3, weight_B)
    torch.testing.assert_close(masked.loss(masked.pick(loss_BT)), torch.tensor(1.0))
    assert masked.mean(masked.pick(loss_BT)) == 3  # what is watched, accuracies say, is not weighed
