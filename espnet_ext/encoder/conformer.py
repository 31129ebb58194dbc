"""Conformer context network (Gulati et al. 2020), as Ask2Mask §3.2 and w2v-BERT use it.

Shapes: B utterances, T latent frames, D model dimension, H heads, K dimension of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from torch import Tensor, nn


class ContextConformer(AbsEncoder):
    """Conformer layers over latent frames.

    Args:
        input_size: dimension of the latents; projected to `output_size` where they differ.
        output_size: D. num_layers, heads, ff_dim: the usual sizes.
        kernel: of the depthwise convolution, odd (Ask2Mask: 5).
        attention_context: frames seen to each side, None for all. Ask2Mask's "local context of
            128" does not say whether to each side; we read it so.
        conv_norm: `layer` or `batch` after the depthwise convolution. The conformer paper has
            batch normalisation; its statistics would include padding and tie an utterance to its
            batch, so `layer` is the default.
        dropout: of what each module adds to the residual. inner_dropout: inside feed-forward and
            on attention weights; drawing it costs a small model on CPU a fifth of its step.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int = 1024,
        num_layers: int = 24,
        heads: int = 8,
        ff_dim: int = 4096,
        kernel: int = 5,
        attention_context: int | None = 128,
        conv_norm: str = "layer",
        dropout: float = 0.1,
        inner_dropout: float = 0.1,
    ):
        super().__init__()
        self._output_size = output_size
        self.attention_context = attention_context
        self.embed = (
            nn.Identity() if input_size == output_size else nn.Linear(input_size, output_size)
        )
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            ConformerLayer(output_size, heads, ff_dim, kernel, conv_norm, dropout, inner_dropout)
            for _ in range(num_layers)
        )

    def output_size(self) -> int:
        return self._output_size

    def hidden(
        self,
        x_BTD: Tensor,
        lengths_B: Tensor,
        after_layer: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Tensor]:
        """Output of every layer, (B, T, D) each; index 0 is layer 1.

        Args:
            x_BTD: latents through `embed`, masked or not.
            after_layer: applied to each layer's output before the next layer reads it.
        """
        n_frames = x_BTD.shape[1]
        frame_T = torch.arange(n_frames, device=x_BTD.device)
        pad_BT = frame_T >= lengths_B[:, None]
        far_TT = None
        if self.attention_context is not None and n_frames > self.attention_context + 1:
            far_TT = (frame_T[:, None] - frame_T).abs() > self.attention_context
        hide_B1TT = pad_BT[:, None, None, :] if far_TT is None else pad_BT[:, None, None] | far_TT
        x_BTD = self.dropout(x_BTD)
        sinusoid_PD = relative_sinusoids(n_frames, self._output_size).to(x_BTD)
        outputs = []
        for layer in self.layers:
            x_BTD = layer(x_BTD, sinusoid_PD, pad_BT, hide_B1TT)
            if after_layer is not None:
                x_BTD = after_layer(x_BTD)
            outputs.append(x_BTD)
        return outputs

    def forward(self, xs_pad: Tensor, ilens: Tensor, prev_states=None, ctc=None):
        """ESPnet's encoder call: last layer's output, its lengths, no state."""
        return self.hidden(self.embed(xs_pad), ilens)[-1], ilens, None


