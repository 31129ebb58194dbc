"""k-means of speech frames: the codes that HuBERT predicts, and MS-HuBERT's nested sets of them.

Shapes: N frames, T frames of an utterance, D dimension, K clusters, G label sets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from espnet_ext.config import UserError, atomic_write

CHUNK_FRAMES = 16384  # distances to all centres are made for so many frames at a time


@dataclass
class KMeans:
    """Cluster centres of every level, and what they were made from.

    Args:
        centres: (K, D) of each level, the finest first.
        parents: for each further level the cluster that a centre of the level before falls into,
            (K of the level before,).
        made_from: features, frame shift, seed, …; stored beside the centres.
        coarse: how a frame gets its further labels. `parent`: by the cluster that its own centre
            belongs to, so that the sets are nested and its frames need one search. `nearest`: by
            the nearest centre of that level. MS-HuBERT §3 clusters centres and does not say which.
    """

    centres: list[np.ndarray]
    parents: list[np.ndarray]
    made_from: dict[str, object] = field(default_factory=dict)
    coarse: str = "parent"

    @property
    def sizes(self) -> list[int]:
        return [len(level_KD) for level_KD in self.centres]

    def labels(self, frames_TD: np.ndarray) -> np.ndarray:
        """Labels of every level, (T, G) int32."""
        if self.coarse == "nearest":
            columns = [nearest(frames_TD, level_KD) for level_KD in self.centres]
        else:
            columns = [nearest(frames_TD, self.centres[0])]
            for parent_K in self.parents:
                columns.append(parent_K[columns[-1]])
        return np.stack(columns, axis=1).astype(np.int32)

    def save(self, path: Path) -> None:
        """Write one .npz: `centres_0`, `parents_1`, `centres_1`, …, `made_from` as JSON."""
        arrays = {f"centres_{level}": x for level, x in enumerate(self.centres)}
        arrays |= {f"parents_{level}": x for level, x in enumerate(self.parents, 1)}
        text = json.dumps(self.made_from | {"sizes": self.sizes, "coarse": self.coarse})
        with atomic_write(path, "wb") as handle:
            np.savez(handle, made_from=np.array(text), **arrays)

    @classmethod
    def load(cls, path: Path) -> KMeans:
        """Raises UserError: no such file, or not one of ours."""
        try:
            with np.load(path) as stored:
                made_from = json.loads(str(stored["made_from"]))
                sizes, coarse = made_from.pop("sizes"), made_from.pop("coarse")
                centres = [stored[f"centres_{level}"] for level in range(len(sizes))]
                parents = [stored[f"parents_{level}"] for level in range(1, len(sizes))]
        except FileNotFoundError:
            raise UserError(f"{path}: missing; train_kmeans makes it") from None
        except (KeyError, ValueError, OSError):
            raise UserError(f"{path}: not a file of train_kmeans; make it again") from None
        return cls(centres, parents, made_from, coarse)


def nearest(frames_TD: np.ndarray, centres_KD: np.ndarray) -> np.ndarray:
    """Index of the nearest centre of every frame, (T,)."""
    half_norm_K = 0.5 * (centres_KD**2).sum(1)  # |x - c|² / 2 is this - x·c, and a term without c
    chunks = range(0, len(frames_TD), CHUNK_FRAMES)
    found = [
        (half_norm_K - frames_TD[at : at + CHUNK_FRAMES] @ centres_KD.T).argmin(1) for at in chunks
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)


def fit(frames_ND: np.ndarray, sizes: list[int], seed: int, coarse: str = "parent") -> KMeans:
    """Mini-batch k-means of frames, then k-means of its centres, and so on (MS-HuBERT §3:
    1000 -> 500 -> 250 -> 125 -> 50 -> 25). The same seed gives the same centres.

    Initialisation (k-means++, the best of 20), batches of 10000 and no reassignment of small
    clusters are those of HuBERT's public code.

    Args:
        frames_ND: float32. sizes: clusters of each level, falling.

    Raises:
        UserError: sizes that do not fall, or fewer frames than clusters.
    """
    from sklearn.cluster import KMeans as FullKMeans
    from sklearn.cluster import MiniBatchKMeans

    check_sizes(sizes)
    if len(frames_ND) < sizes[0]:
        raise UserError(
            f"{len(frames_ND)} frames for {sizes[0]} clusters; give more speech or ask for fewer"
        )
    first = MiniBatchKMeans(
        n_clusters=sizes[0],
        init="k-means++",
        n_init=20,
        batch_size=10000,
        init_size=max(30000, 3 * sizes[0]),
        max_iter=100,
        max_no_improvement=100,
        tol=0.0,
        reassignment_ratio=0.0,
        compute_labels=False,
        random_state=seed,
    ).fit(frames_ND)
    centres, parents = [first.cluster_centers_.astype(np.float32)], []
    for size in sizes[1:]:
        level = FullKMeans(size, init="k-means++", n_init=10, random_state=seed).fit(centres[-1])
        parents.append(level.labels_.astype(np.int32))
        centres.append(level.cluster_centers_.astype(np.float32))
    return KMeans(centres, parents, {"seed": seed}, coarse)


def check_sizes(sizes: list[int]) -> None:
    """Raise UserError unless each level has two clusters or more, and fewer than that before it."""
    if not sizes or min(sizes) < 2 or any(a <= b for a, b in pairwise(sizes)):
        raise UserError(
            f"sizes {','.join(map(str, sizes))}: expected falling numbers of at least 2, such as "
            "1000,500,250: each level clusters the centres of the one before"
        )


class FrameSample:
    """A random sample of frames, filled utterance by utterance, that never outgrows its memory.

    Args:
        expected: frames that will be offered in all; each is taken with the same probability.
        memory_mb: that the sample may take; what k-means adds is a few batches.
    """

    def __init__(self, expected: int, dim: int, memory_mb: float, rng: np.random.Generator):
        room = max(1, int(memory_mb * 2**20 / (4 * dim)))
        # the number taken is random: aim six standard deviations below what there is room for
        self.share = min(1.0, max(room - 6 * math.sqrt(room), 1) / max(expected, 1))
        capacity = room if self.share < 1 else min(room, expected)
        self._room_ND = np.empty((capacity, dim), dtype=np.float32)
        self.taken, self.rng = 0, rng

    def offer(self, frames_TD: np.ndarray) -> None:
        if self.share < 1:
            frames_TD = frames_TD[self.rng.random(len(frames_TD)) < self.share]
        frames_TD = frames_TD[: len(self._room_ND) - self.taken]
        self._room_ND[self.taken : self.taken + len(frames_TD)] = frames_TD
        self.taken += len(frames_TD)

    def frames(self) -> np.ndarray:
        """Those taken so far, (N, D)."""
        return self._room_ND[: self.taken]


class LabelCounts:
    """How often each label occurs; adds up over utterances.

    Args:
        sizes: clusters of each label set.
    """

    def __init__(self, sizes: list[int]):
        self.counts = [np.zeros(size, dtype=np.int64) for size in sizes]
        self.runs = [0] * len(sizes)

    def add(self, labels_TG: np.ndarray) -> None:
        for group, (count_K, labels_T) in enumerate(zip(self.counts, labels_TG.T, strict=True)):
            count_K += np.bincount(labels_T.astype(np.int64), minlength=len(count_K))
            self.runs[group] += int(len(labels_T) > 0) + int((np.diff(labels_T) != 0).sum())

    def lines(self, frame_shift_ms: float) -> Iterable[str]:
        """For each set: clusters in use, perplexity (K where all are as frequent), duration."""
        for count_K, runs in zip(self.counts, self.runs, strict=True):
            total = int(count_K.sum())
            probs = count_K[count_K > 0] / max(total, 1)
            perplexity = math.exp(-(probs * np.log(probs)).sum())
            yield (
                f"{len(count_K)} clusters: {len(probs)} used, perplexity {perplexity:.1f}, "
                f"a label lasts {frame_shift_ms * total / max(runs, 1):.0f} ms on average"
            )
