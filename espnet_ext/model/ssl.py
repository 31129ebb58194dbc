"""The model of every pre-training method: one choice from each room.

    speech -> frontend -> latents -+-> targets (unmasked) --------+
                                   +-> masker -> view -> encoder -+-> losses

Shapes: B utterances, T latent frames, D dimension of the latents.
"""

from __future__ import annotations

import torch
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor, nn

from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.masking.spans import Masker, mask_stats


class Objective(nn.Module):
    """A loss, its weight, the target it reads, the layer it looks at (from 1; 0 is the last)."""

    def __init__(self, name: str, loss: nn.Module, target: str, layer: int, weight: float):
        super().__init__()
        self.name, self.loss, self.target = name, loss, target
        self.layer, self.weight = layer, weight


class MaskedSpeechModel(AbsESPnetModel):
    """Masked speech modelling (the table in docs/papers.md has a row per method).

    Args:
        frontend, normalize, preencoder: ESPnet's stages that turn a waveform into latents; the
            same names in the recogniser, so that fine-tuning finds their weights.
        masker: which frames are hidden.
        view: what the encoder is shown.
        encoder: context network with `hidden()`, the outputs of all its layers.
        targets: by name, what is predicted. objectives: what is minimised, a weighted sum.
        frame_shift_ms: of the latents.
    """

    def __init__(
        self,
        frontend: nn.Module,
        normalize: nn.Module | None,
        preencoder: nn.Module | None,
        masker: Masker,
        view: nn.Module,
        encoder: nn.Module,
        targets: dict[str, nn.Module],
        objectives: list[Objective],
        frame_shift_ms: float,
    ):
        super().__init__()
        self.frontend, self.normalize, self.preencoder = frontend, normalize, preencoder
        self.masker, self.view, self.encoder = masker, view, encoder
        self.targets = nn.ModuleDict(targets)
        self.objectives = nn.ModuleList(objectives)
        self.frame_shift_ms = frame_shift_ms
        # Optimiser updates so far, advanced by the trainer: schedules must not count the forward
        # calls of gradient accumulation. A buffer, so that a resume finds it; floating, because
        # ESPnet sums integer buffers when it averages checkpoints.
        self.register_buffer("updates", torch.zeros(()))

    def latents(self, speech_BS: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms of S samples to latents (B, T, D) and their lengths."""
        x, lengths_B = self.frontend(speech_BS, lengths_B)
        if self.normalize is not None:
            x, lengths_B = self.normalize(x, lengths_B)
        if self.preencoder is not None:
            x, lengths_B = self.preencoder(x, lengths_B)
        return x, lengths_B

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        confidence: Tensor | None = None,
        confidence_lengths: Tensor | None = None,
        generator: torch.Generator | None = None,
        **kwargs,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Loss averaged over masked frames, stats, number of masked frames.

        Args:
            speech: (B, S) samples. speech_lengths: (B,).
            confidence: (B, T') scorer's confidence on the latents' frames; T' may differ from T
                by the one frame that roundings differ by.
        """
        latents_BTD, lengths_B = self.latents(speech, speech_lengths)
        n_frames = latents_BTD.shape[1]
        if confidence is not None:
            confidence = nn.functional.pad(confidence, (0, max(0, n_frames - confidence.shape[1])))
        mask_BT = self.masker(
            lengths_B,
            n_frames,
            confidence_BT=None if confidence is None else confidence[:, :n_frames],
            generator=generator,
        )
        targets = {
            name: target(latents_BTD, self.updates, generator=generator)
            for name, target in self.targets.items()
        }
        layers = self.view(self.encoder, latents_BTD, lengths_B, mask_BT)
        masked = MaskedFrames.of(mask_BT, self.masker.max_masked(n_frames))

        total = latents_BTD.new_zeros(())
        stats = mask_stats(mask_BT, lengths_B, self.frame_shift_ms)
        for objective in self.objectives:
            hidden_BTD = layers[objective.layer - 1]
            loss, own_stats, _ = objective.loss(
                hidden_BTD, targets[objective.target], masked, generator=generator
            )
            total = total + objective.weight * loss
            stats[f"loss_{objective.name}"] = loss.detach()
            stats.update(own_stats)
        stats["loss"] = total.detach()
        stats["hidden_std"] = _std_over_frames(layers[-1].detach(), lengths_B)
        return total, stats, masked.count_B.sum()

    def collect_feats(self, speech: Tensor, speech_lengths: Tensor, **kwargs) -> dict[str, Tensor]:
        """Features before normalisation, for ESPnet's statistics stage."""
        feats, feats_lengths = self.frontend(speech, speech_lengths)
        return {"feats": feats, "feats_lengths": feats_lengths}


def _std_over_frames(x_BTD: Tensor, lengths_B: Tensor) -> Tensor:
    """Mean over dimensions of the standard deviation over frames: near 0 means collapse."""
    keep_BT1 = (torch.arange(x_BTD.shape[1], device=x_BTD.device) < lengths_B[:, None])[..., None]
    n = keep_BT1.sum()
    mean_D = (x_BTD * keep_BT1).sum((0, 1)) / n
    return (((x_BTD - mean_D) ** 2 * keep_BT1).sum((0, 1)) / n).sqrt().mean()
