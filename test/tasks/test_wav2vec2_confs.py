"""The published confs of wav2vec 2.0: as large as the paper says, and they train."""

import pytest
import torch
import yaml
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

from espnet_ext.config import compose, dump

BLOCKS = ["arch/wave_transformer", "method/wav2vec2", "method/mask_random_w2v2"]
LARGE = {
    "targets": {"quantiser": {"conf": {"dim": 768}}},
    "losses": {"contrastive": {"conf": {"dim": 768}}},
}
LARGE_OF_TRANSFORMERS = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "codevector_dim": 768,
    "proj_codevector_dim": 768,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
}
TINY = {
    "frontend_conf": {"channels": 16},
    "encoder_conf": {"output_size": 32, "num_layers": 2, "heads": 2, "ff_dim": 48},
    "targets": {"quantiser": {"conf": {"entries": 8, "dim": 16}}},
    "losses": {"contrastive": {"conf": {"dim": 16, "distractors": 5}}},
    "crop_sec": 2.0,
    "min_sec": 0.0,
    "batch_type": "numel",
    "batch_bins": 90000,
    "valid_batch_bins": 200000,
    "optim": "adamw",
    "optim_conf": {"lr": 0.003},
    "max_epoch": 1,
    "keep_nbest_models": 1,
    "best_model_criterion": [["valid", "loss", "min"]],
    "num_workers": 0,
    "num_att_plot": 0,
    "use_matplotlib": False,
    "use_tensorboard": False,
}


def write_conf(recipe, blocks: list[str], own: dict, name: str):
    """A flat conf of `blocks` and `own` keys."""
    source, flat = (recipe.root / f"{name}{end}.yaml" for end in ("", ".flat"))
    source.write_text(yaml.safe_dump({"extends": [f"{block}.yaml" for block in blocks]} | own))
    flat.write_text(dump(*compose(source)))
    return flat


@pytest.mark.parametrize(
    ("blocks", "own", "theirs", "millions"),
    [
        (BLOCKS, {}, {}, 95),
        ([*BLOCKS, "size/wave_transformer_large"], LARGE, LARGE_OF_TRANSFORMERS, 317),
    ],
    ids=["BASE", "LARGE"],
)
def test_parameters_are_the_papers_and_transformers(recipe, blocks, own, theirs, millions):
    """wav2vec 2.0 Table 1: 95 M and 317 M, counted with the parts that only pre-training has."""
    from espnet_ext.tasks.check import check_conf
    from espnet_ext.tasks.ssl import SSLTask

    flat = write_conf(recipe, blocks, own, f"published_wav2vec2_{millions}")
    conf = yaml.safe_load(flat.read_text())
    check_conf(conf, "ssl", flat.name)
    # the masker has no parameters, but a table, which a device without memory cannot have
    conf |= {"masker": "confidence", "masker_conf": {"fraction": 0.5}}
    args = SSLTask.get_parser().parse_args([])
    for key, value in conf.items():
        setattr(args, key, value)
    with torch.device("meta"):
        ours = SSLTask.build_model(args)
        peer = Wav2Vec2ForPreTraining(Wav2Vec2Config(**theirs))
    count, expected = (sum(p.numel() for p in model.parameters()) for model in (ours, peer))
    assert count == expected
    assert round(count / 1e6) == millions
    codes = ours.targets["quantiser"]
    assert codes.entries**codes.groups == 102_400  # "a theoretical maximum of 102.4k codewords"


def test_a_tiny_twin_trains(recipe):
    conf = write_conf(recipe, BLOCKS, TINY, "tiny_wav2vec2")
    status, lines = recipe.train("ssl", conf, "wav2vec2")
    assert status == 0, lines[-5:]
    state = torch.load(recipe.root / "exp/wav2vec2/checkpoint.pth", weights_only=False)
    logged = state["reporter"]["stats"][1]["train"]
    for name in ("contrastive", "diversity", "feature_penalty"):
        assert logged[f"loss_{name}"] > 0
    parts = ("contrastive", 1.0), ("diversity", 0.1), ("feature_penalty", 10.0)
    total = sum(weight * logged[f"loss_{name}"] for name, weight in parts)
    assert logged["loss"] == pytest.approx(total, rel=1e-4)