class ConformerLayer(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward; layer norm before each."""

    def __init__(self, dim, heads, ff_dim, kernel, conv_norm, dropout, inner_dropout):
        super().__init__()
        self.ff1 = FeedForward(dim, ff_dim, inner_dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = RelativeAttention(dim, heads, inner_dropout)
        self.conv = ConvModule(dim, kernel, conv_norm)
        self.ff2 = FeedForward(dim, ff_dim, inner_dropout)
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD, sinusoid_PD, pad_BT, hide_B1TT):
        x_BTD = x_BTD + 0.5 * self.dropout(self.ff1(x_BTD))
        attended_BTD = self.attention(self.norm_attention(x_BTD), sinusoid_PD, hide_B1TT)
        x_BTD = x_BTD + self.dropout(attended_BTD)
        x_BTD = x_BTD + self.dropout(self.conv(x_BTD, pad_BT))
        x_BTD = x_BTD + 0.5 * self.dropout(self.ff2(x_BTD))
        return self.norm(x_BTD)


class FeedForward(nn.Sequential):
    """(B, T, D) -> (B, T, D), normalised first: half of it stands before, half after attention."""

    def __init__(self, dim, ff_dim, dropout):
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, ff_dim),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(ff_dim, dim),
        )


class ConvModule(nn.Module):
    """Pointwise with gate, depthwise, norm, SiLU, pointwise (Gulati et al. 2020 §2.2)."""

    def __init__(self, dim, kernel, norm):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"encoder_conf: kernel {kernel} is even; frames could not be centred")
        self.norm_in = nn.LayerNorm(dim)
        self.pointwise1 = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}[norm](dim)
        self.pointwise2 = nn.Linear(dim, dim)

    def forward(self, x_BTD, pad_BT):
        x_BTD = F.glu(self.pointwise1(self.norm_in(x_BTD)), dim=-1)
        x_BTD = x_BTD.masked_fill(pad_BT[..., None], 0.0)  # a lone utterance ends in zeros, too
        x_BDT = self.depthwise(x_BTD.transpose(1, 2))
        if isinstance(self.norm, nn.BatchNorm1d):
            x_BTD = self.norm(x_BDT).transpose(1, 2)
        else:
            x_BTD = self.norm(x_BDT.transpose(1, 2))
        return self.pointwise2(F.silu(x_BTD))


class RelativeAttention(nn.Module):
    """Self-attention with relative positions (Dai et al. 2019, Transformer-XL, §3.3).

    The four terms of their score are (q + u)·k, left to `scaled_dot_product_attention`, and
    (q + v)·r, handed to it as its additive mask.
    """

    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.position = nn.Linear(dim, dim, bias=False)
        self.bias_u_HK = nn.Parameter(torch.empty(heads, dim // heads))
        self.bias_v_HK = nn.Parameter(torch.empty(heads, dim // heads))
        nn.init.xavier_uniform_(self.bias_u_HK)
        nn.init.xavier_uniform_(self.bias_v_HK)
        self.out = nn.Linear(dim, dim)

    def forward(self, x_BTD, sinusoid_PD, hide_B1TT):
        batch, n_frames, dim = x_BTD.shape
        q, k, v = self.qkv(x_BTD).view(batch, n_frames, 3, self.heads, -1).unbind(2)
        r_PHK = self.position(sinusoid_PD).view(-1, self.heads, dim // self.heads)
        k_BHTK, v_BHTK = k.transpose(1, 2), v.transpose(1, 2)
        q_u_BHTK = (q + self.bias_u_HK).transpose(1, 2)
        q_v_BHTK = (q + self.bias_v_HK).transpose(1, 2)
        by_offset_BHTP = q_v_BHTK @ r_PHK.permute(1, 2, 0)
        bias_BHTT = shift_to_absolute(by_offset_BHTP) / math.sqrt(dim // self.heads)
        out_BHTK = F.scaled_dot_product_attention(
            q_u_BHTK,
            k_BHTK,
            v_BHTK,
            attn_mask=bias_BHTT.masked_fill(hide_B1TT, torch.finfo(bias_BHTT.dtype).min),
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(out_BHTK.transpose(1, 2).reshape(batch, n_frames, dim))


def relative_sinusoids(n_frames: int, dim: int) -> Tensor:
    """Sinusoids of the offsets T-1, …, 0, …, -(T-1): (P, D) with P = 2T - 1."""
    offset_P1 = torch.arange(n_frames - 1, -n_frames, -1.0)[:, None]
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    return torch.stack([torch.sin(offset_P1 * rate), torch.cos(offset_P1 * rate)], -1).flatten(1)


def shift_to_absolute(by_offset_BHTP: Tensor) -> Tensor:
    """Scores by offset, (B, H, T, 2T-1), to scores by key, (B, H, T, T).

    Query i meets key j at offset i - j, which stands in column T-1-i+j: reading row i from column
    T-1-i on is a change of strides.
    """
    x = by_offset_BHTP.contiguous()
    batch, heads, n, p = x.shape
    first = x.storage_offset() + n - 1
    return x.as_strided((batch, heads, n, n), (heads * n * p, n * p, p - 1, 1), first)
