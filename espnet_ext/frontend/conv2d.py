"""Two strided 2-D convolutions: log-Mel frames every 10 ms in, latents every 40 ms out."""

from __future__ import annotations

import torch
from espnet2.asr.preencoder.abs_preencoder import AbsPreEncoder
from torch import Tensor


class Conv2dSubsampling(AbsPreEncoder):
    """The feature encoder Φ of the conformer models (Ask2Mask §3.2): two 3x3 convolutions, stride
    (2, 2), then a projection and layer norm.

    The papers do not mention the norm; wav2vec 2.0's code has it at this place. Without it the
    quantiser's logits are small against its Gumbel noise, and the codes it picks are mere chance.

    Padding is set to zero before each convolution, as the edge of a lone utterance is, so the
    latents of an utterance do not depend on what it is batched with.

    Args:
        input_size: Mel bins F.
        channels: of both convolutions. The papers' equal the model dimension; their cost grows
            with its square and at small sizes exceeds that of the conformer, so it is a number.
        output_dim: D.
    """

    time_stride = 4

    def __init__(self, input_size: int, channels: int, output_dim: int):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.conv2 = torch.nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.proj = torch.nn.Linear(channels * ((input_size + 3) // 4), output_dim)
        self.norm = torch.nn.LayerNorm(output_dim)
        self._output_size = output_dim

    def output_size(self) -> int:
        return self._output_size

    def forward(self, feats_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) and lengths to (B, ceil(ceil(T/2)/2), D) and lengths."""
        x = _zero_padding(feats_BTF[:, None], lengths_B)
        for conv in (self.conv1, self.conv2):
            lengths_B = (lengths_B + 1) // 2
            x = _zero_padding(torch.relu(conv(x)), lengths_B)
        batch, channels, n_frames, bins = x.shape
        x = x.transpose(1, 2).reshape(batch, n_frames, channels * bins)
        return self.norm(self.proj(x)), lengths_B


def _zero_padding(x_BCTF: Tensor, lengths_B: Tensor) -> Tensor:
    pad_BT = torch.arange(x_BCTF.shape[2], device=x_BCTF.device) >= lengths_B[:, None]
    return x_BCTF.masked_fill(pad_BT[:, None, :, None], 0.0)
