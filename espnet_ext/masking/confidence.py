"""Ask2Mask: spans start where a CTC scorer is confident (Ask2Mask §2.1)."""

import torch
from torch import Tensor

from espnet_ext.masking.spans import Batch, Masker, gumbel


class ConfidenceSpans(Masker):
    """Starts drawn without replacement, in proportion to the scorer's confidence (eq. 1).

    Args:
        order: `highest` draws in proportion to the confidence s (the method), `lowest` in
            proportion to 1 - s, `random` ignores s: the three arms of the paper's ablation.
        span, fraction, start_prob: see `Masker`. The paper masks 40 % in spans of 10 frames.
    """

    needs = ("confidence",)

    def __init__(self, order: str = "highest", **spans):
        super().__init__(**spans)
        if order not in ("highest", "lowest", "random"):
            raise ValueError(f"masker_conf: order {order!r} is not highest, lowest or random")
        self.order = order

    def priority(self, batch: Batch) -> Tensor:
        noise_BT = gumbel(batch)
        if self.order == "random":
            return noise_BT
        confidence_BT = batch.confidence_BT
        weight_BT = confidence_BT if self.order == "highest" else 1 - confidence_BT
        return torch.log(weight_BT.clamp(min=0)) + noise_BT  # log 0 = -inf: never drawn
