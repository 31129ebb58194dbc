"""What is too short to train on is left out of the batches, and counted; none is not recognised."""

import shutil

import kaldiio
import numpy as np
import pytest
import soundfile

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import read_dict
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


WAVE = {  # the transformer's own sizes are those of the conformer of these tests
    "frontend": "wave_cnn",
    "frontend_conf": {"channels": 4},
    "normalize": None,
    "preencoder": "layer_norm",
    "preencoder_conf": {},
    "frame_samples": 320,
}


@pytest.fixture(scope="module")
def with_clicks(recipe):
    """The training set and two clicks of 2 and 6 ms, below any front end's window."""
    home = recipe.root / "data/clicks"
    shutil.copytree(recipe.root / "data/train", home)
    clicks = {"zz-a": 40, "zz-b": 100}
    for utt, samples in clicks.items():
        wav = recipe.root / f"{utt}.wav"
        soundfile.write(wav, np.full(samples, 0.1), 16000)
        rows = {"wav.scp": wav, "text": "YES", "utt2spk": "zz", "utt2dur": samples / 16000}
        for name, value in rows.items():
            with (home / name).open("a") as handle:
                handle.write(f"{utt} {value}\n")
    shape = (recipe.root / "dump/train/speech_shape").read_text()
    shape += "".join(f"{utt} {samples}\n" for utt, samples in clicks.items())
    (recipe.root / "dump/clicks").mkdir()
    (recipe.root / "dump/clicks/speech_shape").write_text(shape)
    return list(clicks)


@pytest.mark.parametrize("instead", [None, WAVE], ids=["log-Mel", "wave"])
def test_clicks_are_not_trained_on_but_recognised(recipe, with_clicks, instead, tmp_path):
    exp = "exp/clicks_wave" if instead else "exp/clicks"
    conf = recipe.conf("asr", instead, batch_type="unsorted", batch_size=1, max_epoch=1)
    where = ["--output_dir", exp, "--train_dir", "data/clicks", "--valid_dir", "data/clicks"]
    status, lines = recipe.run(
        "asr_train", "--config", str(conf), *where, "--token_dir", "token_list"
    )
    assert status == 0, lines[-5:]
    least = "0.04" if instead else "0.08"
    told = f"dump/clicks/speech_shape: 2 of 7 utterances under {least} s are left out"
    assert lines.count(told) == 2

    utts = sorted(read_dict(recipe.root / "data/clicks/wav.scp"))
    data = ["--data", "data/clicks", "--out", f"{exp}/out"]
    alone = ["--job", "1", "--nj", "1"]  # the clicks are a batch of their own
    for command in (["dump_confidence", "--scorer_exp", exp], ["dump_emissions", "--exp", exp]):
        status, lines = recipe.run(*command, *data, *alone, "--batch_sec", "0.1")
        assert status == 0, lines[-5:]
        stream = read_dict(recipe.root / exp / f"out/{command[0][5:]}.1.scp")
        assert set(stream) == set(utts)
        for place in stream.values():
            assert np.isfinite(kaldiio.load_mat(str(recipe.root / place))).all()
    greedy = tmp_path / "decode.yaml"
    greedy.write_text("output: rnnt\nsearch: greedy\n")
    status, lines = recipe.run("decode", "--exp", exp, "--config", str(greedy), *data, *alone)
    assert status == 0, lines[-5:]
    said = recipe.root / exp / "out/text.1"
    assert sorted(line.split()[0] for line in said.read_text().splitlines()) == utts


def test_clicks_have_labels(recipe, with_clicks):
    """Of no use, since trainings leave them out; but stage 5 goes through."""
    kmeans, tag = "exp/kmeans_clicks/kmeans.npz", ["--tag", "clicks", "--nj", "1", "--job", "1"]
    made = ["--sizes", "8", "--frame_shift_ms", "40", "--out", kmeans]
    labelled = ["--kmeans", kmeans, *tag, "--out", "dump/clicks"]
    for command in (["train_kmeans", *made], ["dump_labels", *labelled]):
        status, lines = recipe.run(*command, "--data", "data/clicks")
        assert status == 0, lines[-5:]
    assert set(with_clicks) < set(read_dict(recipe.root / "dump/clicks/labels_clicks.1.scp"))
