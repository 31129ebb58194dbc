"""Views: what of an utterance the context network is shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OneView(nn.Module):
    """One masked view: a learned vector stands in for every masked latent (wav2vec 2.0 §3.1)."""

    def __init__(self, latent_dim: int):
        super().__init__()
        self.mask_embedding_D = nn.Parameter(torch.empty(latent_dim).uniform_())

    def forward(
        self, encoder: nn.Module, latents_BTD: Tensor, lengths_B: Tensor, mask_BT: Tensor
    ) -> list[Tensor]:
        """Output of each of the encoder's layers, (B, T, D) each. The latents stay untouched."""
        shown_BTD = torch.where(
            mask_BT[..., None], self.mask_embedding_D.to(latents_BTD.dtype), latents_BTD
        )
        return encoder.hidden(shown_BTD, lengths_B)
