"""Real trainings of a tiny model, killed (-9) or out of disk, end as an unbroken one."""

import functools
import math

import pytest
import torch

from espnet_ext.targets.gumbel import GumbelQuantiser

MODEL, CHECKPOINT = "2epoch.pth", "checkpoint.pth"


def weights(exp) -> dict[str, dict]:
    """What a later stage may read, and what a resume reads."""
    states = {path.name: torch.load(path, weights_only=False) for path in exp.glob("*.pth")}
    return {
        name: state["model"] | optimiser(state) if "model" in state else state
        for name, state in states.items()
    }


def optimiser(checkpoint: dict) -> dict:
    moments = checkpoint["optimizers"][0]["state"]
    return {f"{i}.{key}": value for i, own in moments.items() for key, value in own.items()}


def assert_same(exp, unbroken) -> None:
    got, expected = weights(exp), weights(unbroken)
    more = {p.name for p in exp.iterdir()} ^ {p.name for p in unbroken.iterdir()}
    assert more <= {"1epoch.pth"} - expected.keys()  # the one that a kill may keep from removal
    for name, state in expected.items():
        assert got[name].keys() == state.keys()
        for key, value in state.items():
            assert torch.equal(got[name][key], value), f"{name}: {key}"


@pytest.fixture(scope="module")
def unbroken(recipe):
    """By task: the conf, and the folder of a training of three epochs that nothing disturbed."""

    @functools.cache
    def run(task: str):
        conf = recipe.conf(task)
        status, lines = recipe.train(task, conf, f"{task}_unbroken")
        assert status == 0, lines[-5:]
        return conf, recipe.root / f"exp/{task}_unbroken"

    return run


