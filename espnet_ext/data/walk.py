"""Go through a large tree of files: in the order of the ids, several at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def folders(path: str | Path) -> list[str]:
    """Names of the folders in a folder, hidden ones left out, none where it is not there.

    In the order of ids that join such names by `-`: `103-` comes before `1034-`.
    """
    try:
        with os.scandir(path) as entries:
            found = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda name: name + "-")


def in_order[Item, Result](
    work: Callable[[Item], Result], items: Iterable[Item], nj: int = 1
) -> Iterator[Result]:
    """`map(work, items)` by `nj` threads, which wait for disks together. Few items are held."""
    if nj <= 1:
        yield from map(work, items)
        return
    waiting = deque()
    with ThreadPoolExecutor(nj) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 8 * nj:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
