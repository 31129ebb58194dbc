"""Transformer with convolutional positions: the context network of wav2vec 2.0, HuBERT, data2vec.

Shapes: B rows, T frames, D model dimension, H heads, C channels of a head, K frames attended among
(T, or the visible ones).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from torch import Tensor, nn

from espnet_ext.encoder.dropout import Dropout, dropout
from espnet_ext.encoder.positions import Alibi, ConvPositions, ConvStackPositions
from espnet_ext.encoder.visible import VisibleFrames

# Score of a key that is not to be seen. Not -∞: where a row has no key at all, its softmax would be
# NaN. Nor the least float32: half precision would make -∞ of it.
HIDDEN = -3e4


class ContextTransformer(AbsEncoder):
    """Transformer over latents (wav2vec 2.0 §2 and §4.2, HuBERT §3.1, data2vec 2.0 §3).

    It starts as the public code does: BERT's N(0, 0.02) weights and zero biases in the layers,
    torch's default in the projection of the latents.

    Args:
        input_size: of the latents; `embed` projects them to `output_size`.
        output_size: D. num_layers, heads, ff_dim: the usual sizes. wav2vec 2.0's paper says 8
            heads for BASE; its code, its checkpoints and this default have 12.
        norm_first: layer norm before each module and after the last layer (LARGE) instead of
            after each module (BASE).
        pos_kernel, pos_depth, pos_groups: of the convolution that tells a frame its place. Depth
            1 is wav2vec 2.0's (kernel 128, weight norm); more are data2vec's (5 of 19 taps).
        alibi: `none`, or the penalty on distance with `fixed` or `learned` (data2vec 2.0) scales.
        input_dropout: after `embed`. dropout: of what a module adds, and before the first layer.
        attention_dropout: on attention weights. activation_dropout: inside the feed-forward.
        layer_drop: probability of leaving out a layer in training.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int = 768,
        num_layers: int = 12,
        heads: int = 12,
        ff_dim: int = 3072,
        norm_first: bool = False,
        pos_kernel: int = 128,
        pos_depth: int = 1,
        pos_groups: int = 16,
        alibi: str = "none",
        input_dropout: float = 0.1,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        activation_dropout: float = 0.0,
        layer_drop: float = 0.05,
    ):
        super().__init__()
        if output_size % heads:
            raise ValueError(
                f"encoder_conf: output_size {output_size} is not a multiple of heads {heads}"
            )
        if alibi not in ("none", "fixed", "learned"):
            raise ValueError(f"encoder_conf: alibi {alibi!r} is not none, fixed or learned")
        self._output_size = output_size
        self.norm_first, self.layer_drop = norm_first, layer_drop
        self.embed = nn.Sequential(nn.Linear(input_size, output_size), Dropout(input_dropout))
        self.positions = (
            ConvPositions(output_size, pos_kernel, pos_groups)
            if pos_depth == 1
            else ConvStackPositions(output_size, pos_kernel, pos_depth, pos_groups)
        )
        self.alibi = None if alibi == "none" else Alibi(heads, alibi == "learned")
        self.norm = nn.LayerNorm(output_size)
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(
                output_size,
                heads,
                ff_dim,
                norm_first,
                dropout,
                attention_dropout,
                activation_dropout,
            )
            for _ in range(num_layers)
        )

    def output_size(self) -> int:
        return self._output_size

    def hidden(
        self,
        x_BTD: Tensor,
        lengths_B: Tensor,
        after_layer: Callable[[Tensor], Tensor] | None = None,
        *,
        tap: str = "layer",
        visible: VisibleFrames | None = None,
        generator: torch.Generator | None = None,
    ) -> list[Tensor]:
        """What every layer gives; index 0 is layer 1.

        Args:
            x_BTD: latents through `embed`, masked or not.
            after_layer: applied to each layer's output before the next layer reads it; not after
                a layer that LayerDrop leaves out.
            tap: `layer`, the layers' outputs, of which the last has gone through the final norm
                where `norm_first`; or `ffn`, what their feed-forwards add to them, before dropout
                (the targets of data2vec).
            visible: the frames to attend among; all the others only tell these their places.
            generator: of LayerDrop's choice of layers; on the CPU, as nothing waits for a device.

        Returns:
            (B, T, D) for every layer, (B, K, D) of the visible frames where there are such. A
            layer that LayerDrop leaves out hands on its input; its feed-forward adds zeros.
        """
        if tap not in ("layer", "ffn"):
            raise ValueError(f"tap {tap!r} is neither layer nor ffn")
        frame_T = torch.arange(x_BTD.shape[1], device=x_BTD.device)
        pad_BT = frame_T >= lengths_B[:, None]
        x_BTD = x_BTD + self.positions(x_BTD, pad_BT[..., None])
        place_BK, hide_BK = frame_T[None], pad_BT
        if visible is not None:
            x_BTD = visible.pick(x_BTD)
            place_BK, hide_BK = visible.index_BK, ~visible.valid_BK
        bias_BHKK = self._attention_bias(place_BK, hide_BK)
        x_BKD = self.dropout(x_BTD if self.norm_first else self.norm(x_BTD))
        outputs = []
        for layer, drop in zip(self.layers, self._dropped(generator), strict=True):
            added_BKD = None
            if not drop:
                x_BKD, added_BKD = layer(x_BKD, bias_BHKK)
                if after_layer is not None:
                    x_BKD = after_layer(x_BKD)
            if tap == "layer":
                outputs.append(x_BKD)
            else:
                outputs.append(torch.zeros_like(x_BKD) if added_BKD is None else added_BKD)
        if self.norm_first and tap == "layer":
            outputs[-1] = self.norm(outputs[-1])
        return outputs

    def forward(self, xs_pad: Tensor, ilens: Tensor, prev_states=None, ctc=None):
        """ESPnet's encoder call: last layer's output, its lengths, no state."""
        return self.hidden(self.embed(xs_pad), ilens)[-1], ilens, None

    def _dropped(self, generator: torch.Generator | None) -> list[bool]:
        if not self.training or self.layer_drop == 0.0:
            return [False] * len(self.layers)
        return (torch.rand(len(self.layers), generator=generator) < self.layer_drop).tolist()

    def _attention_bias(self, place_BK: Tensor, hide_BK: Tensor) -> Tensor:
        """What is added to attention scores."""
        bias_BHKK = torch.zeros((), device=place_BK.device)
        if self.alibi is not None:
            bias_BHKK = self.alibi(place_BK)
        return torch.where(hide_BK[:, None, None], HIDDEN, bias_BHKK)


