"""However a batch is split, over micro-batches and processes, its gradient is that of the whole."""

import functools

import pytest
import torch
import yaml

CONF = {
    "masker": "given",
    "masker_conf": {},
    "targets": {"labels": {"name": "labels", "conf": {"sizes": [5]}}},
    "losses": {"masked_prediction": {"name": "masked_prediction", "target": "labels"}},
    "grad_clip": 1.0e9,
}
WHOLE = [[[0, 1, 2, 3, 4, 5, 6, 7]]]
SPLIT = {  # [process][micro-batch]: utterances, which mask 10 to 80 % of their frames
    "accumulated": [[[0, 4, 7], [1, 2, 3, 5, 6]]],  # about 15 and 80 masked frames
    "unequal": [[[0], [1, 2, 3, 4], [5], [6, 7]]],
    "processes": [[[0, 4, 7]], [[1, 2, 3, 5, 6]]],
    "both": [[[0], [1, 2, 4]], [[3, 6], [5, 7]]],
}


@pytest.fixture(scope="module")
def gradient(recipe):
    """By trainer and split: the gradient of every parameter, in one vector."""
    folder = recipe.root / "gradients"
    folder.mkdir()
    conf = recipe.conf("ssl", CONF, encoder_conf={"dropout": 0.0, "inner_dropout": 0.0})

    @functools.cache
    def run(trainer: str, split: str, scale: float | None = None) -> torch.Tensor:
        name = f"{trainer}_{split}_{scale}"
        job = {
            "trainer": trainer,
            "batches": SPLIT.get(split, WHOLE),
            "scale": scale,
            "options": ["--config", str(conf)],
            "rendezvous": str(folder / f"{name}.rendezvous"),
            "out": str(folder / f"{name}.pt"),
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(job))
        ranks = len(job["batches"])
        argv = [str(folder / f"{name}.yaml")]
        status, lines = recipe.run("gradients", *argv, module="gradients", ranks=ranks)
        assert status == 0, lines[-5:]
        by_name = torch.load(job["out"])
        assert len(by_name) > 40
        return torch.cat([by_name[key].flatten() for key in sorted(by_name)])

    return run


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got - expected).norm() / expected.norm())


@pytest.mark.parametrize("split", SPLIT)
def test_a_split_batch_gives_the_gradient_of_the_whole(gradient, split):
    whole = gradient("espnet", "whole")  # nothing of ours in the loop
    assert whole.norm() > 0.01
    assert relative(gradient("ours", split), whole) < 1e-5


def test_mixed_precision(gradient):
    """bfloat16 and a scaled loss; the rounding of eight bits is all that may differ."""
    whole = gradient("espnet", "whole")
    assert 1e-4 < relative(gradient("ours", "unequal", 1024.0), whole) < 0.03


def test_espnets_own_loop_takes_micro_batches_as_equals(gradient):
    """What `weighted_mean` is there for; fails once ESPnet weighs them itself."""
    assert relative(gradient("espnet", "accumulated"), gradient("espnet", "whole")) > 0.1
