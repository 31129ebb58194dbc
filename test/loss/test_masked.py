import torch

from espnet_ext.loss.masked import MaskedFrames


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
