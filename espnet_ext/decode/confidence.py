"""How sure a CTC scorer is of every frame (Ask2Mask §2.1, eq. 1)."""

from __future__ import annotations

from torch import Tensor


def frame_confidence(log_probs_BTV: Tensor, blank: int, include_blank: bool) -> Tensor:
    """s_t = max over labels l of p(v_t = l | E), (B, T).

    The paper does not say whether its labels include CTC's blank. In CTC's own notation they do
    not (Graves et al. 2006: L, and L' with the blank). With the blank, a peaky scorer is sure of
    nearly every frame and the draw nearly uniform; without it, sure where it hears a token.

    Args:
        log_probs_BTV: log softmax of the scorer. include_blank: whether blank counts as a label.
    """
    if not include_blank:
        log_probs_BTV = log_probs_BTV.index_fill(
            -1, log_probs_BTV.new_tensor([blank]).long(), -float("inf")
        )
    return log_probs_BTV.amax(-1).exp()
