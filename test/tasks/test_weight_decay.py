"""`exclude_weight_decay: true`: vectors keep their length, matrices decay."""

import math

import torch


def test_vectors_do_not_decay(recipe):
    """Without a gradient to speak of, 0.9 of a matrix is left after one update, and all of a vector
    (data2vec 2.0's public code)."""
    conf = recipe.conf(
        "ssl",
        {
            "optim": "sgd",
            "optim_conf": {"lr": 1.0, "weight_decay": 0.1},
            "scheduler": None,
            "grad_clip": 1.0e-30,
            "exclude_weight_decay": True,
        },
    )
    options = ["--max_epoch", "1", "--accum_grad", "2"]  # one update
    status, lines = recipe.train("ssl", conf, "decayed", *options)
    assert status == 0, lines[-5:]
    spared = recipe.conf("ssl", {"optim": "sgd", "optim_conf": {"lr": 0.0}, "scheduler": None})
    assert recipe.train("ssl", spared, "as_it_began", *options)[0] == 0
    before, after = (
        torch.load(recipe.root / f"exp/{exp}/latest.pth") for exp in ("as_it_began", "decayed")
    )
    left = {
        key: float(after[key].norm() / value.norm())
        for key, value in before.items()
        if value.is_floating_point() and value.dim() and value.norm() > 0
    }
    vectors = {key for key in left if before[key].dim() == 1}
    assert "view.mask_embedding_D" in vectors
    assert len(vectors) > 10 < len(left) - len(vectors)
    for key, share in left.items():
        decays = key not in vectors and not key.startswith("frontend.")  # its filters are fixed
        assert math.isclose(share, 0.9 if decays else 1.0, rel_tol=1e-5), key
