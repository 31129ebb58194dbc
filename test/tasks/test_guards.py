"""A training that no longer learns ends with its reason, and its last good checkpoint stays."""

import math

import numpy as np
import pytest
import soundfile
import torch
from espnet2.train.reporter import SubReporter

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.tasks.training.guards import Guard

# Two updates an epoch; from the third on, the learning rate breaks any model.
DIVERGES = {
    "scheduler": "piecewiselinearwarmuplr",
    "scheduler_conf": {
        "warmup_steps_list": [0, 1, 2, 3, 100],
        "warmup_lr_list": [0.0, 0.001, 0.001, 1.0e12, 1.0e12],
    },
}
RANDOM = {"masker": "random", "masker_conf": {"span": 3, "fraction": 0.4}}


def train_to_failure(recipe, conf, exp: str, *options: str) -> str:
    """The one line that says why."""
    status, lines = recipe.train("ssl", conf, exp, *options)
    assert status == 2, lines[-5:]
    assert not any("Traceback" in line for line in lines)
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert lines[-1] == error
    return error


@pytest.mark.parametrize(
    ("skipped_updates", "reason"),
    [
        (1, "1 updates in a row had a gradient that is not finite"),
        (100, "the validation loss is not finite"),
    ],
)
def test_a_diverging_training_stops_and_keeps_the_checkpoint_before(
    recipe, skipped_updates, reason
):
    exp = f"diverges_{skipped_updates}"
    conf = recipe.conf("ssl", DIVERGES, guard_conf={"skipped_updates": skipped_updates})
    error = train_to_failure(recipe, conf, exp)
    folder = recipe.root / "exp" / exp
    assert error.startswith(f"error: exp/{exp}: stopped in epoch 2 after 3 updates: {reason}; ")
    assert f"the last good checkpoint is exp/{exp}/checkpoint.pth, of epoch 1" in error
    state = torch.load(folder / "checkpoint.pth", weights_only=False)
    assert state["model"]["updates"] == 2
    assert all(torch.isfinite(value).all() for value in state["model"].values())
    assert (folder / "1epoch.pth").exists()
    assert not (folder / "2epoch.pth").exists()


def test_fewer_batches_than_accum_grad_are_told_not_trained_on(recipe):
    error = train_to_failure(recipe, recipe.conf("ssl"), "no_update", "--accum_grad", "3")
    assert "stopped in epoch 1 after 0 updates: not one update of this epoch was done" in error
    assert "no epoch was saved yet" in error


@pytest.fixture(scope="module")
def silent(recipe):
    """Training data without a sound: all latents are the same."""
    for name in ("data", "dump"):
        (recipe.root / name / "silent").mkdir()
    samples = read_dict(recipe.root / "dump/train/speech_shape")
    wavs = {utt: recipe.root / "data/silent" / f"{utt}.wav" for utt in samples}
    for utt, wav in wavs.items():
        soundfile.write(wav, np.zeros(int(samples[utt]), dtype=np.int16), 16000)
    scp = "".join(f"{utt} {wav}\n" for utt, wav in sorted(wavs.items()))
    (recipe.root / "data/silent/wav.scp").write_text(scp)
    shape = recipe.root / "dump/train/speech_shape"
    (recipe.root / "dump/silent/speech_shape").write_text(shape.read_text())
    return "data/silent"


def test_collapsed_codes_stop_a_training_and_real_ones_do_not(recipe, silent):
    conf = recipe.conf("ssl", RANDOM, guard_conf={"after": 2}, max_epoch=2)
    status, lines = recipe.train("ssl", conf, "sound")
    assert status == 0, lines[-5:]
    error = train_to_failure(recipe, conf, "silent", "--train_dir", silent)
    assert "exp/silent: stopped in epoch 2 after 4 updates: code_perplexity was 1." in error
    assert "less than 1.5: nearly every frame gets the same code" in error
    assert "the last good checkpoint is exp/silent/checkpoint.pth, of epoch 1" in error


def test_a_statistic_that_is_asked_for_must_be_there(recipe):
    conf = recipe.conf("ssl", guard_conf={"least": {"target_vra": 0.1}})
    error = train_to_failure(recipe, conf, "no_such_statistic")
    assert "guard_conf.least.target_vra: this training has no such statistic; it has " in error
    assert "code_perplexity" in error


@pytest.mark.parametrize(
    "conf", [{"skipped_updates": 0}, {"after": -1}, {"least": {"hidden_std": "a"}}], ids=str
)
def test_values_that_make_no_sense(conf):
    with pytest.raises(ValueError, match="guard_conf: "):
        Guard(**conf)


def batches(guard: Guard, norms: list[float | None], stats=(), accum_grad: int = 1) -> None:
    """Pass an epoch, as ESPnet's loop does: where the norm is None, the update is skipped."""
    reporter = SubReporter("train", 1, 0)
    watched = guard.watch([{}] * len(norms), reporter, 0, accum_grad, interval=2)
    for done, _ in enumerate(watched, 1):
        own = {name: values[done - 1] for name, values in dict(stats).items()}
        reporter.register({"loss": torch.tensor(1.0)} | own, torch.tensor(10))
        reporter.register({"backward_time": 0.1})
        if done % accum_grad == 0 and norms[done - 1] is not None:
            reporter.register({"grad_norm": torch.tensor(norms[done - 1])})
        reporter.next()
    watched.end_epoch(nothing_learned=False)


def test_only_skipped_updates_in_a_row_count_and_an_epoch_ends_no_row():
    guard = Guard(skipped_updates=3)
    batches(guard, [None, None, 1.0, None, 2.0, None, None])
    assert (guard.updates, guard.skipped) == (2, 2)
    with pytest.raises(UserError, match="epoch 1 after 0 updates: 3 updates in a row"):
        batches(guard, [None, 1.0])
    guard = Guard(skipped_updates=2)
    batches(guard, [None, None, None, 1.0], accum_grad=2)  # one skipped, one done
    assert (guard.updates, guard.skipped) == (1, 0)


@pytest.mark.filterwarnings("ignore:No valid stats found")
def test_a_statistic_is_looked_at_on_average_and_only_after_the_updates_that_the_conf_names():
    norms, low = [1.0] * 6, [0.05, 0.2, 0.05, 0.05, 0.2, 0.2]
    batches(Guard(after=6), norms, {"target_var": low})
    with pytest.raises(UserError, match=r"after 4 updates: target_var was 0\.05 over the last 2"):
        batches(Guard(after=2), norms, {"target_var": low})
    batches(Guard(after=2, least={"target_var": None}), norms, {"target_var": low})
    batches(Guard(after=2, least={"target_var": 0.04}), norms, {"target_var": low})
    with pytest.raises(UserError, match=r"hidden_std was 0\.05"):
        batches(Guard(after=2, least={"hidden_std": 0.1}), norms, {"hidden_std": low})
    batches(Guard(after=0), norms, {"target_var": [math.nan] * 6})  # nothing masked


def test_the_least_perplexity_is_that_of_one_codebook():
    guard = Guard(after=0)
    guard.start(guard.output_dir, codebooks=2)
    batches(guard, [1.0, 1.0], {"code_perplexity": [3.5, 3.5]})
    with pytest.raises(UserError, match=r"code_perplexity was 2\.5 over .* less than 3: nearly"):
        batches(guard, [1.0, 1.0], {"code_perplexity": [2.5, 2.5]})
