"""What is too short to train on is left out of the batches, and counted."""

import pytest

from espnet_ext.config import UserError
from espnet_ext.tasks.launch import ssl_options

SAMPLES = {"a": 100, "b": 1279, "c": 1280, "d": 15999, "e": 16000, "f": 99000}


@pytest.fixture
def kept(tmp_path):
    """The utterances of each set that batches are made of, with their samples."""
    for name in ("train", "valid"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wav.scp").touch()
        (tmp_path / "dump" / name).mkdir(parents=True)
        shape = "".join(f"{utt} {n}\n" for utt, n in SAMPLES.items())
        (tmp_path / "dump" / name / "speech_shape").write_text(shape)

    def run(**conf) -> list[dict[str, int]]:
        places = [tmp_path / name for name in ("train", "valid", "dump", "exp")]
        ssl_options({"frame_samples": 640, "crop_sec": 4.0} | conf, *places)
        shapes = [tmp_path / "exp" / f"{name}_shape" for name in ("train", "valid")]
        lines = [shape.read_text().split() for shape in shapes]
        return [dict(zip(x[::2], map(int, x[1::2]), strict=True)) for x in lines]

    return run


def test_under_two_latents_everywhere_and_under_min_sec_in_training(kept, capsys):
    whole = {"c": 1280, "d": 15999, "e": 16000, "f": 64000}
    assert kept() == [whole, whole]
    said = capsys.readouterr().out
    assert said.count("speech_shape: 2 of 6 utterances under 0.08 s are left out") == 2
    assert kept(min_sec=1) == [{"e": 16000, "f": 64000}, whole]
    assert "4 of 6 utterances under 1 s are left out" in capsys.readouterr().out


def test_nothing_left_is_told(kept):
    with pytest.raises(UserError, match="no utterance has 7 s; lower `min_sec` in the conf"):
        kept(min_sec=7)
