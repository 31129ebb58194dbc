"""Learning rates that ESPnet has not, in updates of the optimiser.

ESPnet steps its batch-step schedulers once per update that was done, whatever `accum_grad` and
whatever was skipped. Two schedules of the papers it has already: `warmuplr` is the Transformer's
(its `lr` is the peak), `tristagelr` that of wav2vec 2.0's fine-tuning.
"""

from __future__ import annotations

import math

from espnet2.schedulers.abs_scheduler import AbsBatchStepScheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class WarmupSchedule(LRScheduler, AbsBatchStepScheduler):
    """Linear from 0 to `lr` over the first updates, then as `after_warmup` says.

    The rate depends on the number of the update alone (1 for the first), so a resumed training has
    exactly the rates of an unbroken one.

    Args:
        optimizer: whose `lr` (`optim_conf`) is the peak.
        warmup_steps: the update that has it. max_steps: the update from which on the rate stays.
        final_scale: the rate that it ends at, over the peak.

    Raises:
        ValueError: a value that no schedule can have.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        max_steps: int,
        final_scale: float = 0.0,
    ):
        if not 0 <= warmup_steps < max_steps:
            raise ValueError(
                f"scheduler_conf: warmup_steps {warmup_steps}, max_steps {max_steps}; "
                "expected 0 <= warmup_steps < max_steps"
            )
        if not 0 <= final_scale <= 1:
            raise ValueError(f"scheduler_conf: final_scale {final_scale}; expected 0 to 1")
        self.warmup_steps, self.max_steps = warmup_steps, max_steps
        self.final_scale = final_scale
        super().__init__(optimizer)  # calls get_lr

    def after_warmup(self, left: float) -> float:
        """Share of what lies between the last rate and the peak.

        Args:
            left: of the way after the warm-up, from 1 to 0.
        """
        raise NotImplementedError

    def scale(self, update: int) -> float:
        """The rate of an update, over the peak."""
        if update < self.warmup_steps:
            return update / self.warmup_steps
        left = max(0.0, (self.max_steps - update) / (self.max_steps - self.warmup_steps))
        return self.final_scale + (1 - self.final_scale) * self.after_warmup(left)

    def get_lr(self) -> list[float]:
        return [peak * self.scale(self.last_epoch + 1) for peak in self.base_lrs]


class Polynomial(WarmupSchedule):
    """A power of what is left to do. wav2vec 2.0 §4.2 (BASE: warm-up 32k of 400k updates, "then
    linearly decay it") and HuBERT §IV-C (the first 8 % of the updates): power 1."""

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        max_steps: int,
        final_scale: float = 0.0,
        power: float = 1.0,
    ):
        if power <= 0:
            raise ValueError(f"scheduler_conf: power {power}; expected above 0")
        self.power = power
        super().__init__(optimizer, warmup_steps, max_steps, final_scale)

    def after_warmup(self, left: float) -> float:
        return left**self.power


class Cosine(WarmupSchedule):
    """Half a cosine, as data2vec 2.0 has it (speech: warm-up 8k of 400k updates).

    ESPnet's `cosineannealingwarmuprestarts` begins anew when its cycle is over, and reads its peak
    from a key of its own.
    """

    def after_warmup(self, left: float) -> float:
        return (1 - math.cos(math.pi * left)) / 2
