"""From context vectors to a score for every code: the two ways that papers have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CosineHead(nn.Module):
    """HuBERT §II-B: cosine between the projected context vector and the embedding of each code,
    over a temperature.

    Args:
        hidden_size: of the context vectors. entries: number of codes.
        dim: of the space where both meet (public code: 256). temperature: τ, 0.1.
    """

    def __init__(self, hidden_size: int, entries: int, dim: int = 256, temperature: float = 0.1):
        super().__init__()
        self.temperature = temperature
        self.project = nn.Linear(hidden_size, dim)
        # the public code's range; only directions count
        self.embedding_VC = nn.Parameter(torch.empty(entries, dim).uniform_())

    def forward(self, hidden_BKD: Tensor) -> Tensor:
        """Logits, (B, K, V) in float32."""
        context_BKC = self.project(hidden_BKD)
        with torch.autocast(context_BKC.device.type, enabled=False):  # ± 10 wants more than bf16
            context_BKC = F.normalize(context_BKC.float(), dim=-1, eps=1e-8)
            return context_BKC @ F.normalize(self.embedding_VC.float(), dim=-1).T / self.temperature


def cross_entropy(logits_BKV: Tensor, codes_BK: Tensor) -> Tensor:
    """Of every frame, (B, K); 0 where the code is -1, that of padding."""
    flat = F.cross_entropy(
        logits_BKV.flatten(0, 1), codes_BK.flatten(), reduction="none", ignore_index=-1
    )
    return flat.view(codes_BK.shape)
