"""Masked prediction: name the code of every masked frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.loss.heads import CosineHead, cross_entropy
from espnet_ext.loss.masked import Loss, MaskedFrames


class MaskedPredictionLoss(nn.Module):
    """Cross-entropy over the codes of masked frames: of a quantiser's (w2v-BERT §2, its masked
    prediction module) or of labels (HuBERT §II-B). Where a frame has G codes, their losses are
    averaged.

    Args:
        hidden_size: dimension of the context vectors.
        groups, entries: of the codes, as the target's conf says.
        head: `linear` (w2v-BERT), or `cosine` to an embedding of each code over `temperature`,
            both in a space of `dim` (HuBERT).
        unmasked_weight: of the loss on frames that are not masked, added to that on masked ones
            (1 - α over α of HuBERT §II-B; 0, its choice, leaves them out). Only for targets that
            mark padding by -1, as labels do.
    """

    def __init__(
        self,
        hidden_size: int,
        target_size: int,
        groups: int = 1,
        entries: int = 1024,
        head: str = "linear",
        dim: int = 256,
        temperature: float = 0.1,
        unmasked_weight: float = 0.0,
    ):
        super().__init__()
        if not isinstance(entries, int):
            raise ValueError(
                f"losses: masked_prediction wants codes of one size, not {list(entries)}; "
                "for label sets of several sizes take multicluster"
            )
        if head not in ("linear", "cosine"):
            raise ValueError(f"losses conf: head {head!r} is not linear or cosine")
        self.groups, self.entries, self.unmasked_weight = groups, entries, unmasked_weight
        if head == "linear":
            self.classify = nn.Linear(hidden_size, groups * entries)
        else:
            self.heads = nn.ModuleList(
                CosineHead(hidden_size, entries, dim, temperature) for _ in range(groups)
            )

    def logits(self, hidden_BKD: Tensor) -> Tensor:
        """(B, K, G, V)."""
        if hasattr(self, "heads"):
            return torch.stack([head(hidden_BKD) for head in self.heads], dim=2)
        return self.classify(hidden_BKD).unflatten(-1, (self.groups, self.entries))

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """Cross-entropy; see `Loss`."""
        codes_BKG = masked.pick(target["codes_BTG"])
        logits_BKGV = self.logits(masked.pick(hidden_BTD))
        per_frame_BK = masked.valid_BK * self._per_frame(logits_BKGV, codes_BKG)
        correct_BK = (logits_BKGV.argmax(-1) == codes_BKG).float().mean(-1)
        stats = {"masked_acc": masked.mean(correct_BK).detach()}
        value = masked.loss(per_frame_BK)
        if self.unmasked_weight:
            value = value + self.unmasked_weight * self._unmasked(hidden_BTD, target, masked)
        return Loss(value, stats, masked.count_B.sum(), per_frame_BK)

    @staticmethod
    def _per_frame(logits_BKGV: Tensor, codes_BKG: Tensor) -> Tensor:
        return (
            cross_entropy(logits_BKGV.flatten(1, 2), codes_BKG.flatten(1))
            .view(codes_BKG.shape)
            .mean(-1)
        )

    def _unmasked(
        self, hidden_BTD: Tensor, target: dict[str, Tensor], masked: MaskedFrames
    ) -> Tensor:
        """Summed over the frames that are not masked, and divided as the rest by the masked ones:
        the paper adds up sums."""
        codes_BTG = target["codes_BTG"]
        hidden_BT = codes_BTG.new_zeros(codes_BTG.shape[:2]).scatter(
            1, masked.index_BK, masked.valid_BK.to(codes_BTG.dtype)
        )
        codes_BTG = codes_BTG.masked_fill(hidden_BT[..., None] == 1, -1)  # -1: loss 0
        per_frame_BT = self._per_frame(self.logits(hidden_BTD), codes_BTG)
        return masked.weigh(per_frame_BT).sum() / masked.count_B.sum().clamp(min=1)