class TransformerLayer(nn.Module):
    """Self-attention, then feed-forward with GELU; layer norm after each, or before each."""

    def __init__(
        self, dim, heads, ff_dim, norm_first, dropout, attention_dropout, activation_dropout
    ):
        super().__init__()
        self.norm_first = norm_first
        self.attention = SelfAttention(dim, heads, attention_dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.ff = nn.Sequential(
            nn.Linear(dim, ff_dim),
            nn.GELU(),
            Dropout(activation_dropout),
            nn.Linear(ff_dim, dim),
        )
        self.norm_ff = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, 0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x_BKD: Tensor, bias_BHKK: Tensor) -> tuple[Tensor, Tensor]:
        """The layer's output, and what its feed-forward added."""
        if self.norm_first:
            attended_BKD = self.attention(self.norm_attention(x_BKD), bias_BHKK)
            x_BKD = x_BKD + self.dropout(attended_BKD)
            added_BKD = self.ff(self.norm_ff(x_BKD))
            return x_BKD + self.dropout(added_BKD), added_BKD
        x_BKD = self.norm_attention(x_BKD + self.dropout(self.attention(x_BKD, bias_BHKK)))
        added_BKD = self.ff(x_BKD)
        return self.norm_ff(x_BKD + self.dropout(added_BKD)), added_BKD


class SelfAttention(nn.Module):
    """Scaled dot-product attention of several heads; queries, keys and values in one product.

    On a CPU torch's own attention has no quick way to drop weights; there it is written out.
    """

    def __init__(self, dim: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x_BKD: Tensor, bias_BHKK: Tensor) -> Tensor:
        q, k, v = self.qkv(x_BKD).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        bias_BHKK = bias_BHKK.to(q.dtype)
        p = self.dropout if self.training else 0.0
        if p > 0.0 and x_BKD.device.type == "cpu":
            scores_BHKK = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
            out_BHKC = dropout(scores_BHKK.add_(bias_BHKK).softmax(-1), p) @ v
        else:
            out_BHKC = F.scaled_dot_product_attention(q, k, v, attn_mask=bias_BHKK, dropout_p=p)
        return self.out(out_BHKC.transpose(1, 2).flatten(2))
