"""The teacher: an average of the student over its past weights (data2vec, EH-MAM eq. 1).

Shapes: B utterances, T latent frames, D the encoder's width.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from espnet_ext.config import UserError


class TeacherLayers(NamedTuple):
    """What the teacher makes of an utterance, padding zero throughout.

    taps: of its top layers, lowest first, (B, T, D) each. output_BTD: of its last layer, which a
    predictor of the loss reads; None where there is no predictor.
    """

    taps: list[Tensor]
    output_BTD: Tensor | None


class EMATeacher(nn.Module):
    """A copy of the encoder, and of a predictor of its loss, whose weights follow the student's:

        teacher <- decay · teacher + (1 - decay) · student     (EH-MAM eq. 1, data2vec)

    after every optimiser update, in fp32; the decay rises linearly from `start` to `end`. It is
    always in evaluation mode and gets no gradient. It reads the student's latents. What is `shared`
    is the student's of the same update, and so are all buffers: in data2vec 2.0's public code the
    projection of the latents, in data2vec 1's the positions as well.

    Args:
        encoder: the student's. predictor: (B, T, D) -> (B, T), or None.
        start, end, anneal_updates: of the decay (data2vec 2.0 and EH-MAM: 0.999, 0.99999, 75000).
        tap: `layer`, the layers' outputs, or `ffn`, what their feed-forwards add (data2vec).
        top: how many of the layers, from the last (data2vec: 8).
        shared: parts of the encoder, by name, that are the student's.
    """

    def __init__(
        self,
        encoder: nn.Module,
        predictor: nn.Module | None = None,
        start: float = 0.999,
        end: float = 0.99999,
        anneal_updates: int = 75000,
        tap: str = "layer",
        top: int = 8,
        shared: Sequence[str] = ("embed",),
    ):
        super().__init__()
        if tap not in ("layer", "ffn"):
            raise ValueError(f"teacher_conf: tap {tap!r} is neither layer nor ffn")
        if tap == "ffn" and "tap" not in inspect.signature(encoder.hidden).parameters:
            raise ValueError(
                f"teacher_conf: {type(encoder).__name__} shows only its layers' outputs; "
                "`tap: layer` is expected"
            )
        if not 1 <= top <= len(encoder.layers):
            raise ValueError(
                f"teacher_conf: top {top}; the encoder has 1 to {len(encoder.layers)} layers"
            )
        if not 0 <= start <= end <= 1 or anneal_updates < 1:
            raise ValueError(
                f"teacher_conf: a decay from {start} to {end} in {anneal_updates} updates; it is "
                "expected to rise, between 0 and 1"
            )
        unknown = set(shared) - {name for name, _ in encoder.named_children()}
        if unknown:
            raise ValueError(
                f"teacher_conf: shared {sorted(unknown)}; the encoder has no such part"
            )
        self.start, self.end, self.anneal_updates = start, end, anneal_updates
        self.tap, self.top = tap, top
        self.shared = tuple(f"encoder.{name}." for name in shared)
        students = {"encoder": encoder} | ({} if predictor is None else {"predictor": predictor})
        # in a tuple, which is no module: the student's weights are not the teacher's state
        self._students = tuple(students.values())
        self.copies = nn.ModuleDict({name: deepcopy(one) for name, one in students.items()})
        self.copies.float().requires_grad_(False)
        self.eval()
        self.register_buffer("followed", torch.zeros(()))  # updates
        self._joined = False

    def train(self, mode: bool = True) -> EMATeacher:
        """Stay in evaluation mode: a teacher has no dropout and drops no layers."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, latents_BTD: Tensor, lengths_B: Tensor) -> TeacherLayers:
        """What the top layers make of all latents, (B, T, D), unmasked."""
        if not self._joined:
            # A student that was loaded from elsewhere before its first update is where its teacher
            # begins; after an update, of this process or of one that it resumes, nothing changes.
            self._move_to_students((self.followed == 0).float())
            self._joined = True
        encoder = self.copies["encoder"]
        last: list[Tensor] = []

        def keep(x_BTD: Tensor) -> Tensor:
            last[:] = [x_BTD]
            return x_BTD

        tap = {} if self.tap == "layer" else {"tap": self.tap}
        layers = encoder.hidden(encoder.embed(latents_BTD), lengths_B, after_layer=keep, **tap)
        frame_T = torch.arange(latents_BTD.shape[1], device=latents_BTD.device)
        pad_BT1 = (frame_T >= lengths_B[:, None])[..., None]
        output_BTD = None
        if "predictor" in self.copies:
            norm = encoder.norm if getattr(encoder, "norm_first", False) else nn.Identity()
            output_BTD = norm(last[0]).masked_fill(pad_BT1, 0.0)
        return TeacherLayers([x.masked_fill(pad_BT1, 0.0) for x in layers[-self.top :]], output_BTD)

    @torch.no_grad()
    def predicted_loss(self, layers: TeacherLayers) -> Tensor:
        """The loss that the teacher expects at each frame, (B, T): d(f(Z)) of EH-MAM §3.1."""
        return self.copies["predictor"](layers.output_BTD)

    @torch.no_grad()
    def follow(self, updates: Tensor) -> None:
        """One step of the average, after the optimiser's update number `updates` (from 1)."""
        self._move_to_students(self.student_weight(updates))
        self.followed.copy_(updates)

    def student_weight(self, updates: Tensor) -> Tensor:
        """1 - decay of an update. Of 1 - 0.99999 fp32 would keep but three digits."""
        left = (1 - updates / self.anneal_updates).clamp(min=0)
        return (1 - self.end) + (self.end - self.start) * left

    def _move_to_students(self, weight: Tensor) -> None:
        """Averages move by a share, a 0-d tensor on their device; what is shared is copied."""
        averages, followed, copies, copied = [], [], [], []
        for name, own, student in self._pairs():
            if isinstance(own, nn.Parameter) and not name.startswith(self.shared):
                averages.append(own)
                followed.append(student.to(own.dtype))
            else:
                copies.append(own)
                copied.append(student)
        if averages[0].dtype != torch.float32:
            raise UserError(
                f"teacher: its weights are {averages[0].dtype}, which cannot follow so slowly; "
                "leave `train_dtype` at float32 (`use_amp: true` computes in half precision)"
            )
        torch._foreach_lerp_(averages, followed, [weight] * len(averages))
        if copies:
            torch._foreach_copy_(copies, copied)

    def _pairs(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Every parameter and buffer: its name, the teacher's, the student's."""
        for (part, copy), student in zip(self.copies.items(), self._students, strict=True):
            students = dict(student.named_parameters()) | dict(student.named_buffers())
            for tensors in (copy.named_parameters(), copy.named_buffers()):
                for name, own in tensors:
                    yield f"{part}.{name}", own, students[name].detach()
