"""Convolutional decoder: from what a student has seen to what it has not (data2vec 2.0).

Shapes: B rows, T frames, D the encoder's width.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ConvDecoder(nn.Module):
    """Grouped convolutions, each with layer norm (without weights), GELU and, where its dimensions
    allow, a residual; a linear layer back to D. Sizes are those of data2vec 2.0's public conf for
    speech and of EH-MAM's Table 5.

    Args:
        hidden_size: D. dim, kernel, groups: of each convolution. layers: how many.
    """

    def __init__(
        self,
        hidden_size: int,
        dim: int = 384,
        kernel: int = 7,
        groups: int = 16,
        layers: int = 4,
    ):
        super().__init__()
        if hidden_size % groups or dim % groups or kernel % 2 == 0:
            raise ValueError(
                f"view_conf: decoder of {hidden_size} to {dim} dimensions, groups {groups}, kernel "
                f"{kernel}; groups that divide both and an odd kernel are expected"
            )
        self.dim = dim
        self.convs = nn.ModuleList(
            nn.Conv1d(
                hidden_size if i == 0 else dim, dim, kernel, padding=kernel // 2, groups=groups
            )
            for i in range(layers)
        )
        self.out = nn.Linear(dim, hidden_size)

    def forward(self, x_BTD: Tensor, pad_BT1: Tensor) -> Tensor:
        """(B, T, D). Padding is zero before each convolution, as beyond the end of a lone row."""
        for conv in self.convs:
            y_BTD = conv(x_BTD.masked_fill(pad_BT1, 0.0).transpose(1, 2)).transpose(1, 2)
            y_BTD = F.gelu(F.layer_norm(y_BTD, (self.dim,)))
            x_BTD = y_BTD + x_BTD if y_BTD.shape == x_BTD.shape else y_BTD
        return self.out(x_BTD)
