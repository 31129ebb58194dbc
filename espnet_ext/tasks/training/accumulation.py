"""Gradient accumulation and several processes that give the gradient of the whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from espnet2.torch_utils.device_funcs import force_gatherable
from torch import Tensor, nn


class WeightedMean:
    """Makes the gradient of an update the mean over all that its micro-batches contain.

    The loss L_ir of micro-batch i in process r is a mean over w_ir things: masked frames in
    pre-training, utterances in fine-tuning. Wanted is the gradient of

        Σ_ir w_ir L_ir / Σ_ir w_ir

    ESPnet's loop has Σ_r w_ir L_ir / w_i, where w_i = Σ_r w_ir, and takes the plain mean of that
    over the `accum_grad` micro-batches, however much each contains. So before micro-batch i is
    added, this multiplies the gradients so far by W_{i-1} / W_i, where W_i = w_1 + … + w_i, and
    its loss by accum_grad · w_i / W_i. Both are factors of the whole micro-batch: they commute with
    the loss scale of mixed precision, which is constant within an update, and with the mean
    that DistributedDataParallel takes over processes, whose gradients so far are equal.

    A forward hook, since the loop is ESPnet's. It starts anew where no parameter has a gradient,
    as after every update, and copies nothing to the host.

    Args:
        model: what the loop calls: the model, or its DistributedDataParallel.
        accum_grad: micro-batches to an update.
        distributed: several processes.
    """

    def __init__(self, model: nn.Module, accum_grad: int, distributed: bool):
        self.model, self.accum_grad, self.distributed = model, accum_grad, distributed
        self.so_far: Tensor | None = None  # W_{i-1}

    @torch.no_grad()
    def _factor(self, own_weight: Tensor) -> Tensor:
        """Scale the gradients so far; the factor of the new micro-batch's loss."""
        new = own_weight.sum().float()  # several, where DataParallel has gathered them
        if self.distributed:
            torch.distributed.all_reduce(new)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        before = self.so_far if gradients else torch.zeros_like(new)
        self.so_far = before + new
        whole = self.so_far.clamp(min=torch.finfo(torch.float32).tiny)  # nothing masked: loss 0
        if gradients:
            torch._foreach_mul_(gradients, before / whole)
        return self.accum_grad * new / whole

    def __call__(self, module: nn.Module, args: tuple, output: tuple) -> tuple:
        """Forward hook."""
        loss, stats, weight = output
        return loss * self._factor(weight), stats, weight


@contextmanager
def weighted_mean(model: nn.Module, accum_grad: int, distributed: bool) -> Iterator[None]:
    """While open, updates have the gradient that `WeightedMean` describes."""
    if accum_grad == 1:
        yield
        return
    hook = model.register_forward_hook(WeightedMean(model, accum_grad, distributed))
    try:
        yield
    finally:
        hook.remove()


def as_vectors(module: nn.Module, args: tuple, output: tuple) -> tuple:
    """Forward hook: vectors of one number, which ESPnet's loops want to add up over processes."""
    return force_gatherable(output, output[0].device)
