import torch

from espnet_ext.targets.features import Features
from espnet_ext.targets.given import Given


def test_the_features_as_they_are_and_which_are_real():
    features_BTF = torch.randn(2, 4, 3, requires_grad=True)
    latents_BTD, lengths_B = torch.randn(2, 4, 5), torch.tensor([4, 1])
    target = Features(feature_size=3)
    out = target(Given(latents_BTD, lengths_B, torch.tensor(0.0), features_BTF=features_BTF))
    assert out["vectors_BTC"] is features_BTF  # gradient passes
    assert out["valid_BT"].tolist() == [[True] * 4, [True, False, False, False]]
    assert target.dim == 3
