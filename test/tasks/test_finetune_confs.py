"""Fine-tuning confs against the papers' tables, copied here by hand."""

from pathlib import Path

import pytest
import yaml

from espnet_ext.config import compose, dump

ROOT = Path(__file__).resolve().parents[2]
AMOUNTS = ("10min", "1h", "10h", "100h", "960h")
# wav2vec 2.0, Table 6: timestep mask prob., channel mask prob., updates
TABLE_6 = {
    "10min": (0.075, 0.008, 12_000),
    "1h": (0.075, 0.004, 13_000),
    "10h": (0.065, 0.004, 20_000),
    "100h": (0.05, 0.008, 50_000),
    "960h": (0.05, 0.0016, 320_000),
    "timit": (0.065, 0.012, 40_000),
}
# EH-MAM, Table 5, right: learning rate, updates, mask channel prob., LayerDrop, freeze updates
TABLE_5 = {
    "10min": (5e-5, 13_000, 0.25, 0.1, 10_000),
    "1h": (5e-5, 13_000, 0.25, 0.1, 10_000),
    "10h": (5e-5, 20_000, 0.5, 0.05, 10_000),
    "100h": (3e-5, 80_000, 0.5, 0.1, 0),
}
WAVE = ("arch/wave_transformer", "finetune/ctc", "schedule/tri_stage", "finetune/wave")
SAMPLE_RATE = 16000


def published(recipe: str, stem: str, amount: str) -> dict:
    suffix = "" if amount == "100h" else f"_{amount}"
    return compose(ROOT / f"egs2/{recipe}/ssl1/conf/{stem}{suffix}.yaml")[0]


def updates(conf: dict) -> int:
    return conf["num_iters_per_epoch"] * conf["max_epoch"] // conf.get("accum_grad", 1)


def batch_sec(conf: dict) -> float:
    """Of an update."""
    return conf["batch_bins"] * conf.get("accum_grad", 1) / SAMPLE_RATE


@pytest.mark.parametrize(
    ("recipe", "stem"),
    [
        ("librispeech", "asr_ctc_wave"),
        ("librispeech", "asr_ctc_wave_large"),
        ("librilight", "asr_ctc_wave_large"),
    ],
)
@pytest.mark.parametrize("amount", AMOUNTS)
def test_wav2vec2_table_6_and_section_4_3(recipe, stem, amount):
    conf, large = published(recipe, stem, amount), stem.endswith("large")
    time, channel, n_updates = TABLE_6[amount]
    assert conf["masker"] == "random"
    assert conf["masker_conf"] == {"span": 10, "start_prob": time}
    assert conf["channel_masker_conf"] == {"span": 64, "start_prob": channel}
    assert updates(conf) == conf["scheduler_conf"]["max_steps"] == n_updates
    assert conf["model_conf"]["freeze_updates"] == 10_000
    assert conf["encoder_conf"]["layer_drop"] == (0.1 if large else 0.05)
    assert batch_sec(conf) == (1920 if large else 1600)
    assert conf["optim_conf"]["lr"] == (1e-4 if amount == "960h" and not large else 3e-5)


@pytest.mark.parametrize("stem", ["asr_ctc_wave", "asr_ctc_wave_large"])
def test_wav2vec2_table_6_for_timit(stem):
    conf, _ = compose(ROOT / f"egs2/timit/ssl1/conf/{stem}.yaml")
    time, channel, n_updates = TABLE_6["timit"]
    assert conf["masker_conf"] == {"span": 10, "start_prob": time}
    assert conf["channel_masker_conf"] == {"span": 64, "start_prob": channel}
    assert updates(conf) == conf["scheduler_conf"]["max_steps"] == n_updates
    assert conf["model_conf"]["freeze_updates"] == 10_000


