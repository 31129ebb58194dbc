"""The language model of a training: ESPnet's, with the count of updates that trainings keep."""

from __future__ import annotations

import torch
from espnet2.lm.espnet_model import ESPnetLanguageModel


class LanguageModel(ESPnetLanguageModel):
    """ESPnet's language model: the loss is the mean over tokens and sentence ends of the batch.

    Args:
        args, kwargs: ESPnetLanguageModel's.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("updates", torch.zeros(()))  # advanced by the trainer

    def after_update(self) -> None:
        """Called by the trainer after each optimiser update."""
        self.updates += 1
