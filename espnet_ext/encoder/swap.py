"""Swap: a masked and an unmasked view that exchange what they know after every layer (MS-HuBERT).

Shapes: B utterances, T latent frames, D the encoder's width. A stacked batch has 2B rows: the
masked view of every utterance, then the unmasked view of every utterance.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from espnet_ext.encoder.dropout import dropout
from espnet_ext.encoder.views import Seen, View, replace


class SwapViews(View):
    """Both views in one batch; after each layer they swap their masked frames (MS-HuBERT §2.2.1).

    Works on any encoder, as it reaches in through `after_layer` alone. A layer that LayerDrop
    leaves out is left out of the whole batch, so of both views, and is not followed by a swap.

    The paper does not say of which view the loss is taken. What began as the mask stands in the
    masked view's rows after an even number of swaps and in the unmasked view's after an odd one, so
    that with a single view it would depend on a layer's number whether its loss names hidden frames
    or seen ones. Of `both`, every layer has both, and the batch of two goes through HuBERT's loss
    as it is: the default.

    Args:
        hidden_size: D.
        loss_on: `masked`, `unmasked` or `both`.
        same_dropout: draw dropout once for both views. The paper does not say; a stacked batch as
            it describes draws for each.
    """

    def __init__(self, hidden_size: int, loss_on: str = "both", same_dropout: bool = False):
        super().__init__()
        if loss_on not in ("masked", "unmasked", "both"):
            raise ValueError(f"view_conf: loss_on {loss_on!r} is not masked, unmasked or both")
        self.loss_on, self.same_dropout = loss_on, same_dropout
        self.mask_embedding_D = nn.Parameter(torch.empty(hidden_size).uniform_())

    def forward(
        self, encoder, latents_BTD, lengths_B, mask_BT, *, max_visible=None, generator=None
    ) -> Seen:
        batch = len(mask_BT)
        shown_BTD = encoder.embed(latents_BTD)
        both_BTD = torch.cat([replace(shown_BTD, mask_BT, self.mask_embedding_D), shown_BTD])
        mask_BT1 = mask_BT.repeat(2, 1)[..., None]

        def swap(x_BTD: Tensor) -> Tensor:
            return torch.where(mask_BT1, x_BTD.roll(batch, 0), x_BTD)

        with SameDrawsForBothHalves(2 * batch) if self.same_dropout else nullcontext():
            layers = encoder.hidden(both_BTD, lengths_B.repeat(2), after_layer=swap)
        if self.loss_on == "both":
            return Seen(layers, mask_BT.repeat(2, 1))
        rows = slice(0, batch) if self.loss_on == "masked" else slice(batch, None)
        return Seen([x_BTD[rows] for x_BTD in layers], mask_BT)


class SameDrawsForBothHalves(TorchFunctionMode):
    """While open, dropout falls on the same places of the first and the second half of a batch.

    Whichever module asks for it: each call is made once for each half, from the same state of the
    random generator.

    Args:
        rows: of the batch; a tensor of as many rows is halved.
    """

    def __init__(self, rows: int):
        super().__init__()
        self.rows = rows

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func not in (dropout, F.dropout, F.scaled_dot_product_attention):
            return func(*args, **kwargs)

        def half(value, which: slice):
            halved = isinstance(value, Tensor) and len(value) == self.rows
            return value[which] if halved else value

        def on(which: slice) -> Tensor:
            halves = {name: half(value, which) for name, value in kwargs.items()}
            return func(*(half(value, which) for value in args), **halves)

        devices = [args[0].device] if args[0].is_cuda else []
        with torch.random.fork_rng(devices):
            first = on(slice(0, self.rows // 2))
        return torch.cat([first, on(slice(self.rows // 2, None))])
