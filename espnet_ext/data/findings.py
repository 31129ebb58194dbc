"""What is wrong with a corpus on disk: everything a pass finds, said at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir


class Findings:
    """Faults of one corpus by kind: how many, the first, and how to mend them.

    Kinds are sentences that are counted, such as `FLAC files without a transcript`.
    """

    def __init__(self, where: str | Path):
        self.where = str(where)
        self.kinds: dict[str, list] = {}  # kind: [count, first, mend]

    def add(self, kind: str, first: object, mend: str, count: int = 1) -> None:
        known = self.kinds.setdefault(kind, [0, str(first), mend])
        known[0] += count

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def raise_any(self) -> None:
        """Raises UserError: one line for each kind."""
        if self.kinds:
            lines = [
                f"{kind} ({count}); first: {first}; {mend}"
                for kind, (count, first, mend) in self.kinds.items()
            ]
            more = f"{len(lines)} kinds of fault\n  " if len(lines) > 1 else ""
            raise UserError(f"{self.where}: {more}" + "\n  ".join(lines))


def write_set(
    path: Path, utts: Iterable[Utterance], found: Findings, published: int | None = None
) -> tuple[int, float]:
    """Write a data directory, unless something was found before or while the utterances came.

    Args:
        published: how many there must be; another number is a fault.

    Returns:
        How many utterances there were, and their seconds.

    Raises:
        UserError: see `write_data_dir`; what was found is left for `raise_any`.
    """
    total, sum_sec = 0, 0.0

    def counted() -> Iterator[Utterance]:
        nonlocal total, sum_sec
        for utt in utts:
            total += 1
            sum_sec += utt.dur_sec
            yield utt
        if published not in (None, total):
            kind = f"set {path.name} of another size than is published"
            mend = "fetch and unpack it again, or pass --complete false for a part of the corpus"
            found.add(kind, f"{total:,} utterances, published are {published:,}", mend)
        if found:
            raise _DamagedError

    with suppress(_DamagedError):
        write_data_dir(path, counted())
    return total, sum_sec


class _DamagedError(Exception):
    """Ends the writing of a set; never leaves this file."""
