import numpy as np
import pytest

from espnet_ext.config import UserError
from espnet_ext.data.preprocess import CropWithConfidence, TrainingText

HOP, RATE = 640, 16000


def marked(n_frames: int, extra: int = 0) -> dict[str, np.ndarray]:
    """Samples and confidences that both say which frame they belong to."""
    speech = np.repeat(np.arange(n_frames + 1, dtype=np.float32), HOP)[: n_frames * HOP + extra]
    return {"speech": speech, "confidence": np.arange(n_frames, dtype=np.float32)}


def test_crops_keep_speech_and_confidence_together():
    np.random.seed(0)
    crop = CropWithConfidence(True, crop_sec=2.0, frame_samples=HOP, sample_rate=RATE)
    firsts = set()
    for _ in range(200):
        out = crop("utt", marked(60, extra=100))
        assert len(out["speech"]) == 2 * RATE
        assert np.array_equal(out["speech"][::HOP], out["confidence"])
        firsts.add(int(out["confidence"][0]))
    assert firsts == set(range(60 - 50 + 1))  # every place, the last one too


def test_validation_crops_the_beginning_and_short_ones_stay_whole():
    crop = CropWithConfidence(False, crop_sec=2.0, frame_samples=HOP, sample_rate=RATE)
    assert crop("utt", marked(60))["confidence"][0] == 0
    out = crop("utt", marked(50, extra=300))
    assert len(out["speech"]) == 50 * HOP + 300
    assert len(out["confidence"]) == 50


def test_one_frame_of_rounding_is_forgiven_two_are_not():
    crop = CropWithConfidence(True, crop_sec=2.0, frame_samples=HOP, sample_rate=RATE)
    for off in (-1, 1):
        crop("utt", {**marked(20), "confidence": np.zeros(20 + off)})
    for off in (-2, 2):
        with pytest.raises(UserError, match=f"confidence of utt: {20 + off} frames"):
            crop("utt", {**marked(20), "confidence": np.zeros(20 + off)})


def test_speed_changes_tempo_and_pitch_in_training_only():
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    options = {"token_type": "char", "token_list": ["<blank>", "<unk>", "a", "<sos/eos>"]}
    faster = TrainingText(True, speeds=(1.25, 1.25), **options)("utt", {"speech": tone})["speech"]
    assert len(faster) == pytest.approx(RATE / 1.25, abs=2)
    peak_hz = np.abs(np.fft.rfft(faster)).argmax() * RATE / len(faster)
    assert peak_hz == pytest.approx(440 * 1.25, abs=3)
    same = TrainingText(False, speeds=(1.25, 1.25), **options)("utt", {"speech": tone})["speech"]
    assert np.array_equal(same, tone)
