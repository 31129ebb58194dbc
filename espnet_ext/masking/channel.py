"""Masks for fine-tuning: spans of frames, and spans of channels (wav2vec 2.0 §4.3, app. B).

Shapes: B utterances, T latent frames, D channels of the latents.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.masking.random import RandomSpans
from espnet_ext.masking.spans import Batch, first_reached, gumbel, ranks, round_to, span_limit


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
        time_prob, time_span: start probability and frames of the spans in time (Table 6).
        channel_prob, channel_span: the same of channels. A probability of 0 masks nothing.

    The vector in place of masked frames has the name that the pre-training view gives it, so that
    fine-tuning can take it over, as the paper does.
    """

    def __init__(
        self,
        hidden_size: int,
        time_prob: float = 0.065,
        time_span: int = 10,
        channel_prob: float = 0.004,
        channel_span: int = 64,
    ):
        super().__init__()
        if not 0 <= channel_prob < 1 or not 0 <= time_prob < 1:
            raise ValueError(
                f"time_prob {time_prob}, channel_prob {channel_prob}: "
                "shares from 0 to below 1 are expected"
            )
        if not isinstance(channel_span, int) or channel_span < 1:
            raise ValueError(f"channel_span {channel_span!r}: a whole number is expected")
        self.time = RandomSpans(time_span, start_prob=time_prob) if time_prob else None
        self.channel_prob, self.channel_span = channel_prob, channel_span
        self.mask_embedding_D = nn.Parameter(torch.empty(hidden_size).uniform_())

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """The latents with spans hidden; in evaluation the latents themselves."""
        if not self.training:
            return x_BTD
        n_rows, n_frames, _ = x_BTD.shape
        if self.time is None:
            mask_BT = torch.zeros((n_rows, n_frames), dtype=torch.bool, device=x_BTD.device)
        else:
            mask_BT = self.time(lengths_B, n_frames, generator=generator)
        mask_BD = channel_spans(x_BTD, self.channel_prob, self.channel_span, generator)
        return hide(x_BTD, mask_BT, mask_BD, self.mask_embedding_D)
