"""Feature penalty: keep the wave CNN's output small."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class FeaturePenalty(nn.Module):
    """Mean square of the features (wav2vec 2.0 §4.2: "an L2 penalty to the activations of the
    final layer of the feature encoder", for BASE).

    The paper gives no weight; the public code's is 10, and it takes the mean before the layer norm,
    over all frames, masked or not. Deviation: the code's mean includes padding.

    It takes none of the sizes that a loss may ask for. `target: features` is what it reads.
    """

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """See `Loss`; there is no loss of a single frame."""
        square_BT = target["vectors_BTC"].float().square().mean(-1)
        valid_BT = target["valid_BT"]
        mean = (square_BT * valid_BT).sum() / valid_BT.sum().clamp(min=1)
        return Loss(mean, {"feature_rms": mean.detach().sqrt()}, masked.count_B.sum())
