"""What a target may read. None of it has seen the mask.

Shapes: B utterances, T latent frames, D dimension of the latents, F of the frontend's features,
G label sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass
class Given:
    """Args:
    latents_BTD, lengths_B: the encoder's input and its valid frames.
    updates: optimiser updates so far, a 0-d tensor.
    features_BTF: the frontend's output, before any norm.
    labels_BTG: labels read from disk, -1 in padding.
    teacher_layers: what the teacher makes of the whole utterance; its `taps` are its top layers,
        (B, T, D) each.
    """

    latents_BTD: Tensor
    lengths_B: Tensor
    updates: Tensor
    features_BTF: Tensor | None = None
    labels_BTG: Tensor | None = None
    teacher_layers: NamedTuple | None = None
    generator: torch.Generator | None = None
