"""The model of every pre-training method: one choice from each room.

    speech -> frontend -> latents -+-> (teacher ->) targets, unmasked --+
                                   +-> masker -> view of the encoder ---+-> losses

Shapes: B utterances, T latent frames, D dimension of the latents, G label sets.
"""

from __future__ import annotations

import torch
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor, nn

from espnet_ext.encoder.views import Seen
from espnet_ext.loss.masked import Loss, MaskedFrames, utterance_confidence
from espnet_ext.masking.spans import Masker, mask_stats
from espnet_ext.targets.given import Given

UTTERANCE_WEIGHTS = ("none", "confidence")


class Objective(nn.Module):
    """A loss, its weight, what it reads.

    Args:
        target: name of a target, or of an objective before this one, whose loss at each frame is
            then what is predicted.
        layer: the layer it looks at, from 1; 0 is the last. A list for a loss that wants several.
    """

    def __init__(
        self, name: str, loss: nn.Module, target: str, layer: int | list[int], weight: float
    ):
        super().__init__()
        self.name, self.loss, self.target = name, loss, target
        self.layer, self.weight = layer, weight

    def hidden(self, layers: list[Tensor]) -> Tensor | list[Tensor]:
        if isinstance(self.layer, int):
            return layers[self.layer - 1]
        return [layers[layer - 1] for layer in self.layer]


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
        teacher: a moving average of the encoder (and of a predictor of its loss), for the targets
            and maskers that read one.
        total_updates: of the whole training, by which a masker's progress is counted.
        utterance_weight: what the loss of an utterance counts: `none` (all the same), or
            `confidence`, the scorer's mean over the utterance (Ask2Mask's second part, ATM+S).
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
        teacher: nn.Module | None = None,
        total_updates: int = 1,
        utterance_weight: str = "none",
    ):
        super().__init__()
        self.frontend, self.normalize, self.preencoder = frontend, normalize, preencoder
        self.masker, self.view, self.encoder = masker, view, encoder
        self.targets = nn.ModuleDict(targets)
        self.objectives = nn.ModuleList(objectives)
        self.frame_shift_ms = frame_shift_ms
        self.teacher = teacher
        self.total_updates = total_updates
        if utterance_weight not in UTTERANCE_WEIGHTS:
            raise ValueError(
                f"utterance_weight {utterance_weight!r} is not {' or '.join(UTTERANCE_WEIGHTS)}"
            )
        self.utterance_weight = utterance_weight
        # Optimiser updates so far, advanced by the trainer: schedules must not count the forward
        # calls of gradient accumulation. A buffer, so that a resume finds it; floating, because
        # ESPnet sums integer buffers when it averages checkpoints.
        self.register_buffer("updates", torch.zeros(()))

    def after_update(self) -> None:
        """Called by the trainer after each optimiser update."""
        self.updates += 1
        if self.teacher is not None:
            self.teacher.follow(self.updates)

    def latents(self, speech_BS: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Waveforms of S samples to features, latents (B, T, D), and the latents' lengths."""
        features_BTF, lengths_B = self.frontend(speech_BS, lengths_B)
        x = features_BTF
        if self.normalize is not None:
            x, lengths_B = self.normalize(x, lengths_B)
        if self.preencoder is not None:
            x, lengths_B = self.preencoder(x, lengths_B)
        return features_BTF, x, lengths_B

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        confidence: Tensor | None = None,
        confidence_lengths: Tensor | None = None,
        labels: Tensor | None = None,
        labels_lengths: Tensor | None = None,
        generator: torch.Generator | None = None,
        **kwargs,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Loss averaged over masked frames, stats, number of masked frames.

        Args:
            speech: (B, S) samples. speech_lengths: (B,).
            confidence: (B, T') scorer's confidence on the latents' frames. labels: (B, T', G).
                T' may differ from T by the one frame that roundings differ by; a frame without a
                label is not masked.
        """
        features_BTF, latents_BTD, lengths_B = self.latents(speech, speech_lengths)
        n_frames = latents_BTD.shape[1]
        weight_B = None
        if self.utterance_weight == "confidence":
            if confidence is None:
                raise ValueError("utterance_weight: confidence, but there is none in the data")
            weight_B = utterance_confidence(confidence, confidence_lengths)
        if confidence is not None:
            confidence = _fit(confidence, n_frames, 0.0)
        if labels is not None:
            labels = _fit(labels, n_frames, -1)
        given = Given(
            latents_BTD, lengths_B, self.updates, features_BTF, labels, generator=generator
        )
        predicted_loss_BT = None
        if self.teacher is not None:
            given.teacher_layers = self.teacher(latents_BTD.detach(), lengths_B)
            if "predicted_loss" in self.masker.needs:
                predicted_loss_BT = self.teacher.predicted_loss(given.teacher_layers)
        targets = {name: target(given) for name, target in self.targets.items()}

        may_mask_B = lengths_B
        if labels is not None:
            may_mask_B = torch.minimum(lengths_B, labels_lengths.to(lengths_B))
        clones = self.view.clones
        mask_BT = self.masker(
            may_mask_B.repeat(clones),
            n_frames,
            confidence_BT=_copies(confidence, clones),
            predicted_loss_BT=_copies(predicted_loss_BT, clones),
            progress=(self.updates / self.total_updates).clamp(max=1.0),
            generator=generator,
        )
        seen = self.view(
            self.encoder,
            latents_BTD,
            lengths_B,
            mask_BT,
            max_visible=n_frames - self.masker.min_masked(n_frames),
            generator=generator,
        )
        stats = mask_stats(mask_BT, may_mask_B.repeat(clones), self.frame_shift_ms)
        stats["hidden_std"] = _std_over_frames(
            seen.layers[-1].detach(), lengths_B.repeat(len(seen.mask_BT) // len(lengths_B))
        )
        if weight_B is not None:
            stats["utterance_weight"] = weight_B.mean()
        total, own_stats, weight, _ = self._objective(targets, seen, weight_B, generator)
        return total, stats | own_stats, weight

    def _objective(
        self,
        targets: dict[str, dict[str, Tensor]],
        seen: Seen,
        weight_B: Tensor | None,
        generator: torch.Generator | None,
    ) -> Loss:
        """The weighted sum of the losses on what the view has seen."""
        rows, n_frames = seen.mask_BT.shape
        if weight_B is not None:
            weight_B = _copies(weight_B, rows // len(weight_B))
        masked = MaskedFrames.of(seen.mask_BT, self.masker.max_masked(n_frames), weight_B)
        total = seen.layers[-1].new_zeros(())
        stats: dict[str, Tensor] = {}
        for objective in self.objectives:
            target = {
                key: _copies(x, rows // len(x)) for key, x in targets[objective.target].items()
            }
            loss = objective.loss(
                objective.hidden(seen.layers), target, masked, generator=generator
            )
            total = total + objective.weight * loss.value
            stats[f"loss_{objective.name}"] = loss.value.detach()
            stats.update(loss.stats)
            if loss.per_frame_BK is not None:
                targets[objective.name] = {"frame_loss_BK": loss.per_frame_BK.detach()}
        stats["loss"] = total.detach()
        return Loss(total, stats, masked.count_B.sum())

    def collect_feats(self, speech: Tensor, speech_lengths: Tensor, **kwargs) -> dict[str, Tensor]:
        """Features before normalisation, for ESPnet's statistics stage."""
        feats, feats_lengths = self.frontend(speech, speech_lengths)
        return {"feats": feats, "feats_lengths": feats_lengths}


def _fit(x_BT: Tensor, n_frames: int, filler: float) -> Tensor:
    """A stream from disk, cut or filled to the latents' frames (dimension 1)."""
    missing = max(0, n_frames - x_BT.shape[1])
    after = [0, 0] * (x_BT.dim() - 2) + [0, missing]
    return nn.functional.pad(x_BT, after, value=filler)[:, :n_frames]


def _copies(x: Tensor | None, n: int) -> Tensor | None:
    """Rows copy by copy, as a view orders them."""
    return x if x is None or n == 1 else x.repeat(n, *[1] * (x.dim() - 1))


def _std_over_frames(x_BTD: Tensor, lengths_B: Tensor) -> Tensor:
    """Mean over dimensions of the standard deviation over frames: near 0 means collapse."""
    keep_BT1 = (torch.arange(x_BTD.shape[1], device=x_BTD.device) < lengths_B[:, None])[..., None]
    n = keep_BT1.sum().clamp(min=1)
    mean_D = (x_BTD * keep_BT1).sum((0, 1)) / n
    return (((x_BTD - mean_D) ** 2 * keep_BT1).sum((0, 1)) / n).sqrt().mean()
