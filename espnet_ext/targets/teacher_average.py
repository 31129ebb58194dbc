"""What the teacher knows of a frame: the mean of its top layers (data2vec).

Shapes: B utterances, T latent frames, D dimension of the teacher's layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.targets.given import Given


class TeacherAverage(nn.Module):
    """Mean over the teacher's top layers, each first normalised over an utterance's frames
    (data2vec; EH-MAM Table 5: "IN -> AVG").

    How many layers, and whether their outputs or their feed-forwards', is the teacher's conf.

    Args:
        hidden_size: D.
        layer_norm: normalise the mean over D, too, without weights: an option of data2vec's public
            code that its confs for speech leave off.
    """

    needs_teacher = True

    def __init__(self, hidden_size: int, layer_norm: bool = False):
        super().__init__()
        self.dim, self.layer_norm = hidden_size, layer_norm

    @torch.no_grad()
    def forward(self, given: Given) -> dict[str, Tensor]:
        """vectors_BTC: the targets, in fp32; zero in padding."""
        taps = given.teacher_layers.taps
        mean_BTD = instance_norm(taps[0], given.lengths_B)
        for tap_BTD in taps[1:]:
            mean_BTD += instance_norm(tap_BTD, given.lengths_B)
        mean_BTD /= len(taps)
        if self.layer_norm:
            mean_BTD = F.layer_norm(mean_BTD, (self.dim,))
        return {"vectors_BTC": mean_BTD}


def instance_norm(x_BTD: Tensor, lengths_B: Tensor, eps: float = 1e-5) -> Tensor:
    """Each dimension to mean 0 and variance 1 over the frames of an utterance, without weights.

    Padding counts for nothing and becomes zero (the public code, which crops a batch to its
    shortest utterance, has none).
    """
    keep_BT1 = (torch.arange(x_BTD.shape[1], device=x_BTD.device) < lengths_B[:, None])[..., None]
    n_B11 = lengths_B.clamp(min=1)[:, None, None]
    x_BTD = x_BTD.float()
    mean_B1D = (x_BTD * keep_BT1).sum(1, keepdim=True) / n_B11
    centred_BTD = (x_BTD - mean_B1D) * keep_BT1
    var_B1D = centred_BTD.square().sum(1, keepdim=True) / n_B11
    return centred_BTD * torch.rsqrt(var_B1D + eps)
