"""Views: what of an utterance the context network is shown.

A view maps (encoder, latents_BTD, lengths_B, mask_BT) to what the losses look at. It may show an
utterance several times, each under a mask of its own (`clones`), or predict from several of its
streams; rows are then ordered copy by copy: row c * B + b is copy c of utterance b.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Seen:
    """What a view hands to the losses. B' rows, a multiple of the B utterances.

    layers: what a loss calls layer 1, 2, … (from the encoder, or from a decoder above it), each
        (B', T, D). mask_BT: the frames to predict in each row, (B', T).
    """

    layers: list[Tensor]
    mask_BT: Tensor


class View(nn.Module):
    """Contract of every view.

    Args of every constructor: `hidden_size`, the encoder's D.
    """

    clones = 1  # masks drawn for each utterance

    def n_layers(self, encoder: nn.Module) -> int:
        """Layers that a loss may name."""
        return len(encoder.layers)

    def forward(
        self,
        encoder: nn.Module,
        latents_BTD: Tensor,
        lengths_B: Tensor,
        mask_BT: Tensor,
        *,
        max_visible: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Seen:
        """Show the latents, which stay untouched, under `mask_BT` of `clones` * B rows.

        Args:
            max_visible: no utterance keeps more frames than this, as is known without the mask;
                None where nothing is known.
            generator: of what the view draws.
        """
        raise NotImplementedError


class OneView(View):
    """One masked view: a learned vector stands in for every masked frame (wav2vec 2.0 §3.1).

    As in the public code the vector replaces frames after their projection to the encoder's width.
    """

    def __init__(self, hidden_size: int):
        super().__init__()
        self.mask_embedding_D = nn.Parameter(torch.empty(hidden_size).uniform_())

    def forward(
        self, encoder, latents_BTD, lengths_B, mask_BT, *, max_visible=None, generator=None
    ) -> Seen:
        shown_BTD = replace(encoder.embed(latents_BTD), mask_BT, self.mask_embedding_D)
        return Seen(encoder.hidden(shown_BTD, lengths_B), mask_BT)


def replace(x_BTD: Tensor, mask_BT: Tensor, vector_D: Tensor) -> Tensor:
    """A copy of `x` with one vector at the masked frames."""
    return torch.where(mask_BT[..., None], vector_D.to(x_BTD.dtype), x_BTD)
