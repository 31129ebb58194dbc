"""Several processes train one experiment, as a launcher starts them (without a GPU: gloo)."""

import torch
from test_guards import DIVERGES


def train(recipe, conf, exp: str, *options: str) -> tuple[int, list[str]]:
    """Two processes, which meet at a file of their own."""
    meet = recipe.root / f"{exp}_{recipe.n_runs}.meet"
    recipe.n_runs += 1
    gloo = ["--dist_backend", "gloo", "--dist_init_method", f"file://{meet}"]
    return recipe.train("ssl", conf, exp, *gloo, *options, ranks=2)


def test_two_processes_train_and_resume(recipe):
    """Three epochs of one batch, half of it each."""
    conf = recipe.conf("ssl")
    states = {}
    for exp, stretches in (("two_unbroken", ("3",)), ("two_resumed", ("1", "3"))):
        for max_epoch in stretches:
            status, lines = train(recipe, conf, exp, "--max_epoch", max_epoch)
            assert status == 0, lines[-5:]
        states[exp] = torch.load(recipe.root / "exp" / exp / "checkpoint.pth")["model"]
    assert "exp/two_resumed: resuming after epoch 1 of 3" in lines
    assert states["two_unbroken"]["updates"] == 3
    for key, value in states["two_unbroken"].items():
        assert torch.equal(states["two_resumed"][key], value), key


def test_the_guard_ends_both(recipe):
    conf = recipe.conf("ssl", DIVERGES, guard_conf={"skipped_updates": 1})
    status, lines = train(recipe, conf, "two_diverge")
    assert status == 2
    other = (recipe.root / "log.1").read_text().splitlines()
    for last in (lines[-1], other[-1]):
        assert last.startswith("error: exp/two_diverge: stopped in epoch 3 after 3 updates: ")
