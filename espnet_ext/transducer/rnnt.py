"""RNN-T loss by torchaudio: CPU and CUDA, nothing to compile."""

from __future__ import annotations

import torchaudio.functional
from torch import Tensor


def rnnt_loss(
    logits_BTUV: Tensor, labels_BU: Tensor, frames_B: Tensor, labels_B: Tensor, blank: int = 0
) -> Tensor:
    """Mean over utterances of -log p(labels) (Graves 2012, eq. 16-18).

    Args:
        logits_BTUV: joint network's output for every frame and every prefix of the labels, the
            empty one too (U is one more than the longest label sequence).
        labels_BU: without the leading blank; padding has no meaning.
        frames_B, labels_B: lengths.
    """
    return torchaudio.functional.rnnt_loss(
        logits_BTUV.float(),
        labels_BU.int(),
        frames_B.int(),
        labels_B.int(),
        blank=blank,
        reduction="mean",
    )
