"""MFCC with deltas, as Kaldi makes them: what HuBERT's first labels are clusters of."""

from __future__ import annotations

import numpy as np
import torch
from torchaudio.compliance.kaldi import mfcc as kaldi_mfcc
from torchaudio.functional import compute_deltas

MFCC_SHIFT_MS = 10.0
MFCC_DIM = 39
WINDOW_SEC = 0.025


def mfcc(samples_N: np.ndarray, sample_rate: int) -> np.ndarray:
    """13 cepstra, their deltas and second deltas every 10 ms, of 25 ms each (HuBERT §IV-B).

    Args:
        samples_N: float32 within ±1.

    Returns:
        (T, 39) float32; no frame where there are fewer samples than 25 ms.
    """
    if len(samples_N) < WINDOW_SEC * sample_rate:
        return np.zeros((0, MFCC_DIM), dtype=np.float32)
    wave_1N = torch.from_numpy(samples_N)[None]
    cepstra_TC = kaldi_mfcc(wave_1N, sample_frequency=sample_rate, frame_shift=MFCC_SHIFT_MS)
    delta_CT = compute_deltas(cepstra_TC.T)
    return torch.cat([cepstra_TC.T, delta_CT, compute_deltas(delta_CT)]).T.contiguous().numpy()
