"""The published confs of data2vec and EH-MAM: their sizes, and a tiny training of the latter."""

import functools

import pytest
import torch
import yaml

from espnet_ext.config import compose, dump

METHODS = {  # how it differs from arch/wave_transformer.yaml, and its masks
    "data2vec": ("data2vec", "mask_random_w2v2"),
    "data2vec2": ("data2vec2", "mask_inverse_block"),
    "ehmam": ("data2vec2", "mask_easy_to_hard"),
}
TINY = {
    "frontend_conf": {"channels": 16},
    "encoder_conf": {"output_size": 32, "num_layers": 3, "heads": 2, "ff_dim": 48},
    "view_conf": {"clones": 2, "decoder": {"dim": 16}},
    "teacher_conf": {"start": 0.5, "end": 0.9, "anneal_updates": 4, "top": 2},
    "losses": {"ranking": {"conf": {"dim": 16}}},
    "total_updates": 6,
    "crop_sec": 2.0,
    "min_sec": 0.0,
    "batch_type": "numel",
    "batch_bins": 90000,  # two batches an epoch
    "valid_batch_bins": 200000,
    "optim": "adamw",
    "optim_conf": {"lr": 0.003},
    "max_epoch": 3,
    "keep_nbest_models": 2,
    "best_model_criterion": [["valid", "loss", "min"]],
    "num_workers": 0,
    "num_att_plot": 0,
    "use_matplotlib": False,
    "use_tensorboard": False,
}


def write_conf(recipe, method: str, own: dict, name: str):
    """A flat conf of the method's blocks and `own` keys."""
    arch, mask = METHODS[method]
    blocks = ["arch/wave_transformer", f"arch/{arch}", f"method/{method}", f"method/{mask}"]
    source, flat = (recipe.root / f"{name}{end}.yaml" for end in ("", ".flat"))
    source.write_text(yaml.safe_dump({"extends": [f"{block}.yaml" for block in blocks]} | own))
    flat.write_text(dump(*compose(source)))
    return flat


@functools.cache
def parameters(recipe, method: str) -> dict[str, int]:
    """By part of the model, those that learn."""
    from espnet_ext.tasks.check import check_conf
    from espnet_ext.tasks.ssl import SSLTask

    flat = write_conf(recipe, method, {}, f"published_{method}")
    conf = yaml.safe_load(flat.read_text())
    check_conf(conf, "ssl", flat.name)
    if method == "data2vec":  # its masker draws from a table, which a device without memory has not
        conf |= {"masker": "confidence", "masker_conf": {"fraction": 0.5}}
    args = SSLTask.get_parser().parse_args([])
    for key, value in conf.items():
        setattr(args, key, value)
    with torch.device("meta"):
        model = SSLTask.build_model(args)
    parts = {name: part for name, part in model.named_children() if name != "objectives"}
    parts |= {objective.name: objective for objective in model.objectives}
    return {
        name: sum(p.numel() for p in part.parameters() if p.requires_grad)
        for name, part in parts.items()
    }


def test_ehmam_has_the_papers_parameters(recipe):
    """EH-MAM app. D: 94.40 M. The predictor's share is the paper's Table 5 in our arithmetic."""
    by_part = parameters(recipe, "ehmam")
    assert round(sum(by_part.values()) / 1e6, 2) == 94.40
    assert by_part["ranking"] == 620_544
    assert by_part["teacher"] == 0


def test_data2vec2_is_ehmam_without_the_predictor(recipe):
    by_part = parameters(recipe, "data2vec2")
    assert by_part == {k: v for k, v in parameters(recipe, "ehmam").items() if k != "ranking"}


def test_data2vec_has_a_projection_and_no_decoder(recipe):
    by_part, second = parameters(recipe, "data2vec"), parameters(recipe, "data2vec2")
    assert by_part["regression"] == 768 * 769
    assert by_part["view"] == 768
    assert second["encoder"] - by_part["encoder"] == 12  # a scale of distance for each head


def test_a_killed_training_resumes_teacher_and_all(recipe):
    conf = write_conf(recipe, "ehmam", TINY, "tiny_ehmam")
    for name, kill in (("whole", None), ("killed", ("step", "", 3)), ("killed", None)):
        status, lines = recipe.train(
            "ssl", conf, f"ehmam_{name}", **({"kill": kill} if kill else {})
        )
        assert status == (-9 if kill else 0), lines[-5:]
    states = [
        torch.load(recipe.root / f"exp/ehmam_{name}/checkpoint.pth", weights_only=False)
        for name in ("whole", "killed")
    ]
    whole, killed = (state["model"] for state in states)
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[key], killed[key]) for key in whole)
    assert whole["teacher.followed"] == 6
    name = "layers.0.ff.0.weight"
    assert not torch.equal(whole[f"teacher.copies.encoder.{name}"], whole[f"encoder.{name}"])
    shared = whole["teacher.copies.encoder.embed.0.weight"]
    assert torch.equal(shared, whole["encoder.embed.0.weight"])
    logged = states[0]["reporter"]["stats"][3]["train"]
    for stat in ("loss_regression", "loss_ranking", "ranking_acc", "target_var", "pred_var"):
        assert torch.isfinite(torch.tensor(logged[stat])), stat


@pytest.mark.parametrize(("accum_grad", "updates"), [("1", 2), ("2", 1)])
def test_the_teacher_counts_updates_not_forward_calls(recipe, accum_grad, updates):
    conf = write_conf(recipe, "ehmam", TINY | {"max_epoch": 1}, "tiny_ehmam")
    exp = f"ehmam_accum_{accum_grad}"
    assert recipe.train("ssl", conf, exp, "--accum_grad", accum_grad)[0] == 0
    state = torch.load(recipe.root / "exp" / exp / "checkpoint.pth", weights_only=False)
    assert state["model"]["teacher.followed"] == state["model"]["updates"] == updates
