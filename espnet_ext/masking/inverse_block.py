"""Inverse block masks: what stays visible are blocks (data2vec 2.0 §3.3).

Shapes: B utterances, T latent frames, N blocks at most.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet_ext.masking.spans import Batch, Masker, ranks


class InverseBlocks(Masker):
    """Blocks of `span` frames around centres drawn with replacement, then single frames at random
    until the count is exact.

    With R the masked share and A the adjustment, T · (1 - R + A) / span centres are drawn. Blocks
    overlap, so they cover less; frames are then added to them, or taken, one by one at random,
    until exactly int(T · (1 - R)) are visible.

    Args:
        span: frames per block (B in data2vec 2.0's tables).
        fraction: masked share R.
        adjust: A, the "mask adjust" of data2vec 2.0 and of EH-MAM's Table 5.
        blocks: `kept`, as the paper describes it, or `masked`, as the public confs for speech set
            it (`inverse_mask: false`): then T · (R + A) / span blocks are masked, exactly
            int(T · R) frames in the end.
        same_count: see `Masker`.
    """

    def __init__(
        self,
        span: int = 5,
        fraction: float = 0.5,
        adjust: float = 0.05,
        blocks: str = "kept",
        same_count: bool = False,
    ):
        super().__init__(span, fraction, same_count=same_count)
        if blocks not in ("kept", "masked"):
            raise ValueError(f"masker_conf: blocks {blocks!r} is neither kept nor masked")
        if not 0 <= adjust < 1:
            raise ValueError(f"masker_conf: adjust {adjust}; a share from 0 to below 1 is expected")
        self.kept = blocks == "kept"
        self.in_blocks = 1 - fraction if self.kept else fraction
        self.drawn = self.in_blocks + adjust

    def draw(self, batch: Batch) -> Tensor:
        block_BT = batch.valid_BT & self.blocks(batch)
        # all of the blocks before any other frame, at random within each
        chance_BT = batch.uniform(batch.max_length) + block_BT
        chosen_BT = ranks(chance_BT, batch.valid_BT) < self.count(batch.lengths_B)[:, None]
        return batch.valid_BT & ~chosen_BT if self.kept else chosen_BT

    def blocks(self, batch: Batch) -> Tensor:
        """Blocks around random centres, (B, T); overlapping, and cut at the utterance's ends."""
        n_most = int(batch.max_length * self.drawn / self.span)
        # double precision: in single, a whole number may come out as one less
        n_B = (batch.lengths_B.double() * self.drawn / self.span).long()
        centre_BN = (batch.uniform(n_most) * batch.lengths_B[:, None]).long()
        drawn_BN = torch.arange(n_most, device=n_B.device) < n_B[:, None]
        centre_BN = centre_BN.masked_fill(~drawn_BN, batch.max_length)
        at_BT = torch.zeros((len(n_B), batch.max_length + 1), device=n_B.device)
        at_BT = at_BT.scatter_(1, centre_BN, 1.0)[:, :-1]
        left = self.span // 2  # frames of the block before its centre
        padded_BT = F.pad(at_BT, (self.span - 1 - left, left))
        return F.max_pool1d(padded_BT[:, None], self.span, stride=1)[:, 0] > 0

    def count(self, lengths_B: Tensor) -> Tensor:
        """Frames in the blocks' class after the adjustment; at least one frame is masked, and one
        stays visible where there are two."""
        count_B = (lengths_B.double() * self.in_blocks).long()
        if self.kept:
            return torch.minimum(count_B.clamp(min=1), lengths_B - 1)
        return torch.minimum(count_B, lengths_B - 1).clamp(min=1)

    def max_masked(self, max_length: int) -> int:
        in_blocks = int(max_length * self.in_blocks)
        return max(1, max_length - in_blocks if self.kept else in_blocks)

    def min_masked(self, max_length: int) -> int:
        return 0 if self.same_count else min(self.max_masked(max_length), max_length - 1)
