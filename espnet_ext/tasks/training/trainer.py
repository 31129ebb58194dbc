"""ESPnet's trainer, made safe to kill: atomic checkpoints, exact resumes, progress, counts."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from espnet2.train.reporter import Reporter
from espnet2.train.trainer import Trainer, TrainerOptions
from espnet2.utils.build_dataclass import build_dataclass
from espnet2.utils.nested_dict_action import NestedDictAction

from espnet_ext.config import UserError, atomic_write
from espnet_ext.tasks.training.accumulation import as_vectors, weighted_mean
from espnet_ext.tasks.training.guards import Guard
from espnet_ext.tasks.training.progress import ShownIterFactory, progress_bar


@dataclasses.dataclass
class SafeOptions(TrainerOptions):
    """ESPnet's, and the guard's."""

    guard_conf: dict

    def __post_init__(self):
        self.guard = Guard(**self.guard_conf)


class SafeTrainer(Trainer):
    """ESPnet's training loop, unchanged; what surrounds it is ours.

    ESPnet saves at the end of an epoch, first `checkpoint.pth`, then the epoch's model, straight
    onto the files. Killed in between, a run cannot go on. Here every file is complete or absent,
    and `checkpoint.pth`, the sign that an epoch is done, is renamed last: a killed epoch runs again
    from its beginning, with its own seed, and ends in the same weights.
    """

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--guard_conf",
            action=NestedDictAction,
            default={},
            help="when to stop a training that no longer learns: {skipped_updates, after, least}",
        )

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> SafeOptions:
        try:
            return build_dataclass(SafeOptions, args)
        except ValueError as err:
            raise UserError(f"conf: {err}") from None

    @classmethod
    def run(
        cls,
        model,
        optimizers,
        schedulers,
        train_iter_factory,
        trainer_options,
        distributed_option,
        **kwargs,
    ):
        output_dir = Path(trainer_options.output_dir)
        first = not distributed_option.distributed or distributed_option.dist_rank == 0
        done_epochs = mend(output_dir, trainer_options) if trainer_options.resume and first else 0
        trainer_options.guard.start(output_dir, codebooks(model))
        optimizers[0].register_step_post_hook(lambda *_: model.after_update())
        if distributed_option.distributed:
            model.register_forward_hook(as_vectors)
        bar = progress_bar(output_dir, trainer_options.max_epoch, done_epochs, first)
        with bar as shown, atomic_save():
            super().run(
                model=model,
                optimizers=optimizers,
                schedulers=schedulers,
                train_iter_factory=ShownIterFactory(train_iter_factory, shown),
                trainer_options=trainer_options,
                distributed_option=distributed_option,
                **kwargs,
            )

    @classmethod
    def train_one_epoch(
        cls,
        model,
        iterator,
        optimizers,
        schedulers,
        reporter,
        options,
        distributed_option,
        **kwargs,
    ) -> bool:
        if reporter.get_epoch() == 1:
            tell_plan(schedulers, options.max_epoch * (len(iterator) // options.accum_grad))
        # What an incomplete update left in the epoch before: a resumed training has it not.
        for optimizer in optimizers:
            optimizer.zero_grad()
        updates = int(getattr(model, "module", model).updates)
        watched = options.guard.watch(
            iterator, reporter, updates, options.accum_grad, options.log_interval
        )
        with weighted_mean(model, options.accum_grad, distributed_option.distributed):
            nothing_learned = super().train_one_epoch(
                model=model,
                iterator=watched,
                optimizers=optimizers,
                schedulers=schedulers,
                reporter=reporter,
                options=options,
                distributed_option=distributed_option,
                **kwargs,
            )
        watched.end_epoch(nothing_learned)
        return nothing_learned

    @classmethod
    def validate_one_epoch(cls, *, reporter, options, **kwargs) -> None:
        super().validate_one_epoch(reporter=reporter, options=options, **kwargs)
        options.guard.end_validation(reporter)


def tell_plan(schedulers, updates: int) -> None:
    """A schedule may end elsewhere than the training; it is rarely meant to."""
    for scheduler in schedulers:
        end = getattr(scheduler, "max_steps", updates)
        if abs(end - updates) > 0.01 * updates:
            logging.warning(
                "scheduler_conf.max_steps is %d, but this training has %d updates", end, updates
            )


def codebooks(model) -> int:
    """Of the quantiser, over which its perplexity is summed."""
    targets = getattr(model, "targets", {}).values()
    return max((target.groups for target in targets if hasattr(target, "groups")), default=1)


def mend(output_dir: Path, options) -> int:
    """Bring what surrounds `checkpoint.pth` in line with it; return the epochs it has done.

    A run killed after its checkpoint but before ESPnet's links and removals leaves them one epoch
    behind, and a killed write leaves a temporary file.
    """
    for left_over in output_dir.glob(".*.tmp"):
        left_over.unlink()
    checkpoint = output_dir / "checkpoint.pth"
    if not checkpoint.exists():
        return 0
    try:
        state = safe_torch_load(checkpoint, map_location="cpu")["reporter"]
    except Exception as err:
        raise UserError(
            f"{checkpoint}: not a readable checkpoint ({str(err).strip().splitlines()[0]}); "
            "move it away to start this experiment from its first epoch"
        ) from None
    reporter = Reporter()
    reporter.load_state_dict(state)
    links = {"latest.pth": reporter.get_epoch()}
    for phase, key, mode in options.best_model_criterion:
        if reporter.has(phase, key):
            links[f"{phase}.{key}.best.pth"] = reporter.get_best_epoch(phase, key, mode)
    for name, epoch in links.items():
        link = output_dir / name
        if (output_dir / f"{epoch}epoch.pth").exists():
            link.unlink(missing_ok=True)
            link.symlink_to(f"{epoch}epoch.pth")
    return reporter.get_epoch()


@contextmanager
def atomic_save() -> Iterator[None]:
    """While open, `torch.save` writes whole files only, `checkpoint.pth` after its epoch's model.

    The training loop that calls `torch.save` is ESPnet's; this is the one seam it leaves.
    """
    plain_save = torch.save
    held_back: dict[Path, object] = {}

    def write(state, path: Path) -> None:
        try:
            with atomic_write(path, "wb") as handle:
                plain_save(state, handle)
        except (OSError, RuntimeError) as err:
            refused = _os_error(err)
            if refused is None:
                raise
            raise UserError(
                f"{path}: could not be written ({refused.strerror or refused}); the last good "
                "checkpoint is kept: free some space and start again to resume from it"
            ) from err

    def save(state, path, *args, **kwargs) -> None:
        path = Path(path)
        if path.name == "checkpoint.pth":
            held_back[path] = state
            return
        write(state, path)
        for held_path in [p for p in held_back if p.parent == path.parent]:
            write(held_back.pop(held_path), held_path)

    torch.save = save
    try:
        yield
    finally:
        torch.save = plain_save


def _os_error(err: BaseException | None) -> OSError | None:
    """The operating system's refusal behind an error: torch's writer, failing to write its last
    bytes too, raises a RuntimeError over it."""
    while err is not None and not isinstance(err, OSError):
        err = err.__cause__ or err.__context__
    return err
