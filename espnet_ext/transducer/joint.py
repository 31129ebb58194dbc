"""The joint network of a transducer at chosen nodes of the lattice, and its gradient there.

Shapes: B utterances, T frames, W prefixes of the labels, J joint dimension, V symbols, N nodes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


class NodeJoint:
    """`weight · activation(enc + dec) + bias`, with gradients that add up over chunks of nodes.

    Args:
        enc_BTJ, dec_BWJ: in the joint space. weight_VJ, bias_V: the output layer.
        activation: a function of each element, without parameters.
    """

    def __init__(
        self,
        enc_BTJ: Tensor,
        dec_BWJ: Tensor,
        weight_VJ: Tensor,
        bias_V: Tensor,
        activation: Callable[[Tensor], Tensor],
    ):
        self.inputs = enc_BTJ, dec_BWJ, weight_VJ, bias_V
        self.activation = activation
        self.n_frames, self.n_prefixes = enc_BTJ.shape[1], dec_BWJ.shape[1]
        self.enc, self.dec = enc_BTJ.flatten(0, 1), dec_BWJ.flatten(0, 1)
        self.weight, self.bias = (x.detach().requires_grad_() for x in (weight_VJ, bias_V))

    def rows(self, node_N: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of encoder and prediction network from places in the flattened (B, T, W)."""
        frame_N = node_N // self.n_prefixes
        return frame_N, frame_N // self.n_frames * self.n_prefixes + node_N % self.n_prefixes

    def __call__(self, frame_N: Tensor, prefix_N: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the two rows (N, J) and logits (N, V)."""
        sum_NJ = self.enc.index_select(0, frame_N) + self.dec.index_select(0, prefix_N)
        sum_NJ.requires_grad_(torch.is_grad_enabled())
        is_tanh = self.activation is torch.tanh or isinstance(self.activation, torch.nn.Tanh)
        activation = _OneDNNTanh.apply if is_tanh and _by_onednn(sum_NJ) else self.activation
        return sum_NJ, _linear(activation(sum_NJ), self.weight, self.bias)


class JointGradient:
    """Gradients by a joint's inputs, added up in float32 at least."""

    def __init__(self, joint: NodeJoint):
        self.joint = joint
        wide = torch.promote_types(joint.enc.dtype, torch.float32)
        self.sums = [
            torch.zeros_like(x, dtype=wide)
            for x in (joint.enc, joint.dec, joint.weight, joint.bias)
        ]

    def add(
        self, frame_N: Tensor, prefix_N: Tensor, sum_NJ: Tensor, logits_NV: Tensor, grad_NV: Tensor
    ) -> None:
        """Backwards from the gradient of the logits that the joint has just computed."""
        by_sum_NJ, by_weight, by_bias = torch.autograd.grad(
            logits_NV, (sum_NJ, self.joint.weight, self.joint.bias), grad_NV.to(logits_NV.dtype)
        )
        enc, dec, weight, bias = self.sums
        enc.index_add_(0, frame_N, by_sum_NJ.to(enc.dtype))
        dec.index_add_(0, prefix_N, by_sum_NJ.to(dec.dtype))
        weight += by_weight
        bias += by_bias

    def result(self) -> tuple[Tensor, ...]:
        """By enc_BTJ, dec_BWJ, weight_VJ and bias_V."""
        return tuple(
            total.view_as(x).to(x.dtype)
            for total, x in zip(self.sums, self.joint.inputs, strict=True)
        )


def _by_onednn(x: Tensor) -> bool:
    """Whether to name oneDNN, where torch's own choice for float32 on a CPU is MKL: that is
    slower on AMD processors, for products and for tanh (`test/bench/bench_rnnt.py`)."""
    return (
        x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available()
    )


def _linear(x_NJ: Tensor, weight_VJ: Tensor, bias_V: Tensor) -> Tensor:
    if _by_onednn(x_NJ):
        return F.linear(x_NJ.to_mkldnn(), weight_VJ, bias_V).to_dense()
    return F.linear(x_NJ, weight_VJ, bias_V)


class _OneDNNTanh(torch.autograd.Function):
    """torch knows no gradient of oneDNN's tanh."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        tanh = x.to_mkldnn().tanh().to_dense()
        ctx.save_for_backward(tanh)
        return tanh

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (tanh,) = ctx.saved_tensors
        return grad.addcmul(grad * tanh, tanh, value=-1)
