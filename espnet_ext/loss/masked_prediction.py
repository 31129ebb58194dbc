"""Masked prediction: name the code of every masked frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class MaskedPredictionLoss(nn.Module):
    """Cross-entropy over the quantiser's codes at masked frames (w2v-BERT §2, its masked
    prediction module); a quantiser of G groups gives G labels a frame, whose losses are averaged.

    Args:
        hidden_size: dimension of the context vectors.
        groups, entries: of the codes, as the target's conf says.
    """

    def __init__(self, hidden_size: int, target_size: int, groups: int = 1, entries: int = 1024):
        super().__init__()
        self.groups, self.entries = groups, entries
        self.classify = nn.Linear(hidden_size, groups * entries)

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """Cross-entropy; see `Loss`."""
        logits = self.classify(masked.pick(hidden_BTD)).unflatten(-1, (self.groups, self.entries))
        codes_BKG = masked.pick(target["codes_BTG"])
        per_code = F.cross_entropy(logits.flatten(0, 2), codes_BKG.flatten(), reduction="none")
        per_frame_BK = per_code.view(codes_BKG.shape).mean(-1)
        correct_BK = (logits.argmax(-1) == codes_BKG).float().mean(-1)
        stats = {"masked_acc": masked.mean(correct_BK).detach()}
        return Loss(masked.mean(per_frame_BK), stats, masked.count_B.sum(), per_frame_BK)
