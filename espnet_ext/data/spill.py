"""Sort more rows than memory holds: sorted runs go to a temporary file and are merged when read."""

from __future__ import annotations

import heapq
import marshal
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

RUN_ROWS = 100_000  # some 30 MB of Python strings


class Spill:
    """Collects tuples of strings and numbers; iterating gives them in order, as `sorted` would.

    Args:
        folder: where a temporary file may grow to the size of the rows.
        run_rows: how many rows are held in memory.
    """

    def __init__(self, folder: Path, run_rows: int = RUN_ROWS):
        self.folder, self.run_rows = folder, run_rows
        self.rows: list[tuple] = []
        self.runs: list[IO[bytes]] = []

    def extend(self, rows: Iterable[tuple]) -> None:
        for row in rows:
            self.add(row)

    def add(self, row: tuple) -> None:
        self.rows.append(row)
        if len(self.rows) >= self.run_rows:
            self._spill()

    def _spill(self) -> None:
        self.rows.sort(key=_key)
        # no name, so a killed process leaves nothing behind
        run = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 (read by __iter__)
        for row in self.rows:
            marshal.dump(row, run)
        self.runs.append(run)
        self.rows = []

    def __iter__(self) -> Iterator[tuple]:
        self.rows.sort(key=_key)
        if not self.runs:
            return iter(self.rows)
        return heapq.merge(*map(_read, self.runs), self.rows, key=_key)


def _key(row: tuple) -> tuple[str, str]:
    """By the first two columns, which are strings; the others may be None."""
    return row[:2]


def _read(run: IO[bytes]) -> Iterator[tuple]:
    run.seek(0)
    while True:
        try:
            yield marshal.load(run)
        except EOFError:
            return
