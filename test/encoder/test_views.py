import torch

from espnet_ext.encoder.views import OneView


class Identity(torch.nn.Module):
    """An encoder of one layer that shows what it was shown."""

    embed = torch.nn.Identity()

    def hidden(self, x_BTD, lengths_B):
        return [x_BTD]


def test_only_masked_frames_are_replaced_and_the_latents_stay():
    view = OneView(4)
    latents_BTD = torch.randn(2, 6, 4, requires_grad=True)
    before_BTD = latents_BTD.detach().clone()
    mask_BT = torch.rand(2, 6) < 0.5
    seen = view(Identity(), latents_BTD, torch.tensor([6, 4]), mask_BT)
    (shown_BTD,) = seen.layers

    assert torch.equal(latents_BTD, before_BTD)  # targets read them afterwards
    assert torch.equal(shown_BTD[~mask_BT], before_BTD[~mask_BT])
    assert (shown_BTD[mask_BT] == view.mask_embedding_D).all()

    shown_BTD.sum().backward()  # no gradient passes a masked frame to its latent
    assert torch.equal(latents_BTD.grad.ne(0).any(-1), ~mask_BT)
    assert (view.mask_embedding_D.grad == mask_BT.sum()).all()
