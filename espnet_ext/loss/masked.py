"""The masked frames of a batch, side by side: what every masked loss reads.

Shapes: B utterances, T frames, K places for an utterance's masked frames (K <= T).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Loss(NamedTuple):
    """What every loss returns.

    value: mean over the masked frames. stats: what a user watches. weight: number of masked frames.
    per_frame_BK: of each place of `MaskedFrames`, 0 where none is; None where a loss has no such.
    """

    value: Tensor
    stats: dict[str, Tensor]
    weight: Tensor
    per_frame_BK: Tensor | None = None


@dataclass
class MaskedFrames:
    """Places of the masked frames.

    Boolean indexing would make a GPU tell the host how many frames there are and wait. Here K is
    a bound known beforehand, and `valid_BK` says which places are taken. `weight_B` is what the
    loss of an utterance's frames counts, 1 where None.
    """

    index_BK: Tensor
    valid_BK: Tensor
    count_B: Tensor
    weight_B: Tensor | None = None

    @classmethod
    def of(cls, mask_BT: Tensor, max_masked: int, weight_B: Tensor | None = None) -> MaskedFrames:
        """Args:
        mask_BT: boolean.
        max_masked: K, no utterance masks more.
        """
        count_B = mask_BT.sum(1)
        order_BT = mask_BT.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        index_BK = order_BT[:, :max_masked]
        place_K = torch.arange(index_BK.shape[1], device=mask_BT.device)
        return cls(index_BK, place_K < count_B[:, None], count_B, weight_B)

    def pick(self, x_BTX: Tensor) -> Tensor:
        """The masked frames of `x`, (B, K, …); what stands at places not taken has no meaning."""
        index = self.index_BK.reshape(*self.index_BK.shape, *[1] * (x_BTX.dim() - 2))
        return x_BTX.gather(1, index.expand(-1, -1, *x_BTX.shape[2:]))

    def mean(self, x_BK: Tensor) -> Tensor:
        """Mean over masked frames; 0 where there are none."""
        return (x_BK * self.valid_BK).sum() / self.valid_BK.sum().clamp(min=1)

    def weigh(self, loss_BX: Tensor) -> Tensor:
        """Each frame's loss times the weight of its utterance."""
        return loss_BX if self.weight_B is None else loss_BX * self.weight_B[:, None]

    def loss(self, per_frame_BK: Tensor) -> Tensor:
        """What is minimised: the weighted losses over the number of masked frames, so that a batch
        of low weights moves the model less."""
        return self.mean(self.weigh(per_frame_BK))


def utterance_confidence(confidence_BT: Tensor, lengths_B: Tensor) -> Tensor:
    """Mean of the scorer's confidence over each utterance's frames, (B,) (Ask2Mask, ATM+S)."""
    valid_BT = torch.arange(confidence_BT.shape[1], device=lengths_B.device) < lengths_B[:, None]
    return (confidence_BT * valid_BT).sum(1) / lengths_B.clamp(min=1)
