"""A progress bar on the terminal, wherever a training's own output goes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from espnet2.iterators.abs_iter_factory import AbsIterFactory
from tqdm import tqdm


class ShownIterFactory(AbsIterFactory):
    """An iterator factory whose batches move a progress bar."""

    def __init__(self, factory: AbsIterFactory, bar: tqdm):
        self.factory, self.bar = factory, bar

    def build_iter(self, epoch: int, shuffle: bool | None = None):
        return ShownIter(self.factory.build_iter(epoch, shuffle), self.bar, epoch)


class ShownIter:
    """Batches of one epoch. The bar counts epochs, in steps of batches."""

    def __init__(self, batches, bar: tqdm, epoch: int):
        self.batches, self.bar, self.epoch = batches, bar, epoch

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        n_batches = max(1, len(self.batches))
        for done, batch in enumerate(self.batches, 1):
            yield batch
            self.bar.update(self.epoch - 1 + done / n_batches - self.bar.n)


@contextmanager
def progress_bar(
    output_dir: Path, n_epochs: int, done_epochs: int, first: bool = True
) -> Iterator[tqdm]:
    """A bar on the terminal, and above it the epoch after which a killed run goes on; of several
    processes the first one's.

    Where stderr goes to a log, the job's launcher names the descriptor of the terminal in
    ESPNET_EXT_PROGRESS_FD.
    """
    fd = os.environ.get("ESPNET_EXT_PROGRESS_FD")
    try:
        stream = os.fdopen(int(fd), "w", closefd=False) if fd else sys.stderr
    except (OSError, ValueError):
        logging.warning("ESPNET_EXT_PROGRESS_FD=%s is not an open descriptor", fd)
        stream = sys.stderr
    if done_epochs:
        print(f"{output_dir}: resuming after epoch {done_epochs} of {n_epochs}", file=stream)
    with tqdm(
        total=n_epochs,
        initial=done_epochs,
        desc=output_dir.name,
        unit="epoch",
        file=stream,
        disable=not first,
        mininterval=0.5 if stream.isatty() else 60,
        bar_format="  {desc}: {percentage:3.0f}%|{bar:24}| epoch {n:.1f}/{total} "
        "[{elapsed}<{remaining}]",
    ) as bar:
        yield bar
