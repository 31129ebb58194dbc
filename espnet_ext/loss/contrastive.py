"""Contrastive loss: tell the true codeword of a masked frame from those of others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class ContrastiveLoss(nn.Module):
    """wav2vec 2.0 §3.2, eq. 3: L_m = -log exp(sim(c, q)/κ) / Σ exp(sim(c, q~)/κ).

    Distractors are drawn uniformly, with replacement, from the other masked frames of the same
    utterance. One whose codeword equals the true one is left out, as in the public code: it could
    not be told apart. An utterance with a single masked frame has no distractors and no loss.

    Args:
        hidden_size: dimension of the context vectors. target: conf of the quantiser (its `dim`).
        dim: of the space where both meet.
        distractors: K of the paper, 100. temperature: κ, 0.1.
    """

    def __init__(
        self,
        hidden_size: int,
        target_size: int,
        dim: int = 256,
        distractors: int = 100,
        temperature: float = 0.1,
    ):
        super().__init__()
        self.distractors, self.temperature = distractors, temperature
        self.project_context = nn.Linear(hidden_size, dim)
        self.project_target = nn.Linear(target_size, dim)

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """See `Loss`."""
        negatives_BKN = draw_distractors(masked, self.distractors, generator)
        logits_BKN = self.logits(hidden_BTD, target, masked, negatives_BKN)
        has_other_BK = masked.valid_BK & (masked.count_B > 1)[:, None]
        per_frame_BK = logits_BKN.logsumexp(-1) - logits_BKN[..., 0]
        per_frame_BK = torch.where(has_other_BK, per_frame_BK, 0.0)
        correct_BK = logits_BKN[..., 0] >= logits_BKN.amax(-1)
        # all distractors equal to the truth: nothing was told apart, so it does not count as right
        correct_BK &= torch.isfinite(logits_BKN[..., 1:]).any(-1)
        stats = {"contrastive_acc": masked.mean((correct_BK & has_other_BK).float()).detach()}
        return Loss(masked.loss(per_frame_BK), stats, masked.count_B.sum(), per_frame_BK)

    def logits(self, hidden_BTD, target, masked, negatives_BKN) -> Tensor:
        """sim/κ to the true codeword (first) and to each distractor, (B, K, 1 + N)."""
        context_BKC = self.project_context(masked.pick(hidden_BTD))
        context_BKC = F.normalize(context_BKC.float(), dim=-1, eps=1e-8)
        vectors_BKC = self.project_target(masked.pick(target["vectors_BTC"]))
        vectors_BKC = F.normalize(vectors_BKC.float(), dim=-1, eps=1e-8)
        # every pair once (K x K), then a gather: far less than N vectors a frame
        similarity_BKK = context_BKC @ vectors_BKC.transpose(1, 2) / self.temperature
        codes_BKG = masked.pick(target["codes_BTG"])
        entries = target["probs_BTGV"].shape[-1]
        code_BK = sum(codes_BKG[..., g] * entries**g for g in range(codes_BKG.shape[-1]))
        same_BKK = code_BK[:, :, None] == code_BK[:, None, :]
        others_BKN = similarity_BKK.masked_fill(same_BKK, -torch.inf).gather(2, negatives_BKN)
        true_BK1 = similarity_BKK.diagonal(dim1=1, dim2=2)[..., None]
        return torch.cat([true_BK1, others_BKN], dim=-1)


def draw_distractors(
    masked: MaskedFrames, n: int, generator: torch.Generator | None = None
) -> Tensor:
    """For each masked frame, `n` places of other masked frames of its utterance, (B, K, N)."""
    batch, places = masked.index_BK.shape
    device = masked.index_BK.device
    others_B11 = (masked.count_B - 1).clamp(min=1)[:, None, None]
    uniform_BKN = torch.rand((batch, places, n), device=device, generator=generator)
    drawn_BKN = (uniform_BKN * others_B11).long().clamp(max=places - 1)
    own_K1 = torch.arange(places, device=device)[:, None]
    return (drawn_BKN + (drawn_BKN >= own_K1)).clamp(max=places - 1)  # step over the frame itself
