"""How long recordings become segments. Times are whole milliseconds, as in Kaldi's `segments`."""

from __future__ import annotations

import random
from itertools import pairwise

type Piece = tuple[int, int]  # start_ms, end_ms

ATM_LEAST_MS, ATM_MOST_MS = 32_000, 64_000


def random_pieces(dur_ms: int, draw: random.Random) -> list[Piece]:
    """Pieces of a random 32 to 64 s, of which training takes a random 32 s (Ask2Mask §3.1).

    The paper does not say whether its segments overlap or leave gaps. These tile the recording:
    every second of it is in one piece. A recording under 32 s is one piece.
    """
    pieces, start = [], 0
    while (left := dur_ms - start) > ATM_MOST_MS:
        length = draw.randint(ATM_LEAST_MS, min(ATM_MOST_MS, left - ATM_LEAST_MS))
        pieces.append((start, start + length))
        start += length
    return [*pieces, (start, dur_ms)] if left else pieces


def join_overlaps(voice: list[Piece], dur_ms: int) -> list[Piece]:
    """Stretches of voice in order, each millisecond in one, none outside the recording."""
    joined: list[Piece] = []
    for start, end in sorted(voice):
        start, end = max(start, 0), min(end, dur_ms)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return joined


def voiced_pieces(voice: list[Piece], most_ms: int, pause_ms: int) -> list[Piece]:
    """Stretches of voice in a row, joined up to `most_ms` (wav2vec 2.0 §4.1: as in Libri-light).

    Libri-light's cut_by_vad.py writes the stretches to new files, without what is between them, up
    to 60 s of voice. Read in place, a piece has its pauses; so one longer than `pause_ms` ends it,
    and `most_ms` counts them. cut_by_vad.py keeps a longer stretch in one; here it becomes equal
    parts, of which the crops of an epoch then see more.

    Args:
        voice: in order and apart, see `join_overlaps`.
    """
    pieces: list[Piece] = []
    for first, last in voice:
        n_parts = -(-(last - first) // most_ms)
        edges = [first + (last - first) * i // n_parts for i in range(n_parts + 1)]
        for start, end in pairwise(edges):
            near = bool(pieces) and start - pieces[-1][1] <= pause_ms
            if near and end - pieces[-1][0] <= most_ms:
                pieces[-1] = (pieces[-1][0], end)
            else:
                pieces.append((start, end))
    return pieces
