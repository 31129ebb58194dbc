"""Where a frame stands: convolutions over time, and a penalty on distance.

Shapes: B rows, T frames, D dimension, H heads, K keys and queries.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvPositions(nn.Module):
    """One grouped convolution with weight norm, then GELU (wav2vec 2.0 §2: kernel 128, 16 groups).

    What is added to a frame depends on the frames around it. Weight norm (one gain for each tap)
    and N(0, 4 / (kernel · D)) as the start are the public code's; the paper names neither.

    Args:
        dim: D. kernel: taps; an even number looks one frame further back than ahead.
        groups: D is divided among them.
    """

    def __init__(self, dim: int, kernel: int = 128, groups: int = 16):
        super().__init__()
        _check_groups(dim, groups)
        self.groups, self.kernel = groups, kernel
        std = math.sqrt(4.0 / (kernel * dim))
        self.direction_DIK = nn.Parameter(torch.empty(dim, dim // groups, kernel).normal_(0, std))
        self.gain_11K = nn.Parameter(self.direction_DIK.detach().norm(dim=(0, 1), keepdim=True))
        self.bias_D = nn.Parameter(torch.zeros(dim))

    def forward(self, x_BTD: Tensor, pad_BT1: Tensor) -> Tensor:
        """Positions, (B, T, D). Padding counts as silence, whatever stands in it."""
        weight_DIK = torch._weight_norm(self.direction_DIK, self.gain_11K, 2)
        x_BDT = x_BTD.masked_fill(pad_BT1, 0.0).transpose(1, 2)
        x_BDT = F.pad(x_BDT, (self.kernel // 2, (self.kernel - 1) // 2))
        return F.gelu(F.conv1d(x_BDT, weight_DIK, self.bias_D, groups=self.groups)).transpose(1, 2)


class ConvStackPositions(nn.Module):
    """Several narrow convolutions, each with layer norm (without weights) and GELU (data2vec).

    The papers say "convolution of width 95"; the public code has five of 19 taps, 16 groups.

    Args:
        dim: D. kernel: taps of each, odd. depth: how many. groups: D is divided among them.
    """

    def __init__(self, dim: int, kernel: int = 19, depth: int = 5, groups: int = 16):
        super().__init__()
        _check_groups(dim, groups)
        if kernel % 2 == 0:
            raise ValueError(f"encoder_conf: pos_kernel {kernel} is even; a stack wants an odd one")
        self.dim = dim
        self.convs = nn.ModuleList(
            nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=groups) for _ in range(depth)
        )

    def forward(self, x_BTD: Tensor, pad_BT1: Tensor) -> Tensor:
        """Positions, (B, T, D). Padding counts as silence before every convolution: past its end
        a lone utterance has zeros there, too."""
        for conv in self.convs:
            x_BDT = conv(x_BTD.masked_fill(pad_BT1, 0.0).transpose(1, 2))
            x_BTD = F.gelu(F.layer_norm(x_BDT.transpose(1, 2), (self.dim,)))
        return x_BTD


class Alibi(nn.Module):
    """Attention scores fall with distance: -scale_h · slope_h · |i - j| (Press et al. 2022).

    data2vec 2.0 uses it both ways in time and learns one scale for each head, from 1, not below 0.

    Args:
        heads: H. learned: whether the scale is.
    """

    def __init__(self, heads: int, learned: bool):
        super().__init__()
        self.register_buffer("slope_H", alibi_slopes(heads), persistent=False)
        self.scale_H = nn.Parameter(torch.ones(heads)) if learned else None

    def forward(self, place_BK: Tensor) -> Tensor:
        """What is added to the scores of frames that stand at `place`, (B, H, K, K)."""
        distance_BKK = (place_BK[:, :, None] - place_BK[:, None, :]).abs()
        slope_H = self.slope_H if self.scale_H is None else self.slope_H * self.scale_H.clamp(min=0)
        return -slope_H[:, None, None] * distance_BKK[:, None]


def alibi_slopes(heads: int) -> Tensor:
    """2^(-8/n), 2^(-16/n), … for n heads where n is a power of two. For another number: those of
    the next lower power, then every second one of the next higher (Press et al.'s code)."""
    lower = 2 ** int(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / lower) for i in range(lower)]
    slopes += [2 ** (-4 * (i + 1) / lower) for i in range(0, 2 * lower, 2)]
    return torch.tensor(slopes[:heads])


def _check_groups(dim: int, groups: int) -> None:
    if dim % groups:
        raise ValueError(
            f"encoder_conf: output_size {dim} is not a multiple of pos_groups {groups}"
        )
