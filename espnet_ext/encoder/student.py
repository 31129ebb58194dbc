"""The student of data2vec 2.0: it encodes only what is not masked, under several masks at once.

Shapes: B utterances, R = clones · B rows, T latent frames, K places for a row's visible frames, D
the encoder's width.
"""

from __future__ import annotations

import inspect

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.encoder.decoder import ConvDecoder
from espnet_ext.encoder.views import Seen, View
from espnet_ext.encoder.visible import VisibleFrames


class StudentView(View):
    """The encoder attends among visible frames; a light decoder fills in the rest (data2vec
    2.0).

    For the convolutions that tell positions, masked frames are zero; for the decoder, they are
    small noise. Losses are offered two layers: 1, what the decoder reads, and 2, what it says.

    The encoder is given K places a row, the most that a masker leaves visible (`max_visible`), so
    that no device is asked how many there are. A masker that masks an exact count wastes none of
    them but an utterance's padding; one that is exact only in expectation about two spans; one that
    promises nothing costs a full pass over T frames. Should a mask leave more than K frames, the
    last of them are neither shown nor predicted.

    Args:
        hidden_size: D.
        clones: masks drawn for each utterance, against one pass of the teacher (data2vec 2.0: 8).
        decoder: sizes of the decoder, see `ConvDecoder`.
        input_dropout: on what the decoder reads.
        decoder_noise: standard deviation of the frames that stand for masked ones in the decoder.
        position_noise: the same in the encoder's convolutions. 0 as in the public conf.
    """

    def __init__(
        self,
        hidden_size: int,
        clones: int = 8,
        decoder: dict | None = None,
        input_dropout: float = 0.1,
        decoder_noise: float = 0.01,
        position_noise: float = 0.0,
    ):
        super().__init__()
        if clones < 1:
            raise ValueError(f"view_conf: clones {clones}; 1 or more is expected")
        self.clones = clones
        self.input_dropout = input_dropout
        self.decoder_noise, self.position_noise = decoder_noise, position_noise
        self.decoder = ConvDecoder(hidden_size, **(decoder or {}))

    def n_layers(self, encoder: nn.Module) -> int:
        """Raises ValueError for an encoder that must see all frames."""
        if "visible" not in inspect.signature(encoder.hidden).parameters:
            raise ValueError(
                f"view student: {type(encoder).__name__} cannot leave out frames; "
                "`encoder: context_transformer` can"
            )
        return 2

    def forward(
        self, encoder, latents_BTD, lengths_B, mask_BT, *, max_visible=None, generator=None
    ) -> Seen:
        frame_T = torch.arange(mask_BT.shape[1], device=mask_BT.device)
        pad_RT = (frame_T >= lengths_B[:, None]).repeat(self.clones, 1)
        visible = visible_frames(~mask_BT & ~pad_RT, max_visible)
        latents_RTD = encoder.embed(latents_BTD).repeat(self.clones, 1, 1)
        shown_RTD = latents_RTD.masked_fill(mask_BT[..., None], 0.0)
        if self.position_noise:
            noise_RTD = self.position_noise * normal_like(shown_RTD, generator)
            shown_RTD = torch.where(mask_BT[..., None], noise_RTD, shown_RTD)
        seen_RKD = encoder.hidden(shown_RTD, lengths_B.repeat(self.clones), visible=visible)[-1]

        seen_RKD = F.dropout(seen_RKD, self.input_dropout, self.training)
        tokens_RTD = self.decoder_noise * normal_like(latents_RTD, generator)
        pad_RT1 = pad_RT[..., None]
        filled_RTD = scatter(seen_RKD, visible, tokens_RTD).masked_fill(pad_RT1, 0.0)
        return Seen([filled_RTD, self.decoder(filled_RTD, pad_RT1)], mask_BT)


def visible_frames(visible_RT: Tensor, max_visible: int | None) -> VisibleFrames:
    """Places of the visible frames, in order, at most `max_visible` (None: T) a row."""
    order_RT = visible_RT.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    index_RK = order_RT[:, :max_visible]
    return VisibleFrames(index_RK, visible_RT.gather(1, index_RK))


def scatter(x_RKD: Tensor, visible: VisibleFrames, into_RTD: Tensor) -> Tensor:
    """A copy of `into` with the visible frames at their places."""
    n_frames = into_RTD.shape[1]
    # one frame more, for what stands at places that are not taken
    index_RK = visible.index_BK.masked_fill(~visible.valid_BK, n_frames)
    index_RKD = index_RK[..., None].expand(-1, -1, into_RTD.shape[2])
    roomy_RTD = F.pad(into_RTD, (0, 0, 0, 1)).to(x_RKD.dtype)
    return roomy_RTD.scatter(1, index_RKD, x_RKD)[:, :n_frames]


def normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers of the shape, type and place of `x`."""
    return torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator)
