"""Seven blocks of 1-D convolutions: waveform in, a feature vector every 20 ms out.

Shapes: B utterances, S samples, C channels, T frames, F features.
"""

from __future__ import annotations

import math

import humanfriendly
import torch
import torch.nn.functional as F
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor, nn

from espnet_ext.frontend.norm_gelu import NormGelu


class WaveCNN(AbsFrontend):
    """The feature encoder of wav2vec 2.0, HuBERT and data2vec (wav2vec 2.0 §2 and §4.2).

    At 16 kHz a vector sees 400 samples (25 ms) and the next begins 320 later (20 ms). Nothing is
    padded, so that only frames that lie wholly inside an utterance count; one shorter than the
    field has none. What an utterance gives does not depend on its batch.

    Weights start from the public code's Kaiming normal; the papers do not say.

    Args:
        channels: F. kernels, strides: of the blocks, in frames of the block below.
        norm: `group`, group norm in the first block (BASE), or `layer`, layer norm in every block
            (LARGE, data2vec).
        conv_bias: whether the convolutions have one (LARGE has, BASE has not).
        normalise_wave: subtract each utterance's mean and divide by its standard deviation, over
            its own samples (on for LARGE and data2vec 2.0; off for BASE, whose first norm does it).
        grad_scale: share of the gradient that goes into the blocks (§4.2 for BASE: 0.1). At 0 they
            do not learn.
        fs: samples a second, for the rate of frames that the conf states.
    """

    def __init__(
        self,
        channels: int = 512,
        kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2),
        strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2),
        norm: str = "group",
        conv_bias: bool = False,
        normalise_wave: bool = False,
        grad_scale: float = 1.0,
        fs: int | str = 16000,
    ):
        super().__init__()
        if len(kernels) != len(strides):
            raise ValueError(
                f"frontend_conf: {len(kernels)} kernels and {len(strides)} strides; "
                "a block has one of each"
            )
        if norm not in ("group", "layer"):
            raise ValueError(f"frontend_conf: norm {norm!r} is neither group nor layer")
        self.channels, self.normalise_wave, self.grad_scale = channels, normalise_wave, grad_scale
        self.kernels, self.strides = tuple(kernels), tuple(strides)
        self.hop_samples = math.prod(strides)
        self.field_samples = self._field()
        self.frame_shift_ms = 1000 * self.hop_samples / humanfriendly.parse_size(str(fs))
        norms = [norm] + [norm if norm == "layer" else "none"] * (len(kernels) - 1)
        inputs = [1] + [channels] * (len(kernels) - 1)
        self.blocks = nn.ModuleList(
            ConvBlock(n_in, channels, kernel, stride, conv_bias, block_norm)
            for n_in, kernel, stride, block_norm in zip(
                inputs, kernels, strides, norms, strict=True
            )
        )
        if grad_scale == 0.0:
            self.requires_grad_(False)

    def output_size(self) -> int:
        return self.channels

    def forward(self, wav_BS: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms and their samples to features (B, T, F) and their frames."""
        if self.normalise_wave:
            wav_BS = normalise(wav_BS, lengths_B)
        # a batch of nothing but utterances shorter than the field must still have a frame's shape
        x = F.pad(wav_BS, (0, max(0, self.field_samples - wav_BS.shape[1])))[:, None]
        for block in self.blocks:
            lengths_B = n_frames(lengths_B, block.kernel, block.stride)
            x = block(x, lengths_B)
        features_BTF = x.transpose(1, 2)
        if self.grad_scale != 1.0:
            features_BTF = _ScaleGradient.apply(features_BTF, self.grad_scale)
        return features_BTF, lengths_B

    def _field(self) -> int:
        samples = 1
        for kernel, stride in zip(self.kernels[::-1], self.strides[::-1], strict=True):
            samples = (samples - 1) * stride + kernel
        return samples


class ConvBlock(nn.Module):
    """Convolution, norm (`group`, `layer` or `none`), GELU."""

    def __init__(self, n_in: int, channels: int, kernel: int, stride: int, bias: bool, norm: str):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv1d(n_in, channels, kernel, stride, bias=bias)
        nn.init.kaiming_normal_(self.conv.weight)
        self.norm = None
        if norm != "none":
            self.norm = NormGelu(channels) if norm == "group" else nn.LayerNorm(channels)

    def forward(self, x_BCT: Tensor, lengths_B: Tensor) -> Tensor:
        """`lengths` are those of the output."""
        x_BCT = self._convolve(x_BCT)
        if isinstance(self.norm, NormGelu):
            return self.norm(x_BCT, lengths_B)
        if self.norm is not None:
            x_BCT = self.norm(x_BCT.transpose(1, 2)).transpose(1, 2)
        return F.gelu(x_BCT)

    def _convolve(self, x_BCT: Tensor) -> Tensor:
        if x_BCT.shape[1] > 1:
            return self.conv(x_BCT)
        # one channel: a plain product with the windows, three times as quick on a CPU
        windows_BKT = x_BCT[:, 0].unfold(1, self.kernel, self.stride).transpose(1, 2).contiguous()
        out_BCT = torch.bmm(self.conv.weight[:, 0].expand(len(x_BCT), -1, -1), windows_BKT)
        return out_BCT if self.conv.bias is None else out_BCT + self.conv.bias[:, None]


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.scale, None


def n_frames(lengths_B: Tensor, kernel: int, stride: int) -> Tensor:
    """Windows that lie wholly inside."""
    return ((lengths_B - kernel).div(stride, rounding_mode="floor") + 1).clamp(min=0)


def normalise(wav_BS: Tensor, lengths_B: Tensor, eps: float = 1e-5) -> Tensor:
    """Zero mean and unit variance over each utterance's samples; 0 in padding. `eps` is the public
    code's, which calls `layer_norm` on a waveform."""
    keep_BS = torch.arange(wav_BS.shape[1], device=wav_BS.device) < lengths_B[:, None]
    n_B1 = lengths_B.clamp(min=1)[:, None]
    mean_B1 = wav_BS.masked_fill(~keep_BS, 0.0).sum(1, keepdim=True) / n_B1
    centred_BS = (wav_BS - mean_B1).masked_fill(~keep_BS, 0.0)
    return centred_BS * (centred_BS.square().sum(1, keepdim=True) / n_B1 + eps).rsqrt()
