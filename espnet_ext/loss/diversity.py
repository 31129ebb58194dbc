"""Diversity loss: use the whole codebook."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class DiversityLoss(nn.Module):
    """wav2vec 2.0 §3.2, eq. 4 in the form of its public code: (GV - Σ_g perplexity_g) / GV.

    The paper's text maximises the entropy of the averaged choice; the code its exponential, the
    perplexity. Both have the same optimum (the paper's footnote 2), not the same gradient. We
    follow the code, with which the published models were trained.

    The average runs over masked frames, as in the code.
    """

    def __init__(self, hidden_size: int, target_size: int):
        super().__init__()

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """Share of the codebooks left unused; see `Loss`."""
        n_frames = masked.count_B.sum().clamp(min=1)
        taken_BK11 = masked.valid_BK[..., None, None]
        mean_GV = (masked.pick(target["probs_BTGV"]) * taken_BK11).sum((0, 1)) / n_frames
        perplexity = perplexities(mean_GV).sum()
        entries = mean_GV.numel()
        codes_BKG = masked.pick(target["codes_BTG"])
        counts_GV = torch.zeros_like(mean_GV)
        for group in range(len(counts_GV)):
            counts_GV[group].index_add_(
                0, codes_BKG[..., group].flatten(), masked.valid_BK.flatten().to(mean_GV.dtype)
            )
        stats = {
            "prob_perplexity": perplexity.detach(),
            "code_perplexity": perplexities(counts_GV / n_frames).sum(),
        }
        return Loss((entries - perplexity) / entries, stats, masked.count_B.sum())


def perplexities(mean_GV: Tensor) -> Tensor:
    """exp(entropy) of each group's averaged choice, (G,)."""
    # a bound for choices of 0; the public code's log(p + 1e-7) puts 320 even entries 3e-5 off
    return torch.exp(-(mean_GV * torch.log(mean_GV.clamp(min=1e-7))).sum(-1))
