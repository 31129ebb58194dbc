"""Regression: say the target's vector at every masked frame (data2vec)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class RegressionLoss(nn.Module):
    """Squared error, summed over dimensions, over masked frames alone (data2vec 2.0, EH-MAM
    eq. 3).

    Args:
        hidden_size, target_size: of the two that are compared.
        beta: 0 for the squared error; above, the smooth L1 error, squared below `beta` and linear
            beyond it.
        scale: of a frame's error. None is 1 / sqrt(target_size), as in data2vec's public code.
        projection: a linear layer before the comparison (data2vec 1). A decoder that ends in one,
            as data2vec 2.0's does, needs none.
    """

    def __init__(
        self,
        hidden_size: int,
        target_size: int,
        beta: float = 0.0,
        scale: float | None = None,
        projection: bool = False,
    ):
        super().__init__()
        if not projection and hidden_size != target_size:
            raise ValueError(
                f"loss conf: {hidden_size} dimensions are compared with a target of {target_size}; "
                "add `projection: true`"
            )
        if beta < 0:
            raise ValueError(f"loss conf: beta {beta}; 0 or more is expected")
        self.beta = beta
        self.scale = 1 / math.sqrt(target_size) if scale is None else scale
        self.project = nn.Linear(hidden_size, target_size) if projection else nn.Identity()

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """See `Loss`. The stats `pred_var` and `target_var` are what data2vec's code calls so:
        standard deviations over the masked frames, averaged over dimensions; near 0 both have
        collapsed."""
        said_BKC = self.project(masked.pick(hidden_BTD)).float()
        true_BKC = masked.pick(target["vectors_BTC"]).float()
        if self.beta == 0:
            error_BKC = (said_BKC - true_BKC).square()
        else:
            error_BKC = F.smooth_l1_loss(said_BKC, true_BKC, reduction="none", beta=self.beta)
        per_frame_BK = torch.where(masked.valid_BK, self.scale * error_BKC.sum(-1), 0.0)
        stats = {
            "pred_var": spread(said_BKC.detach(), masked),
            "target_var": spread(true_BKC.detach(), masked),
        }
        return Loss(masked.loss(per_frame_BK), stats, masked.count_B.sum(), per_frame_BK)


def spread(x_BKC: Tensor, masked: MaskedFrames) -> Tensor:
    """sqrt(variance over masked frames + 1e-6), averaged over dimensions."""
    taken_BK1 = masked.valid_BK[..., None]
    n = masked.valid_BK.sum()
    mean_C = (x_BKC * taken_BK1).sum((0, 1)) / n.clamp(min=1)
    squares_C = ((x_BKC - mean_C) * taken_BK1).square().sum((0, 1))
    return (squares_C / (n - 1).clamp(min=1) + 1e-6).sqrt().mean()
