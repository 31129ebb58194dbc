"""Gumbel product quantiser: latents become codewords that training can move (wav2vec 2.0 §2)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.targets.given import Given


class GumbelQuantiser(nn.Module):
    """One codeword from each of G codebooks of V entries, chosen by a straight-through Gumbel
    softmax (wav2vec 2.0 §2, eq. 1).

    Args:
        input_size: dimension of the latents.
        groups: G. entries: V. (wav2vec 2.0: 2 x 320. w2v-BERT: 1 x 1024.)
        dim: dimension of the concatenated codewords, divided by G for each.
        latent_grad: share of its gradient that reaches the latents. 1 as in the papers; at 0 the
            quantiser learns, but cannot make its task easy by making the latents alike, as it may
            with small batches (code perplexity then falls to 1).
        dropout: of the latents that are quantised (`dropout_features` of wav2vec 2.0's code: 0.1;
            §4.2). What the encoder reads has its own.
        temperature: start, least value and decay per optimiser update (paper: 2, 0.5, 0.999995).

    A target is computed from the unmasked latents and never sees the mask.
    """

    def __init__(
        self,
        input_size: int,
        groups: int = 1,
        entries: int = 1024,
        dim: int = 1024,
        temperature: tuple[float, float, float] = (2.0, 0.5, 0.999995),
        latent_grad: float = 1.0,
        dropout: float = 0.0,
    ):
        super().__init__()
        if dim % groups:
            raise ValueError(f"target conf: dim {dim} is not a multiple of groups {groups}")
        self.groups, self.entries, self.dim = groups, entries, dim
        self.start, self.least, self.decay = temperature
        self.latent_grad = latent_grad
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, groups * entries)
        # N(0, 1) weights spread the first choices over the codebook (public code; not in the paper)
        nn.init.normal_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)
        self.codewords_GVC = nn.Parameter(torch.empty(groups, entries, dim // groups).uniform_())

    def temperature(self, updates: Tensor) -> Tensor:
        """τ after a number of optimiser updates."""
        # `decay**updates` would round the decay to float32 first: 0.1 % off after 100k updates
        return (self.start * torch.exp(updates * math.log(self.decay))).clamp(min=self.least)

    def forward(self, given: Given) -> dict[str, Tensor]:
        """Quantise.

        Returns:
            vectors_BTC: chosen codewords, concatenated over groups.
            codes_BTG: their indices.
            probs_BTGV: softmax of the logits without noise or temperature (for the diversity loss).
        """
        latents_BTD = self.dropout(given.latents_BTD)
        if self.latent_grad != 1.0:
            fixed_BTD = latents_BTD.detach()
            latents_BTD = fixed_BTD + self.latent_grad * (latents_BTD - fixed_BTD)
        logits_BTGV = self.logits(latents_BTD).unflatten(-1, (self.groups, self.entries))
        probs_BTGV = logits_BTGV.float().softmax(-1)
        if self.training:
            noise = torch.empty_like(logits_BTGV, dtype=torch.float32)
            noise.exponential_(generator=given.generator)
            soft = ((logits_BTGV.float() - noise.log()) / self.temperature(given.updates)).softmax(
                -1
            )
            codes_BTG = soft.argmax(-1)
            hard = torch.zeros_like(soft).scatter_(-1, codes_BTG[..., None], 1.0)
            choice_BTGV = hard - soft.detach() + soft
        else:
            codes_BTG = logits_BTGV.argmax(-1)
            choice_BTGV = F.one_hot(codes_BTG, self.entries).to(probs_BTGV.dtype)
        vectors_BTGC = torch.einsum("btgv,gvc->btgc", choice_BTGV, self.codewords_GVC)
        return {
            "vectors_BTC": vectors_BTGC.flatten(2).to(latents_BTD.dtype),
            "codes_BTG": codes_BTG,
            "probs_BTGV": probs_BTGV,
        }
