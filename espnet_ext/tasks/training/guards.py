"""Stop a training that no longer learns, with the reason, while its last checkpoint is good."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from espnet2.train.reporter import SubReporter, aggregate

from espnet_ext.config import UserError

# Statistics by which a collapse shows, and the least that each may be. Variances (standard
# deviations, in truth) as data2vec 2.0's public code has them; the perplexity is of one codebook.
LEAST = {"target_var": 0.1, "pred_var": 0.01, "code_perplexity": 1.5}
COLLAPSED = {
    "target_var": "the targets are the same at every frame",
    "pred_var": "the predictions are the same at every frame",
    "code_perplexity": "nearly every frame gets the same code",
}


class Guard:
    """Looks at what ESPnet's reporter holds: numbers that are on the host already, so that nothing
    waits for the device, and that are the same in all processes, so that all stop together.

    Args:
        skipped_updates: stop when so many updates in a row had no finite gradient (ESPnet skips
            such an update, and would do so for ever). The loss scale of mixed precision finds its
            value in far fewer.
        after: updates before which no statistic is looked at (data2vec 2.0: 5000).
        least: by name, the least that a statistic may be on average between two looks; laid over
            `LEAST`. null: it is not looked at. One of `LEAST` that a method has not is left out.

    Raises:
        ValueError: a value that makes no sense.
    """

    def __init__(
        self,
        skipped_updates: int = 100,
        after: int = 5000,
        least: dict[str, float | None] | None = None,
    ):
        if skipped_updates < 1 or after < 0:
            raise ValueError(
                f"guard_conf: skipped_updates {skipped_updates}, after {after}; "
                "expected at least 1 and at least 0"
            )
        least = least or {}
        for name, value in least.items():
            if not isinstance(value, int | float | None):
                raise ValueError(f"guard_conf: least.{name} {value!r}; expected a number or null")
        self.skipped_updates, self.after = skipped_updates, after
        self.least = {name: value for name, value in (LEAST | least).items() if value is not None}
        self.must_have = {name for name in least if name in self.least}
        self.output_dir = Path()
        self.updates = self.skipped = 0

    def start(self, output_dir: Path, codebooks: int) -> None:
        """Args:
        output_dir: of the experiment. codebooks: over which the perplexity is summed.
        """
        self.output_dir = output_dir
        if "code_perplexity" in self.least:
            self.least["code_perplexity"] *= codebooks

    def watch(
        self, batches, reporter: SubReporter, updates: int, accum_grad: int, interval: int | None
    ) -> WatchedBatches:
        """The batches of an epoch, looked after.

        Args:
            updates: done so far. accum_grad: batches to an update.
            interval: batches between two looks at the statistics; None as between ESPnet's lines
                in the log.
        """
        self.updates = updates
        return WatchedBatches(self, batches, reporter, accum_grad, interval)

    def count(self, reporter: SubReporter) -> None:
        """An update was due. It was done if there is a norm of its gradient."""
        if "backward_time" not in reporter.stats:  # `no_forward_run`
            return
        norms = reporter.stats.get("grad_norm")
        if norms and not math.isnan(norms[-1].value):
            self.updates += 1
            self.skipped = 0
            return
        self.skipped += 1
        if self.skipped >= self.skipped_updates:
            self.stop(
                reporter,
                f"{self.skipped} updates in a row had a gradient that is not finite",
                "lower the learning rate or grad_clip",
            )

    def look(self, reporter: SubReporter, interval: int) -> None:
        """At the statistics of the last `interval` batches."""
        if missing := sorted(self.must_have - reporter.stats.keys()):
            raise UserError(
                f"guard_conf.least.{missing[0]}: this training has no such statistic; it has "
                + ", ".join(sorted(reporter.stats))
            )
        if self.updates <= self.after:
            return
        for name in sorted(self.least.keys() & reporter.stats.keys()):
            last = reporter.stats[name][-interval:]
            mean = aggregate(last)
            if mean < self.least[name]:
                self.stop(
                    reporter,
                    f"{name} was {mean:.3g} over the last {len(last)} batches, less than "
                    f"{self.least[name]:g}: {COLLAPSED.get(name, 'collapsed')}",
                    f"change the method's conf, or guard_conf.least.{name}",
                )

    def end_validation(self, reporter: SubReporter) -> None:
        """Skipped updates leave the weights good; a validation without a finite loss says that
        they are not. The epoch is not yet saved then."""
        losses = reporter.stats.get("loss", ())
        if losses and not any(math.isfinite(loss.value) for loss in losses):
            self.stop(
                reporter,
                "the validation loss is not finite",
                "lower the learning rate or grad_clip",
            )

    def stop(self, reporter: SubReporter, reason: str, mend: str) -> None:
        """Raises UserError."""
        epoch, checkpoint = reporter.get_epoch(), self.output_dir / "checkpoint.pth"
        kept = f"the last good checkpoint is {checkpoint}, of epoch {epoch - 1}"
        if not checkpoint.exists():
            kept = "no epoch was saved yet"
        raise UserError(
            f"{self.output_dir}: stopped in epoch {epoch} after {self.updates} updates: {reason}; "
            f"{kept}; {mend}"
        )


class WatchedBatches:
    """Batches of one epoch; before it fetches one, the guard sees what came of the last."""

    def __init__(
        self,
        guard: Guard,
        batches,
        reporter: SubReporter,
        accum_grad: int,
        interval: int | None,
    ):
        self.guard, self.batches, self.reporter = guard, batches, reporter
        self.accum_grad = accum_grad
        self.interval = interval or max(len(batches) // 20, 10)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator:
        for done, batch in enumerate(self.batches, 1):
            yield batch
            if done % self.accum_grad == 0:
                self.guard.count(self.reporter)
            if done % self.interval == 0:
                self.guard.look(self.reporter, self.interval)

    def end_epoch(self, nothing_learned: bool) -> None:
        """To be called in every process: of several, one may have run out of batches first.

        Args:
            nothing_learned: not one update was done. ESPnet would save that, and end well.
        """
        if nothing_learned:
            self.guard.stop(
                self.reporter,
                "not one update of this epoch was done (no finite gradient, or fewer batches than "
                "accum_grad)",
                "lower the learning rate or accum_grad",
            )
        self.guard.look(self.reporter, self.interval)
