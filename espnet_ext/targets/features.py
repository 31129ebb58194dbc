"""The frontend's own output, for losses that keep it in bounds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.targets.given import Given


class Features(nn.Module):
    """The frontend's features as they are, before any norm; gradient passes through.

    Args:
        feature_size: F.
    """

    def __init__(self, feature_size: int):
        super().__init__()
        self.dim = feature_size

    def forward(self, given: Given) -> dict[str, Tensor]:
        """vectors_BTC: the features. valid_BT: frames that are not padding."""
        frame_T = torch.arange(given.features_BTF.shape[1], device=given.lengths_B.device)
        return {
            "vectors_BTC": given.features_BTF,
            "valid_BT": frame_T < given.lengths_B[:, None],
        }
