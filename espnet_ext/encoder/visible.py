"""The frames that an encoder attends among where it is not shown them all (data2vec 2.0 §3.2).

Shapes: B rows, T frames, K places for a row's visible frames (K <= T).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class VisibleFrames:
    """Args:
    index_BK: where in 0 … T-1 each visible frame stands.
    valid_BK: places that are taken; what stands at the others has no meaning.
    """

    index_BK: Tensor
    valid_BK: Tensor

    def pick(self, x_BTD: Tensor) -> Tensor:
        """The visible frames of `x`, (B, K, D)."""
        return x_BTD.gather(1, self.index_BK[..., None].expand(-1, -1, x_BTD.shape[2]))
