"""HuBERT and MS-HuBERT at the papers' size."""

import argparse

import pytest
import torch
import yaml

from espnet_ext.config import compose

BASE = ["arch/wave_transformer", "method/mask_random_hubert"]


def parameters(recipe, method: str, sizes: list[int]) -> tuple[int, int]:
    """Of the whole model, and of its losses' heads, which fine-tuning throws away."""
    from espnet_ext.tasks.check import check_conf
    from espnet_ext.tasks.ssl import SSLTask

    source = recipe.root / f"published_{method}.yaml"
    blocks = [f"{block}.yaml" for block in [*BASE, f"method/{method}"]]
    own = {"targets": {"labels": {"conf": {"sizes": sizes}}}}
    source.write_text(yaml.safe_dump({"extends": blocks} | own))
    conf = compose(source)[0]
    check_conf(conf, "ssl", source.name)
    defaults = vars(SSLTask.get_parser().parse_args([]))
    # the masker has no parameters, but a table, which a device without memory cannot have
    conf |= {"masker": "confidence", "masker_conf": {"fraction": 0.5}}
    with torch.device("meta"):
        model = SSLTask.build_model(argparse.Namespace(**defaults | conf))
    return tuple(sum(p.numel() for p in part.parameters()) for part in (model, model.objectives))


def test_parameters_are_those_of_the_papers(recipe):
    """MS-HuBERT §3: "96.01 million, … around 1.25 million" more than HuBERT, whose second iteration
    names 500 clusters. Ours has 0.04 M more in all and 0.1 M more than HuBERT."""
    hubert, head = parameters(recipe, "hubert", [500])
    ms_hubert, heads = parameters(recipe, "ms_hubert", [1000, 500, 250, 125, 50, 25])
    assert (
        hubert - head == ms_hubert - heads == 94_371_712
    )  # HuBERT BASE of transformers, torchaudio
    assert head == 768 * 256 + 256 + 500 * 256
    assert ms_hubert / 1e6 == pytest.approx(96.01, abs=0.05)
    assert (ms_hubert - hubert) / 1e6 == pytest.approx(1.25, abs=0.12)
