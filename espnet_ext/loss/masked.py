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
    a bound known beforehand, and `valid_BK` says which places are taken.
    """

    index_BK: Tensor
    valid_BK: Tensor
    count_B: Tensor

    @classmethod
    def of(cls, mask_BT: Tensor, max_masked: int) -> MaskedFrames:
        """Args:
        mask_BT: boolean.
        max_masked: K, no utterance masks more.
        """
        count_B = mask_BT.sum(1)
        order_BT = mask_BT.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        index_BK = order_BT[:, :max_masked]
        place_K = torch.arange(index_BK.shape[1], device=mask_BT.device)
        return cls(index_BK, place_K < count_B[:, None], count_B)

    def pick(self, x_BTX: Tensor) -> Tensor:
        """The masked frames of `x`, (B, K, …); what stands at places not taken has no meaning."""
        index = self.index_BK.reshape(*self.index_BK.shape, *[1] * (x_BTX.dim() - 2))
        return x_BTX.gather(1, index.expand(-1, -1, *x_BTX.shape[2:]))

    def mean(self, x_BK: Tensor) -> Tensor:
        """Mean over masked frames; 0 where there are none."""
        return (x_BK * self.valid_BK).sum() / self.valid_BK.sum().clamp(min=1)
