"""Spans that do not touch, laid out at random (wav2vec 2.0 app. A, "w/o overlap").

Shapes: B utterances, T frames, N spans at most.
"""

from __future__ import annotations

import torch
from torch import Tensor

from espnet_ext.masking.spans import Batch


def spans_apart(length_BN: Tensor, open_BN: Tensor, batch: Batch) -> Tensor:
    """Lay out spans with at least one visible frame between any two; every layout is as likely.

    The public code places the longest span first and cuts what is left around it, which loses
    spans that would fit. Here all are placed at once: shrink each span to a single place; n of the
    places that are then left are drawn without replacement; sorted, they are the spans in order,
    and the frame between two spans is the place that the next one shrank to.

    Args:
        length_BN: frames per span. open_BN: which are wanted, the first ones of each row; those
            that do not fit are left out.

    Returns:
        mask_BT, boolean.
    """
    n_most, max_length = length_BN.shape[1], batch.max_length
    open_BN = open_BN & ((length_BN + 1).cumsum(1) - 1 <= batch.lengths_B[:, None])
    length_BN = length_BN * open_BN
    # the last span opened tends to be a long one: it must not always lie last
    shuffled_BN = batch.uniform(n_most).masked_fill(~open_BN, 2.0).argsort(1)
    length_BN = length_BN.gather(1, shuffled_BN)

    places_B1 = batch.lengths_B[:, None] - length_BN.sum(1, keepdim=True) + 1
    chance_BT = batch.uniform(max_length).masked_fill(batch.frame_T >= places_B1, 2.0)
    place_BN = chance_BT.argsort(1)[:, :n_most].masked_fill(~open_BN, max_length).sort(1).values
    begin_BN = (place_BN + length_BN.cumsum(1) - length_BN).clamp(max=max_length)
    begin_BN = begin_BN.masked_fill(~open_BN, max_length)

    steps_BT = torch.zeros(
        (len(begin_BN), max_length + 1), dtype=torch.int64, device=begin_BN.device
    )
    steps_BT.scatter_add_(1, begin_BN, open_BN.long())
    steps_BT.scatter_add_(1, begin_BN + length_BN, -open_BN.long())
    return steps_BT[:, :-1].cumsum(1) > 0