@pytest.mark.parametrize("amount", TABLE_5)
def test_ehmam_table_5(amount):
    conf = published("librispeech", "asr_ctc_data2vec2", amount)
    rate, n_updates, channel, layer_drop, freeze = TABLE_5[amount]
    assert conf["optim_conf"]["lr"] == rate
    assert tuple(conf["optim_conf"]["betas"]) == (0.9, 0.98)
    assert conf["scheduler"] == "tristagelr"
    assert updates(conf) == conf["scheduler_conf"]["max_steps"] == n_updates
    span = conf["masker_conf"]["span"]
    assert conf["masker_conf"]["start_prob"] * span == pytest.approx(0.65)
    assert conf["channel_masker_conf"]["span"] == 64
    assert conf["channel_masker_conf"]["start_prob"] * 64 == channel
    assert conf["encoder_conf"]["layer_drop"] == layer_drop
    assert conf["encoder_conf"]["activation_dropout"] == 0.1
    assert conf["model_conf"]["freeze_updates"] == freeze


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("egs2/libri*/ssl1/conf/asr_ctc_*.yaml")), ids=lambda path: path.stem
)
def test_every_ctc_conf_trains_as_section_4_3_says(path):
    """Feature encoder not trained; rate up for 0.1 of the updates, held for 0.4, down for 0.5."""
    conf, _ = compose(path)
    assert conf["frontend_conf"]["grad_scale"] == 0.0
    ratios = [conf["scheduler_conf"][f"{part}_ratio"] for part in ("warmup", "hold", "decay")]
    assert ratios == [0.1, 0.4, 0.5]
    assert conf["model_conf"]["ctc_weight"] == 1.0
    assert conf["optim"] == "adam"
    assert "--token_type char" in path.read_text()


@pytest.mark.parametrize("recipe", ["librispeech", "librilight", "ami", "speechstew"])
def test_ask2mask_fine_tunes_with_rnnt_alone(recipe):
    """§3.3; the decoder's sizes are Zhang et al. 2020's: 640, one layer for L and two for XL."""
    paths = sorted(ROOT.glob(f"egs2/{recipe}/ssl1/conf/asr_rnnt*.yaml"))
    assert paths
    for path in paths:
        conf, _ = compose(path)
        assert conf["decoder"] == "transducer"
        assert conf["model_conf"]["ctc_weight"] == 0.0
        sizes = conf["decoder_conf"]["num_layers"], conf["decoder_conf"]["hidden_size"]
        assert sizes == (2 if "xl" in path.stem else 1, 640)
        assert conf["joint_net_conf"]["joint_space_size"] == 640


def test_hubert_clips_at_10_and_the_others_not():
    """Public confs: clip_norm 10.0 and loss_weights [10,] of HuBERT; 0 by default, EH-MAM "-"."""
    for path in ROOT.glob("egs2/libri*/ssl1/conf/*_base*.yaml"):
        conf, _ = compose(path)
        hubert = "hubert" in path.stem
        assert conf["grad_clip"] == (10 if hubert else 1e9), path
        if hubert:
            assert conf["losses"]["feature_penalty"]["weight"] == 10
    conf, _ = compose(ROOT / "egs2/librispeech/ssl1/conf/data2vec_base.yaml")
    assert (
        conf["scheduler_conf"]["init_lr_scale"] == conf["scheduler_conf"]["final_lr_scale"] == 0.01
    )


def test_the_blocks_train(recipe):
    """On real speech, shrunk: the CNN stays as it was, what is above it learns once thawed."""
    import torch

    blocks = [f"{name}.yaml" for name in (*WAVE, "finetune/w2v2_10min", "size/cpu_tiny_wave")]
    own = {
        "batch_bins": 90000,
        "num_iters_per_epoch": 2,
        "max_epoch": 3,
        "keep_nbest_models": 3,
        "scheduler_conf": {"max_steps": 6},
        "model_conf": {"freeze_updates": 2},
    }
    source, flat = recipe.root / "wave.yaml", recipe.root / "wave.flat.yaml"
    source.write_text(yaml.safe_dump({"extends": blocks} | own))
    flat.write_text(dump(*compose(source)))
    status, lines = recipe.train("asr", flat, "wave")
    assert status == 0, lines[-5:]
    one, two, three = (
        torch.load(recipe.root / f"exp/wave/{epoch}epoch.pth") for epoch in (1, 2, 3)
    )
    moved = {name for name in one if name != "updates" and not torch.equal(one[name], two[name])}
    assert not any(name.startswith("frontend.") for name in moved)
    assert {name.split(".")[0] for name in moved} == {"preencoder", "encoder", "masks", "ctc"}
    assert all(torch.isfinite(value).all() for value in three.values())
