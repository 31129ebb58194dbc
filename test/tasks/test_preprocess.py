import numpy as np
import pytest

from espnet_ext.config import UserError
from espnet_ext.data.preprocess import CropStreams, TrainingText

HOP, RATE = 640, 16000


def marked(n_frames: int, extra: int = 0) -> dict[str, np.ndarray]:
    """Samples, confidences and labels that all say which frame they belong to."""
    speech = np.repeat(np.arange(n_frames + 1, dtype=np.float32), HOP)[: n_frames * HOP + extra]
    frame_T = np.arange(n_frames, dtype=np.float32)
    labels_TG = np.stack([frame_T, frame_T // 2], axis=1)
    return {"speech": speech, "confidence": frame_T, "labels": labels_TG}


def crop_streams(train: bool) -> CropStreams:
    files = {"labels": "dump/train/labels_x.scp"}
    return CropStreams(train, 2.0, HOP, RATE, label_sizes=[60, 30], files=files)


def test_crops_keep_speech_and_streams_together():
    np.random.seed(0)
    crop = crop_streams(True)
    firsts = set()
    for _ in range(200):
        out = crop("utt", marked(60, extra=100))
        assert len(out["speech"]) == 2 * RATE
        assert np.array_equal(out["speech"][::HOP], out["confidence"])
        assert np.array_equal(out["confidence"], out["labels"][:, 0])
        assert out["labels"].dtype == np.int64
        firsts.add(int(out["confidence"][0]))
    assert firsts == set(range(60 - 50 + 1))  # every place, the last one too


def test_validation_crops_the_beginning_and_short_ones_stay_whole():
    crop = crop_streams(False)
    assert crop("utt", marked(60))["confidence"][0] == crop("utt", marked(60))["labels"][0, 1] == 0
    out = crop("utt", marked(50, extra=300))
    assert len(out["speech"]) == 50 * HOP + 300
    assert len(out["confidence"]) == len(out["labels"]) == 50


@pytest.mark.parametrize("name", ["confidence", "labels"])
def test_one_frame_of_rounding_is_forgiven_two_are_not(name):
    crop = crop_streams(True)
    for off in (-1, 1):
        crop("utt", {**marked(20), name: marked(20 + off)[name]})
    for off in (-2, 2):
        with pytest.raises(UserError, match=f"{name} of utt: {20 + off} frames"):
            crop("utt", {**marked(20), name: marked(20 + off)[name]})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({(3, 1): 30}, "labels 0 to 30, but the conf's `sizes` has 30, whose labels are 0 to 29"),
        ({(3, 0): -1}, "labels -1 to 19, but the conf's `sizes` has 60"),
    ],
)
def test_labels_outside_name_file_and_utterance(changed, message):
    data = marked(20)
    for place, label in changed.items():
        data["labels"][place] = label
    with pytest.raises(UserError) as fault:
        crop_streams(True)("utt", data)
    assert f"dump/train/labels_x.scp: labels of utt: {message}" in str(fault.value)


def test_label_sets_are_counted():
    for labels, n_sets in ((np.zeros((20, 1)), "1"), (np.zeros(20), "no")):
        with pytest.raises(UserError, match=f"{n_sets} label sets, but the conf's `sizes` has 2"):
            crop_streams(True)("utt", {**marked(20), "labels": labels})


def test_speed_changes_tempo_and_pitch_in_training_only():
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    options = {"token_type": "char", "token_list": ["<blank>", "<unk>", "a", "<sos/eos>"]}
    faster = TrainingText(True, speeds=(1.25, 1.25), **options)("utt", {"speech": tone})["speech"]
    assert len(faster) == pytest.approx(RATE / 1.25, abs=2)
    peak_hz = np.abs(np.fft.rfft(faster)).argmax() * RATE / len(faster)
    assert peak_hz == pytest.approx(440 * 1.25, abs=3)
    same = TrainingText(False, speeds=(1.25, 1.25), **options)("utt", {"speech": tone})["speech"]
    assert np.array_equal(same, tone)
