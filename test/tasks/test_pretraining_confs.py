"""What the four papers print of their pre-trainings stands in our confs."""

from pathlib import Path

import pytest

from espnet_ext.config import compose

ROOT = Path(__file__).resolve().parents[2]
W2V2 = {  # wav2vec 2.0 §4.2, both sizes
    "masker_conf": {"start_prob": 0.065, "span": 10},
    "frontend_conf": {
        "channels": 512,
        "strides": [5, 2, 2, 2, 2, 2, 2],
        "kernels": [10, 3, 3, 3, 3, 2, 2],
    },
    "encoder_conf": {"pos_kernel": 128, "pos_groups": 16, "dropout": 0.1, "input_dropout": 0.1},
    "targets": {"quantiser": {"conf": {"groups": 2, "entries": 320, "dropout": 0.1}}},
    "losses": {
        "contrastive": {"weight": 1.0, "conf": {"temperature": 0.1, "distractors": 100}},
        "diversity": {"weight": 0.1},
    },
}
LARGE = {
    "encoder_conf": {"num_layers": 24, "output_size": 1024, "ff_dim": 4096, "heads": 16},
    "targets": {"quantiser": {"conf": {"dim": 2 * 384, "temperature": [2, 0.1, 0.999995]}}},
    "crop_sec": 320_000 / 16_000,
    "optim_conf": {"lr": 3e-4},
}
LIBRISPEECH = {"norm": "group", "grad_scale": 0.1, "normalise_wave": False}
EHMAM = {  # Table 5; §4 for α
    "optim_conf": {"lr": 7.5e-4, "betas": [0.9, 0.98], "weight_decay": 0.01},
    "scheduler": "cosine",
    "scheduler_conf": {"warmup_steps": 8000, "max_steps": 400_000},
    "teacher_conf": {"start": 0.999, "end": 0.99999, "anneal_updates": 75_000, "top": 8},
    "masker": "easy_to_hard",
    "masker_conf": {"span": 5, "fraction": 0.5, "hold": "fraction"},
    "view_conf": {"decoder": {"dim": 384, "groups": 16, "kernel": 7, "layers": 4}},
    "losses": {
        "ranking": {"weight": 0.05, "conf": {"dim": 384, "groups": 16, "kernel": 7, "layers": 4}}
    },
    "encoder_conf": {"num_layers": 12},
    "total_updates": 400_000,
}
ATM = {  # Ask2Mask §2, §3.1 to §3.3, §4.1
    "masker": "confidence",
    "masker_conf": {"order": "highest", "span": 10, "fraction": 0.4},
    "frontend_conf": {"n_mels": 80, "fs": 16000},
    "preencoder": "conv2d",
    "encoder_conf": {"kernel": 5, "attention_context": 128, "output_size": 1024, "heads": 8},
    "crop_sec": 32,
    "optim": "adam",
    "optim_conf": {"lr": 2e-3},
    "scheduler": "warmuplr",
    "scheduler_conf": {"warmup_steps": 25_000},
}
CLUSTERS = {"targets": {"labels": {"conf": {"sizes": [1024]}}}}


def two_stages(first: int) -> dict:
    return {"losses": {"contrastive": {"layer": first}, "masked_prediction": {"layer": 0}}}


