"""Layer norm between features and everything that reads them."""

from __future__ import annotations

from espnet2.asr.preencoder.abs_preencoder import AbsPreEncoder
from torch import Tensor, nn


class LatentNorm(AbsPreEncoder):
    """Layer norm of the wave CNN's features (wav2vec 2.0's and HuBERT's public code; the papers
    do not mention it). What it gives goes to the encoder and to the quantiser alike; the feature
    penalty reads what comes before it.

    Args:
        input_size: F.
    """

    def __init__(self, input_size: int):
        super().__init__()
        self.norm = nn.LayerNorm(input_size)

    def output_size(self) -> int:
        return self.norm.normalized_shape[0]

    def forward(self, features_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) and lengths, unchanged."""
        return self.norm(features_BTF), lengths_B
