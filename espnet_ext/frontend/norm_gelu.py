"""Norm of each channel over an utterance's own frames, then GELU: the largest tensors of a model.

Shapes: B utterances, C channels, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NormGelu(nn.Module):
    """Group norm with a group for each channel, and GELU (first block of wav2vec 2.0 BASE).

    Deviation: the public code's statistics run over padding, so that an utterance's features
    depend on what it is batched with. Ours run over its own frames; where nothing is padded both
    are the same. Frames of padding are the same for every utterance and get no gradient.

    Args:
        channels: C. eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_BCT: Tensor, lengths_B: Tensor) -> Tensor:
        """(B, C, T) in float32, whatever `x` is. `x` itself is overwritten."""
        x_BCT = x_BCT.float()
        keep_BT = torch.arange(x_BCT.shape[2], device=x_BCT.device) < lengths_B[:, None]
        keep_B1T = keep_BT[:, None].to(x_BCT.dtype)
        n_B11 = lengths_B.clamp(min=1)[:, None, None]
        weight_C1, bias_C1 = self.weight[:, None], self.bias[:, None]
        return _NormGelu.apply(x_BCT, keep_B1T, n_B11, weight_C1, bias_C1, self.eps)[1]


class _NormGelu(torch.autograd.Function):
    """Derived by hand to keep two tensors of this size rather than three, and to fill one anew on
    the way there and one on the way back: on a CPU new memory costs more than what is computed."""

    @staticmethod
    def forward(ctx, x_BCT, keep_B1T, n_B11, weight_C1, bias_C1, eps):
        x_BCT.mul_(keep_B1T)
        x_BCT.sub_(x_BCT.sum(2, keepdim=True) / n_B11).mul_(keep_B1T)
        square_BC1 = torch.linalg.vector_norm(x_BCT, dim=2, keepdim=True).square()
        scale_BC1 = (square_BC1 / n_B11 + eps).rsqrt()
        x_BCT.mul_(scale_BC1)
        ctx.mark_dirty(x_BCT)
        ctx.save_for_backward(x_BCT, scale_BC1, keep_B1T, n_B11, weight_C1, bias_C1)
        return x_BCT, torch.ops.aten.gelu_(torch.addcmul(bias_C1, x_BCT, weight_C1))

    @staticmethod
    def backward(ctx, _, grad_BCT):
        x_BCT, scale_BC1, keep_B1T, n_B11, weight_C1, bias_C1 = ctx.saved_tensors
        into_BCT = torch.addcmul(bias_C1, x_BCT, weight_C1)
        torch.ops.aten.gelu_backward.grad_input(grad_BCT, into_BCT, grad_input=into_BCT)
        into_BCT.mul_(keep_B1T)
        sum_BC1 = into_BCT.sum(2, keepdim=True)
        dot_BC1 = torch.linalg.vecdot(into_BCT, x_BCT)[..., None]
        into_BCT.addcmul_(x_BCT, -dot_BC1 / n_B11).sub_(sum_BC1 / n_B11)
        into_BCT.mul_(weight_C1 * scale_BC1).mul_(keep_B1T)
        return into_BCT, None, None, dot_BC1.sum(0), sum_BC1.sum(0), None