PRINTED = {
    "librispeech/wav2vec2_base": [
        W2V2,
        {
            "encoder_conf": {"num_layers": 12, "output_size": 768, "ff_dim": 3072},
            "frontend_conf": LIBRISPEECH,
            "targets": {"quantiser": {"conf": {"dim": 2 * 128, "temperature": [2, 0.5, 0.999995]}}},
            "crop_sec": 250_000 / 16_000,
            "optim_conf": {"lr": 5e-4},
            "scheduler_conf": {"warmup_steps": 0.08 * 400_000, "max_steps": 400_000},
        },
        {"encoder_conf": {"layer_drop": 0.05}},
    ],
    "librispeech/wav2vec2_large": [
        W2V2,
        LARGE,
        {
            "encoder_conf": {"layer_drop": 0.2},
            "frontend_conf": LIBRISPEECH,
            "scheduler_conf": {"warmup_steps": 0.08 * 250_000, "max_steps": 250_000},
        },
    ],
    "librilight/wav2vec2_large": [
        W2V2,
        LARGE,
        {
            "encoder_conf": {"layer_drop": 0.0},
            "frontend_conf": {"norm": "layer", "grad_scale": 1.0, "normalise_wave": True},
            "losses": {"feature_penalty": {"weight": 0.0}},
            "scheduler_conf": {"warmup_steps": 0.08 * 600_000, "max_steps": 600_000},
        },
    ],
    "librispeech/ms_hubert_base": [
        {  # §2.2.2, §3
            "view": "swap",
            "encoder_conf": {"num_layers": 12, "output_size": 768},
            "targets": {"labels": {"conf": {"sizes": [1000, 500, 250, 125, 50, 25]}}},
            "losses": {"multicluster": {"layer": [4, 5, 7, 8, 10, 12], "conf": {"drop": 2}}},
            "total_updates": 400_000,
        }
    ],
    "librispeech/ehmam_base": [EHMAM],
    # Ask2Mask §3.2; of w2v-BERT's two stages the first ends in the contrastive loss
    "librilight/w2vbert_l_atm": [ATM, {"encoder_conf": {"num_layers": 2 + 4}}, two_stages(2)],
    "librilight/w2vbert_xl_atm": [ATM, {"encoder_conf": {"num_layers": 8 + 24}}, two_stages(8)],
    "librilight/w2v2_cfr_l_atm": [ATM, {"encoder_conf": {"num_layers": 12}}],
    "librilight/w2v2_cfr_xl_atm": [ATM, {"encoder_conf": {"num_layers": 24}}],
    "librilight/hubert_cfr_l_atm": [ATM, {"encoder_conf": {"num_layers": 12}}, CLUSTERS],
    "librilight/hubert_cfr_xl_atm": [ATM, {"encoder_conf": {"num_layers": 24}}, CLUSTERS],
}
CASES = [(name, printed) for name, parts in PRINTED.items() for printed in parts]


def differences(printed: dict, conf: dict, at: str = "") -> list[str]:
    """Keys that the conf has otherwise, or has not."""
    found = []
    for key, value in printed.items():
        if isinstance(value, dict):
            found += differences(value, conf.get(key) or {}, f"{at}{key}.")
        elif conf.get(key) != value:
            found.append(f"{at}{key}: {conf.get(key)}, printed is {value}")
    return found


@pytest.mark.parametrize(("name", "printed"), CASES, ids=[name for name, _ in CASES])
def test_values_are_those_that_the_papers_print(name, printed):
    recipe, conf = name.split("/")
    assert differences(printed, compose(ROOT / "egs2" / recipe / f"ssl1/conf/{conf}.yaml")[0]) == []


@pytest.mark.parametrize(
    ("name", "crops", "updates"),
    [
        ("w2vbert_l_atm", 512, 900_000),
        ("w2vbert_xl_atm", 2048, 400_000),
        ("w2v2_cfr_xl_atm", 2048, 400_000),
        ("hubert_cfr_xl_atm", 2048, 400_000),
    ],
)
def test_ask2mask_batches_and_updates(name, crops, updates):
    """Ask2Mask §3.3: 512 (L) and 2048 (XL) crops; 900k updates of w2v-BERT-L, 400k of all XL."""
    conf = compose(ROOT / f"egs2/librilight/ssl1/conf/{name}.yaml")[0]
    assert conf["batch_bins"] * conf["accum_grad"] == crops * 32 * 16_000
    assert conf["num_iters_per_epoch"] * conf["max_epoch"] == updates * conf["accum_grad"]
