"""Masks for fine-tuning: spans of frames, and spans of channels (wav2vec 2.0 §4.3, app. B).

Shapes: B utterances, T latent frames, D channels of the latents.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.masking.spans import (
    Batch,
    Masker,
    first_reached,
    gumbel,
    ranks,
    round_to,
    span_limit,
)


def channel_spans(
    like_BTD: Tensor, start_prob: float, span: int, generator: torch.Generator | None = None
) -> Tensor:
    """Channels to set to zero, (B, D): `start_prob` · D starts per utterance, drawn without
    replacement, spans of `span` channels that may overlap. There may be none."""
    n_rows, _, dim = like_BTD.shape
    dims_B = torch.full((n_rows,), dim, device=like_BTD.device)
    batch = Batch(dims_B, dim, generator=generator)
    span_B1 = span_limit(dims_B, span)[:, None]
    rank_BD = ranks(gumbel(batch), batch.frame_T <= dims_B[:, None] - span_B1)
    n_B = round_to(start_prob * dims_B, batch.uniform(), 0)
    return first_reached(rank_BD, span_B1, span, dims_B) < n_B[:, None]


def hide(x_BTD: Tensor, mask_BT: Tensor, mask_BD: Tensor, vector_D: Tensor) -> Tensor:
    """A copy of `x` with a vector at the masked frames and then zeros in the masked channels."""
    hidden_BTD = torch.where(mask_BT[..., None], vector_D.to(x_BTD.dtype), x_BTD)
    return hidden_BTD.masked_fill(mask_BD[:, None], 0.0)


class TimeChannelMask(nn.Module):
    """SpecAugment on latents, in training only.

    Args:
        hidden_size: D.
        masker: of frames; one that chooses without a scorer or a teacher, as neither is there.
            None hides no frame.
        start_prob, span: share of the channels that start a span, and channels of a span (Table 6:
            64 each). A share of 0 hides no channel.

    The vector at hidden frames has the name that the pre-training view gives it, so that
    fine-tuning takes it over, as the paper does. Until then it is zero, as data2vec 2.0's public
    code has it, whose pre-training knows no such vector.

    Raises:
        ValueError: a share or a span without meaning, or a masker that needs more than lengths.
    """

    def __init__(
        self,
        hidden_size: int,
        masker: Masker | None = None,
        start_prob: float = 0.0,
        span: int = 64,
    ):
        super().__init__()
        if not isinstance(start_prob, int | float) or not 0 <= start_prob < 1:
            raise ValueError(
                f"channel_masker_conf: start_prob {start_prob!r}; a share from 0 to below 1 is "
                "expected"
            )
        if not isinstance(span, int) or span < 1:
            raise ValueError(f"channel_masker_conf: span {span!r}; a whole number is expected")
        if masker is not None and masker.needs:
            raise ValueError(
                f"masker: {type(masker).__name__} reads {' and '.join(masker.needs)}, which "
                "fine-tuning has not; a masker such as random or inverse_block is expected"
            )
        self.masker, self.start_prob, self.span = masker, start_prob, span
        self.mask_embedding_D = nn.Parameter(torch.zeros(hidden_size))

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """The latents with spans hidden; in evaluation the latents themselves."""
        if not self.training:
            return x_BTD
        n_rows, n_frames, _ = x_BTD.shape
        if self.masker is None:
            mask_BT = torch.zeros((n_rows, n_frames), dtype=torch.bool, device=x_BTD.device)
        else:
            mask_BT = self.masker(lengths_B, n_frames, generator=generator)
        mask_BD = channel_spans(x_BTD, self.start_prob, self.span, generator)
        return hide(x_BTD, mask_BT, mask_BD, self.mask_embedding_D)
