"""How far from uniform the draw of span starts is that a confidence stream causes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over all frames; `effective_share` is a mean over utterances.

    `silent` utterances have no confident frame at all, hence no distribution of starts.
    """

    utterances: int
    frames: int
    mean: float
    std: float
    effective_share: float
    silent: int


def confidence_spread(streams: Iterable[np.ndarray]) -> Spread:
    """Summarise the confidences s of many utterances.

    The first span start of an utterance of T frames is drawn from p = s / sum s. exp(entropy(p)) is
    the number of equally likely frames that would be as hard to guess; over T, it is 1 for a
    uniform draw and 1/T where a single frame takes all.

    Args:
        streams: confidence_T in [0, 1], one array per utterance.

    Raises:
        ValueError: no frames at all.
    """
    n_frames, total, squares, silent, shares = 0, 0.0, 0.0, 0, []
    for confidence_T in streams:
        s_T = np.asarray(confidence_T, dtype=np.float64)
        n_frames += len(s_T)
        total += s_T.sum()
        squares += np.square(s_T).sum()
        if s_T.sum() <= 0:
            silent += 1
            continue
        p = s_T[s_T > 0] / s_T.sum()
        shares.append(np.exp(-(p * np.log(p)).sum()) / len(s_T))
    if not n_frames:
        raise ValueError("no frames in the confidence stream")
    mean = total / n_frames
    return Spread(
        utterances=len(shares) + silent,
        frames=n_frames,
        mean=mean,
        std=max(squares / n_frames - mean**2, 0.0) ** 0.5,
        effective_share=float(np.mean(shares)) if shares else float("nan"),
        silent=silent,
    )
