"""What a user can get wrong: one line, exit status 2, before anything is written."""

import math
import re

import pytest

from espnet_ext.data.kaldi_dir import read_dict


@pytest.fixture
def fails(recipe):
    """Train with a fault; the one line that says so."""

    def run(task: str, **changes) -> str:
        exp = f"fault{recipe.n_runs}"
        status, lines = recipe.train(task, recipe.conf(task, **changes), exp)
        assert status == 2, lines[-5:]
        assert not any("Traceback" in line for line in lines)
        assert not list((recipe.root / "exp" / exp).glob("*.pth"))
        (error,) = [line for line in lines if line.startswith("error: ")]
        return error

    return run


@pytest.mark.parametrize(
    ("task", "changes", "place", "mend"),
    [
        ("ssl", {"crop_secs": 3.0}, "crop_secs", "crop_sec"),
        ("ssl", {"encoder_conf": {"num_layer": 3}}, "encoder_conf.'num_layer'", "num_layers"),
        ("ssl", {"frontend_conf": {"hoplength": 160}}, "frontend_conf.'hoplength'", "hop_length"),
        ("ssl", {"masker_conf": {"spann": 3}}, "masker_conf.'spann'", "span"),
        ("ssl", {"masker": "confidance"}, "masker: 'confidance'", "confidence"),
        ("ssl", {"utterance_weight": "confidance"}, "utterance_weight: 'confidance'", "confidence"),
        ("ssl", {"batch_type": "numels"}, "batch_type: 'numels'", "numel"),
        ("ssl", {"optim_conf": {"beta": [0.9, 0.98]}}, "optim_conf.'beta'", "betas"),
        ("ssl", {"scheduler_conf": {"warmup_step": 3}}, "scheduler_conf.'warmup_step'", "warmup_"),
        ("ssl", {"guard_conf": {"skiped_updates": 3}}, "guard_conf.'skiped_updates'", "skipped_up"),
        (
            "ssl",
            {"losses": {"contrastive": {"conf": {"distractor": 3}}}},
            "losses.contrastive.conf.'distractor'",
            "distractors",
        ),
        ("ssl", {"losses": {"diversity": {"wieght": 3}}}, "losses.diversity.'wieght'", "weight"),
        (
            "ssl",
            {"targets": {"quantiser": {"conf": {"entrys": 3}}}},
            "targets.quantiser.conf.'entrys'",
            "entries",
        ),
        ("asr", {"model_conf": {"ctc_wieght": 0.3}}, "model_conf.'ctc_wieght'", "ctc_weight"),
        ("asr", {"preprocessor_conf": {"speed": [1.0]}}, "preprocessor_conf.'speed'", "speeds"),
        ("asr", {"decoder_conf": {"hiddensize": 3}}, "decoder_conf.'hiddensize'", "hidden_size"),
    ],
    ids=lambda value: value if isinstance(value, str) and "'" in value else None,
)
def test_a_misspelt_key_is_named_with_the_right_one(fails, task, changes, place, mend):
    error = fails(task, **changes)
    assert place in error
    assert f"did you mean '{mend}" in error


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"scheduler": "cosine", "scheduler_conf": {"warmup_steps": 9, "max_steps": 9}},
            "cosine: scheduler_conf: warmup_steps 9, max_steps 9; expected",
        ),
        (
            {"scheduler": "tristagelr", "scheduler_conf": {"warmup_ratio": 0.9}},
            "tristagelr: The sum of warmup_ratio, hold_ratio, and decay_ratio must be 1.0",
        ),
        ({"scheduler": "polynomial", "scheduler_conf": {}}, "polynomial: "),
        ({"optim_conf": {"lr": -1.0}}, "adamw: Invalid learning rate: -1.0"),
        ({"guard_conf": {"after": -5}}, "guard: guard_conf: skipped_updates 100, after -5"),
    ],
    ids=str,
)
def test_values_that_would_be_refused_after_the_model_is_built(fails, changes, says):
    assert says in fails("ssl", instead=changes)


def test_masks_of_fine_tuning(fails):
    error = fails("asr", masker="random", masker_conf={"spann": 3})
    assert "masker_conf.'spann' (did you mean 'span'?)" in error
    error = fails("asr", channel_masker_conf={"start_probs": 0.1})
    assert "channel_masker_conf.'start_probs' (did you mean 'start_prob'?)" in error
    error = fails("asr", masker="confidence", masker_conf={"fraction": 0.4})
    assert "conf: masker: ConfidenceSpans reads confidence, which fine-tuning has not;" in error
    plain = {"model": "espnet", "model_conf": {"ctc_weight": 1.0}, "decoder": None}
    error = fails("asr", masker="random", masker_conf={"fraction": 0.4}, instead=plain)
    assert "model espnet takes no masks; choose recogniser" in error


