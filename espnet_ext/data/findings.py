"""What is wrong with a corpus on disk: everything a pass finds, said at once."""

from __future__ import annotations

from pathlib import Path

from espnet_ext.config import UserError


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
