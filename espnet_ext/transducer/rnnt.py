"""RNN-T loss that never holds the joint network's output for all frames and prefixes at once.

That tensor, (B, T, U, V), is the usual end of memory in RNN-T training. Here the joint network runs
on some nodes at a time; forward, two numbers per node are kept, the log-probabilities of blank and
of the next label; backward, the same nodes are computed again, and their gradient is complete as
soon as the share of the alignments that go through them is known.

Shapes: B utterances, T frames, U labels, W = U + 1 prefixes of them, J joint dimension, V symbols,
N nodes of a chunk.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from espnet_ext.transducer import lattice
from espnet_ext.transducer.joint import JointGradient, NodeJoint

# Elements of the largest tensor of a chunk: on a CPU it should stay in the cache, on a GPU fill it.
_CHUNK_ELEMENTS = {"cpu": 2**20}
_CHUNK_ELEMENTS_GPU = 2**24


def rnnt_loss(
    enc_BTJ: Tensor,
    dec_BWJ: Tensor,
    weight_VJ: Tensor,
    bias_V: Tensor,
    labels_BU: Tensor,
    frames_B: Tensor,
    labels_B: Tensor,
    *,
    blank: int = 0,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
    fastemit_lambda: float = 0.0,
    chunk_nodes: int | None = None,
) -> Tensor:
    """-log p(labels) of each utterance (Graves 2012, eq. 16-18), exact.

    The joint network is `weight · activation(enc + dec) + bias`, as ESPnet's. It runs in the type
    of its inputs (autocast's where that is on); log-probabilities are in float32 at least, sums
    over alignments in double.

    Backward leaves out the nodes whose gradient is zero: those with a share of the alignments below
    the smallest normal float32. The more certain a model, the fewer are left.

    Which nodes there are depends on the lengths, which the host must know for that: one number is
    copied from the device forward, one backward.

    Args:
        enc_BTJ, dec_BWJ: encoder and prediction network, projected into the joint space. `dec` has
            a row for every prefix of the labels, the empty one first.
        weight_VJ, bias_V: the output layer.
        labels_BU: padding has no meaning. frames_B, labels_B: lengths, on the same device. There
            may be more labels than frames, and no labels.
        activation: a function of each element, without parameters.
        fastemit_lambda: FastEmit (Yu et al. 2021): the gradient of label arcs is multiplied by
            1 + lambda. The value stays that of the plain loss.
        chunk_nodes: nodes at a time; by default as many as suit the device. Changes no result but
            by rounding.

    Returns:
        (B,), differentiable once. An utterance without frames, which no path can explain, has loss
        0 and no gradient: count them by `frames_B == 0`.

    Raises:
        ValueError: `dec_BWJ` has not one row more than there are labels.
    """
    if dec_BWJ.shape[1] != labels_BU.shape[1] + 1:
        raise ValueError(
            f"dec_BWJ has {dec_BWJ.shape[1]} rows for {labels_BU.shape[1]} labels; "
            "expected one for each prefix, the empty one too"
        )
    device = enc_BTJ.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else enc_BTJ.dtype
    if chunk_nodes is None:
        elements = _CHUNK_ELEMENTS.get(device, _CHUNK_ELEMENTS_GPU)
        chunk_nodes = max(1, elements // max(weight_VJ.shape))
    return _RNNTLoss.apply(
        *(x.to(dtype) for x in (enc_BTJ, dec_BWJ, weight_VJ, bias_V)),
        labels_BU.long(),
        frames_B.long(),
        labels_B.long(),
        blank,
        activation,
        fastemit_lambda,
        chunk_nodes,
    )


class _RNNTLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx,
        enc_BTJ: Tensor,
        dec_BWJ: Tensor,
        weight_VJ: Tensor,
        bias_V: Tensor,
        labels_BU: Tensor,
        frames_B: Tensor,
        labels_B: Tensor,
        blank: int,
        activation: Callable[[Tensor], Tensor],
        fastemit_lambda: float,
        chunk_nodes: int,
    ) -> Tensor:
        joint = NodeJoint(enc_BTJ, dec_BWJ, weight_VJ, bias_V, activation)
        next_BW, inside_BTW = _rectangle(enc_BTJ.shape[1], labels_BU, frames_B, labels_B)
        wide = torch.promote_types(enc_BTJ.dtype, torch.float32)
        blank_BTW, label_BTW = torch.zeros(
            2, *inside_BTW.shape, dtype=torch.double, device=enc_BTJ.device
        )
        for node_N in inside_BTW.view(-1).nonzero()[:, 0].split(chunk_nodes):
            frame_N, prefix_N = joint.rows(node_N)
            log_probs_NV = joint(frame_N, prefix_N)[1].log_softmax(-1, dtype=wide)
            next_N1 = next_BW.view(-1)[prefix_N][:, None]
            blank_BTW.view(-1)[node_N] = log_probs_NV[:, blank].double()
            label_BTW.view(-1)[node_N] = log_probs_NV.gather(1, next_N1)[:, 0].double()
        arcs = lattice.closed(blank_BTW, label_BTW, frames_B, labels_B)
        reached_BTW = lattice.forward(*arcs)
        ctx.save_for_backward(
            *(enc_BTJ, dec_BWJ, weight_VJ, bias_V, next_BW, inside_BTW, *arcs, reached_BTW)
        )
        ctx.options = blank, activation, fastemit_lambda, chunk_nodes
        return torch.where(frames_B > 0, -reached_BTW[:, -1, -1], 0.0).to(wide)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_B: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, next_BW, inside_BTW, blank_BTW, label_BTU, reached_BTW = ctx.saved_tensors
        blank, activation, fastemit_lambda, chunk_nodes = ctx.options
        joint = NodeJoint(*inputs, activation)
        gradient = JointGradient(joint)
        blank_R, label_R = (
            (posterior_BTW * grad_B[:, None, None]).to(grad_B.dtype).reshape(-1)
            for posterior_BTW in lattice.posteriors(blank_BTW, label_BTU, reached_BTW)
        )
        label_R = label_R * (1 + fastemit_lambda)
        node_R = blank_R + label_R
        # not `abs() >= tiny`: a NaN must come through
        kept_R = inside_BTW.view(-1) & ~(node_R.abs() < torch.finfo(grad_B.dtype).tiny)
        for node_N in kept_R.nonzero()[:, 0].split(chunk_nodes):
            frame_N, prefix_N = joint.rows(node_N)
            with torch.enable_grad():
                sum_NJ, logits_NV = joint(frame_N, prefix_N)
            # of a log-softmax, two of whose outputs have gradients: -blank and -label
            grad_NV = logits_NV.detach().softmax(-1, dtype=grad_B.dtype)
            grad_NV *= node_R[node_N][:, None]
            grad_NV[:, blank] -= blank_R[node_N]
            next_N1 = next_BW.view(-1)[prefix_N][:, None]
            grad_NV.scatter_add_(1, next_N1, -label_R[node_N][:, None])
            gradient.add(frame_N, prefix_N, sum_NJ, logits_NV, grad_NV)
        return *gradient.result(), *[None] * 7


def _rectangle(
    n_frames: int, labels_BU: Tensor, frames_B: Tensor, labels_B: Tensor
) -> tuple[Tensor, Tensor]:
    """The label after each prefix (B, W), 0 where there is none; the nodes that exist (B, T, W)."""
    u_W = torch.arange(labels_BU.shape[1] + 1, device=labels_BU.device)
    t_T1 = torch.arange(n_frames, device=labels_BU.device)[:, None]
    next_BW = F.pad(labels_BU, (0, 1)).masked_fill(u_W >= labels_B[:, None], 0)
    inside_BTW = (t_T1 < frames_B[:, None, None]) & (u_W <= labels_B[:, None, None])
    return next_BW, inside_BTW