def test_a_transcript_that_the_tokens_do_not_know(recipe, fails):
    """Of another case; then but for a letter, and too long for its audio: training goes on."""
    text = recipe.root / "data/train/text"
    real = text.read_text()
    try:
        text.write_text("".join(f"{u} {w.lower()}\n" for u, w in _utterances(real)))
        assert "characters are not among token_list/tokens.txt" in fails("asr")
        lines = [f"{utt} {words}\n" for utt, words in _utterances(real)]
        lines[0] = lines[0].replace("\n", " É" + " ONE" * 300 + "\n")
        text.write_text("".join(lines))
        options = ("--max_epoch", "1", "--num_workers", "0")
        status, log = recipe.train("asr", recipe.conf("asr"), "long", *options)
    finally:
        text.write_text(real)
    assert status == 0, log[-5:]
    assert any("('É' 1); they count as <unk>" in line for line in log)
    (result,) = [line for line in log if "1epoch results" in line]
    train = result.split("[valid]")[0]
    found = dict(re.findall(r"(skipped_\w+|loss\w*)=([\d.e+-]+|nan|inf)", train))
    assert float(found["skipped_ctc"]) > 0
    assert float(found["skipped_transducer"]) == 0
    assert all(math.isfinite(float(found[name])) for name in ("loss", "loss_ctc"))


def _utterances(text: str) -> list[list[str]]:
    return [line.split(maxsplit=1) for line in text.splitlines()]


def test_keys_of_parts_without_a_choice(fails):
    error = fails("asr", joint_net_conf={"joint_spacesize": 3}, ctc_conf={"dropout": 0.1})
    assert "joint_net_conf.'joint_spacesize' (did you mean 'joint_space_size'?)" in error
    assert "ctc_conf.'dropout' (did you mean 'dropout_rate'?)" in error


def test_keys_are_checked_against_the_default_where_nothing_is_chosen(recipe):
    """Without `optim: adamw` ESPnet takes adadelta, which has no betas."""
    conf = recipe.conf("ssl", optim_conf={"betas": [0.9, 0.98]})
    conf.write_text("".join(line for line in conf.open() if not line.startswith("optim: adamw")))
    status, lines = recipe.train("ssl", conf, "default_optim")
    assert status == 2
    assert "optim_conf.'betas'" in lines[-1]


def test_every_misspelling_is_told_at_once(fails):
    error = fails("ssl", maxepoch=3, masker_conf={"spann": 3})
    assert "max_epoch" in error
    assert "spann" in error


def test_a_loss_of_an_unknown_target_or_layer(fails):
    error = fails("ssl", losses={"diversity": {"target": "kmeans"}})
    assert "losses.diversity reads target 'kmeans'" in error
    assert "quantiser" in error
    error = fails("ssl", losses={"diversity": {"layer": 3}})
    assert "losses.diversity looks at layer 3; there are 1 to 2" in error
    error = fails("ssl", losses={"contrastive": {"layer": [1, 2]}})
    assert "losses.contrastive looks at one layer, not at [1, 2]" in error


@pytest.fixture
def own_confidences(recipe):
    """Frames of each training utterance; the stream is restored afterwards."""
    wavs = read_dict(recipe.root / "dump/train/speech_shape")
    n_frames = {utt: int(samples) // 640 for utt, samples in wavs.items()}
    yield dict(n_frames)
    recipe.write_confidence("train", n_frames, 40)


def test_confidences_at_another_frame_rate_name_both(recipe, fails, own_confidences):
    recipe.write_confidence("train", {u: 2 * n for u, n in own_confidences.items()}, 20)
    error = fails("ssl")
    assert "dump/train/confidence.scp" in error
    assert "20 ms" in error
    assert "40 ms" in error


@pytest.mark.parametrize("frames_more", [-2, 2])
def test_confidences_of_another_length_name_the_utterance(
    recipe, fails, own_confidences, frames_more
):
    utt = max(own_confidences, key=own_confidences.get)
    n_frames = own_confidences[utt]
    recipe.write_confidence("train", own_confidences | {utt: n_frames + frames_more}, 40)
    error = fails("ssl")
    assert f"confidence of {utt}: {n_frames + frames_more} frames" in error
    assert f"has {n_frames} of 640 samples" in error


def test_a_missing_stream_names_the_file_and_the_mend(recipe, fails, own_confidences):
    (recipe.root / "dump/train/confidence.scp").unlink()
    error = fails("ssl")
    assert "dump/train/confidence.scp: missing; rerun stage 5, or do without" in error
    assert "`masker: confidence`" in error and "utterance_weight" not in error
    random = {"masker": "random", "masker_conf": {"span": 4, "fraction": 0.4}}
    error = fails("ssl", instead=random | {"utterance_weight": "confidence"})
    assert "or do without `utterance_weight: confidence`" in error