@pytest.mark.parametrize(
    ("task", "point", "done_epochs"),
    [
        ("ssl", ("step", "", 1), 0),  # in the first epoch, nothing saved
        ("ssl", ("step", "", 3), 1),  # two batches an epoch
        ("ssl", ("rename", MODEL, 1), 1),  # written under its temporary name
        ("ssl", ("renamed", MODEL, 1), 1),  # model of epoch 2 there, checkpoint still of epoch 1
        ("ssl", ("renamed", CHECKPOINT, 1), 1),  # links not yet made
        ("ssl", ("renamed", "3epoch.pth", 1), 2),
        ("ssl", ("renamed", CHECKPOINT, 3), 3),  # nor will ESPnet make them: its epochs are done
        ("ssl", ("rename", "valid.loss.ave_2best.pth", 1), 3),  # only the average is missing
        ("asr", ("step", "", 4), 1),
        ("asr", ("renamed", MODEL, 1), 1),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_killed_and_resumed_ends_bit_for_bit_as_unbroken(
    recipe, unbroken, task, point, done_epochs
):
    conf, whole = unbroken(task)
    name = f"{task}_killed_{'_'.join(map(str, point))}"
    status, lines = recipe.train(task, conf, name, kill=point)
    assert status == -9, lines[-5:]
    status, lines = recipe.train(task, conf, name)
    assert status == 0, lines[-5:]
    resumed = f"exp/{name}: resuming after epoch {done_epochs} of 3"
    assert (resumed in lines) == (done_epochs > 0)
    assert_same(recipe.root / "exp" / name, whole)


def test_a_finished_training_stays_as_it_is(recipe, unbroken):
    conf, whole = unbroken("ssl")
    for _ in range(2):
        assert recipe.train("ssl", conf, "again")[0] == 0
    assert_same(recipe.root / "exp/again", whole)


@pytest.mark.parametrize("written", ["nothing", "model only"])
def test_a_full_disk_is_one_line_and_keeps_the_last_checkpoint(recipe, unbroken, written):
    conf, whole = unbroken("ssl")
    name = f"full_{written.split()[0]}"
    exp = recipe.root / "exp" / name
    assert recipe.train("ssl", conf, name, "--max_epoch", "1")[0] == 0
    model_bytes = (exp / "1epoch.pth").stat().st_size
    before = (exp / CHECKPOINT).read_bytes()
    limit = model_bytes // 2 if written == "nothing" else model_bytes * 3 // 2
    status, lines = recipe.train("ssl", conf, name, max_file_bytes=limit)

    assert status == 2, lines[-20:]
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert lines[-1] == error
    failed = MODEL if written == "nothing" else CHECKPOINT
    assert error.startswith(f"error: exp/{name}/{failed}: could not be written (")
    assert "start again to resume" in error
    assert not any("Traceback" in line for line in lines)
    assert (exp / CHECKPOINT).read_bytes() == before
    torch.load(exp / CHECKPOINT, weights_only=False)

    status, lines = recipe.train("ssl", conf, name)
    assert status == 0
    assert f"exp/{name}: resuming after epoch 1 of 3" in lines
    (exp / "valid.loss.ave_1best.pth").unlink()  # the shorter run's own average
    assert_same(exp, whole)


def test_a_damaged_checkpoint_is_one_line(recipe, unbroken):
    conf, _ = unbroken("ssl")
    name = "damaged"
    assert recipe.train("ssl", conf, name, "--max_epoch", "1")[0] == 0
    checkpoint = recipe.root / "exp" / name / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    status, lines = recipe.train("ssl", conf, name)
    assert status == 2
    assert lines[-1].startswith(f"error: exp/{name}/{CHECKPOINT}: not a readable checkpoint")
    assert "move it away" in lines[-1]


@pytest.mark.parametrize(("accum_grad", "updates"), [("1", 6), ("2", 3)])
def test_updates_count_optimiser_steps_not_forward_calls(recipe, accum_grad, updates):
    """Three epochs of two batches."""
    exp = f"accum_{accum_grad}"
    assert recipe.train("ssl", recipe.conf("ssl"), exp, "--accum_grad", accum_grad)[0] == 0
    state = torch.load(recipe.root / "exp" / exp / CHECKPOINT, weights_only=False)
    assert state["model"]["updates"] == updates
    assert {int(own["step"]) for own in state["optimizers"][0]["state"].values()} == {updates}


FIVE_BATCHES = {  # an epoch; with accum_grad 2 two updates, and a batch that is left over
    "batch_type": "unsorted",
    "batch_size": 1,
    "scheduler": "cosine",
    "scheduler_conf": {"warmup_steps": 2, "max_steps": 10},
}


@pytest.mark.parametrize("exp", ["five_unbroken", "five_killed"])
def test_schedules_count_updates_under_accumulation_and_after_a_resume(recipe, exp):
    """Learning rate, and what the quantiser's temperature and the masker's progress are made of."""
    conf = recipe.conf("ssl", FIVE_BATCHES)
    options = ["--accum_grad", "2"]
    if exp == "five_killed":
        status, lines = recipe.train("ssl", conf, exp, *options, kill=("step", "", 3))
        assert status == -9, lines[-5:]
    status, lines = recipe.train("ssl", conf, exp, *options)
    assert status == 0, lines[-5:]
    plan = "scheduler_conf.max_steps is 10, but this training has 6 updates"
    assert any(plan in line for line in lines) == (exp == "five_unbroken")  # in the first epoch
    state = torch.load(recipe.root / "exp" / exp / CHECKPOINT, weights_only=False)
    assert state["model"]["updates"] == 6
    seventh = 0.003 * (1 + math.cos(math.pi * 5 / 8)) / 2
    assert state["optimizers"][0]["param_groups"][0]["lr"] == pytest.approx(seventh, rel=1e-12)
    quantiser = GumbelQuantiser(4, 1, 4, 4, temperature=(2.0, 0.5, 0.9))
    assert quantiser.temperature(state["model"]["updates"]) == pytest.approx(2 * 0.9**6)
    if exp == "five_killed":
        assert_same(recipe.root / "exp" / exp, recipe.root / "exp/five_unbroken")
