import numpy as np
import pytest

from espnet_ext.frontend.mfcc import mfcc

RATE = 16000


def noise(samples: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(samples).astype(np.float32)


def kaldi_cepstra(samples_N: np.ndarray) -> np.ndarray:
    """Kaldi's MFCC from its documentation: povey window, 23 Mel bins from 20 Hz, lifter 22."""
    frames = np.lib.stride_tricks.sliding_window_view(samples_N.astype(np.float64), 400)[::160]
    frames = frames - frames.mean(1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft(frames * window, 512)) ** 2

    def mel(hz):
        return 1127 * np.log(1 + hz / 700)

    edges = np.linspace(mel(20), mel(RATE / 2), 25)
    bins = mel(np.arange(257) * RATE / 512)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[0]
    falling = (edges[2:, None] - bins) / np.diff(edges)[0]
    log_mel = np.log(power @ np.clip(np.minimum(rising, falling), 0, None).T)
    k, n = np.arange(13)[:, None], np.arange(23)
    dct = np.sqrt(2 / 23) * np.cos(np.pi / 23 * (n + 0.5) * k)
    dct[0] = np.sqrt(1 / 23)
    return log_mel @ dct.T * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))


def test_cepstra_are_kaldis():
    samples_N = noise(RATE)
    np.testing.assert_allclose(
        mfcc(samples_N, RATE)[:, :13], kaldi_cepstra(samples_N), rtol=1e-3, atol=2e-3
    )


def test_deltas_are_kaldis_regression_over_two_frames_to_each_side():
    features_TD = mfcc(noise(RATE), RATE).astype(np.float64)
    assert features_TD.shape == (98, 39)
    for block in (0, 13):
        x_TC = np.pad(features_TD[:, block : block + 13], ((2, 2), (0, 0)), mode="edge")
        slope_TC = (x_TC[3:-1] - x_TC[1:-3] + 2 * (x_TC[4:] - x_TC[:-4])) / 10
        np.testing.assert_allclose(features_TD[:, block + 13 : block + 26], slope_TC, atol=1e-4)


@pytest.mark.parametrize(("samples", "frames"), [(399, 0), (400, 1), (559, 1), (560, 2)])
def test_only_whole_windows_count(samples, frames):
    assert mfcc(noise(samples), RATE).shape == (frames, 39)
