"""Our transformers' settings and weights under the names of Hugging Face's, and back.

For wav2vec 2.0, HuBERT and data2vec-audio. A checkpoint of theirs is config.json and named tensors;
ours is a conf and named tensors; this file knows which is which, and reads or writes neither.
"""

from __future__ import annotations

import inspect
import re

import torch
from torch import Tensor

from espnet_ext.config import UserError
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.frontend.wave_cnn import WaveCNN

MODEL_TYPES = {
    "wav2vec2": "Wav2Vec2Model",
    "hubert": "HubertModel",
    "data2vec-audio": "Data2VecAudioModel",
}
# below this their models with a head keep the network, such as Wav2Vec2ForCTC
PREFIXES = ("wav2vec2.", "hubert.", "data2vec_audio.")

# "#" stands for a number; what comes after (".weight", ".bias") is the same on both sides
WEIGHTS = {
    "frontend.blocks.#.conv": "feature_extractor.conv_layers.#.conv",
    "frontend.blocks.#.norm": "feature_extractor.conv_layers.#.layer_norm",
    "preencoder.norm": "feature_projection.layer_norm",
    "encoder.embed.0": "feature_projection.projection",
    "encoder.positions.bias_D": "encoder.pos_conv_embed.conv.bias",
    "encoder.positions.gain_11K": "encoder.pos_conv_embed.conv.parametrizations.weight.original0",
    "encoder.positions.direction_DIK": (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original1"
    ),
    "encoder.positions.convs.#": "encoder.pos_conv_embed.layers.#.conv",
    "encoder.norm": "encoder.layer_norm",
    "encoder.layers.#.attention.qkv": "encoder.layers.#.attention.?_proj",
    "encoder.layers.#.attention.out": "encoder.layers.#.attention.out_proj",
    "encoder.layers.#.norm_attention": "encoder.layers.#.layer_norm",
    "encoder.layers.#.ff.0": "encoder.layers.#.feed_forward.intermediate_dense",
    "encoder.layers.#.ff.3": "encoder.layers.#.feed_forward.output_dense",
    "encoder.layers.#.norm_ff": "encoder.layers.#.final_layer_norm",
    "view.mask_embedding_D": "masked_spec_embed",
}
# how torch's weight norm called its parts before it was a parametrisation
OLD_NAMES = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}
NETWORK = ("feature_extractor.", "feature_projection.", "encoder.", "masked_spec_embed")

# their settings that we have, too: section of our conf, our key, and theirs where it is not said
SETTINGS = {
    "conv_kernel": ("frontend_conf", "kernels", [10, 3, 3, 3, 3, 2, 2]),
    "conv_stride": ("frontend_conf", "strides", [5, 2, 2, 2, 2, 2, 2]),
    "conv_bias": ("frontend_conf", "conv_bias", False),
    "hidden_size": ("encoder_conf", "output_size", 768),
    "num_hidden_layers": ("encoder_conf", "num_layers", 12),
    "num_attention_heads": ("encoder_conf", "heads", 12),
    "intermediate_size": ("encoder_conf", "ff_dim", 3072),
    "num_conv_pos_embedding_groups": ("encoder_conf", "pos_groups", 16),
    "feat_proj_dropout": ("encoder_conf", "input_dropout", 0.0),
    "hidden_dropout": ("encoder_conf", "dropout", 0.1),
    "attention_dropout": ("encoder_conf", "attention_dropout", 0.1),
    "activation_dropout": ("encoder_conf", "activation_dropout", 0.1),
    "layerdrop": ("encoder_conf", "layer_drop", 0.1),
}
WITHOUT_STACK = {
    "feat_extract_norm": ("frontend_conf", "norm", "group"),
    "do_stable_layer_norm": ("encoder_conf", "norm_first", False),
    "num_conv_pos_embeddings": ("encoder_conf", "pos_kernel", 128),
}
WITH_STACK = {  # data2vec
    "num_conv_pos_embeddings": ("encoder_conf", "pos_depth", 5),
    "conv_pos_kernel_size": ("encoder_conf", "pos_kernel", 19),
}
# their settings of which our network has one value only
FIXED = {
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
    "layer_norm_eps": 1e-5,
    "add_adapter": False,
    "adapter_attn_dim": None,
    "conv_pos_batch_norm": False,
    "feat_proj_layer_norm": True,
}


def _settings(model_type: str) -> dict[str, tuple]:
    return SETTINGS | (WITH_STACK if model_type == "data2vec-audio" else WITHOUT_STACK)


def conf_from(config: dict, do_normalize: bool | None, source: str) -> dict:
    """The part of a conf that says the network.

    Args:
        config: their config.json. do_normalize: of their preprocessor, None where there is none:
            then waveforms are normalised where no group norm does it.
        source: file to name in errors.

    Raises:
        UserError: a model or an option that our network has no counterpart of.
    """
    model_type = config.get("model_type")
    if model_type not in MODEL_TYPES:
        raise UserError(
            f"{source}: model_type is {model_type!r}; expected one of {', '.join(MODEL_TYPES)}"
        )
    for key, only in FIXED.items():
        if config.get(key, only) != only:
            raise UserError(
                f"{source}: {key} is {config[key]!r}; this network has {only!r} and nothing else"
            )
    channels = config.get("conv_dim", [512] * 7)
    if len(set(channels)) != 1:
        raise UserError(f"{source}: conv_dim is {channels}; expected the same number throughout")
    conf = {"frontend_conf": {"fs": 16000, "channels": channels[0]}, "encoder_conf": {}}
    for theirs, (section, ours, default) in _settings(model_type).items():
        conf[section][ours] = config.get(theirs, default)
    frontend = conf["frontend_conf"]
    frontend.setdefault("norm", "layer")
    whole = frontend["norm"] == "layer" if do_normalize is None else do_normalize
    frontend["normalise_wave"] = whole
    samples = 1
    for stride in frontend["strides"]:
        samples *= stride
    return {
        "frontend": "wave_cnn",
        "normalize": None,
        "preencoder": "layer_norm",
        "preencoder_conf": {},
        "frame_samples": samples,
        "encoder": "context_transformer",
    } | conf


def config_from(conf: dict, model_type: str, masks: bool, source: str) -> dict:
    """Their config.json for a conf of ours; `masks`: whether there is a mask embedding.

    Raises:
        UserError: a part or an option that theirs has no counterpart of.
    """
    expected = {
        "frontend": "wave_cnn",
        "normalize": None,
        "preencoder": "layer_norm",
        "encoder": "context_transformer",
    }
    for key, only in expected.items():
        if conf.get(key) != only:
            raise UserError(f"{source}: {key} is {conf.get(key)!r}; {model_type} has {only!r} only")
    given = {
        "frontend_conf": _with_defaults(WaveCNN, conf.get("frontend_conf")),
        "encoder_conf": _with_defaults(ContextTransformer, conf.get("encoder_conf")),
    }
    only_one = {("encoder_conf", "alibi"): "none"}
    if model_type == "data2vec-audio":
        only_one |= {("encoder_conf", "norm_first"): False, ("frontend_conf", "norm"): "layer"}
    else:
        only_one |= {("encoder_conf", "pos_depth"): 1}
    for (section, key), only in only_one.items():
        if given[section][key] != only:
            raise UserError(
                f"{source}: {section}.{key} is {given[section][key]!r}; "
                f"Hugging Face's {model_type} has {only!r} and nothing else"
            )
    config = {
        "architectures": [MODEL_TYPES[model_type]],
        "model_type": model_type,
        "conv_dim": [given["frontend_conf"]["channels"]] * len(given["frontend_conf"]["kernels"]),
        "num_feat_extract_layers": len(given["frontend_conf"]["kernels"]),
        "hidden_act": "gelu",
        "feat_extract_activation": "gelu",
        "layer_norm_eps": 1e-5,
    }
    for theirs, (section, ours, _) in _settings(model_type).items():
        value = given[section][ours]
        config[theirs] = list(value) if isinstance(value, tuple) else value
    if not masks:
        config["mask_time_prob"] = 0.0
    return config


def _with_defaults(cls: type, conf: dict | None) -> dict:
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name: p.default for p in parameters} | (conf or {})


def to_hf(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Ours under their names; what is no part of the network (heads, targets, a teacher, the
    numbers of updates) is left out. Tensors are not copied."""
    named = {}
    for name, tensor in weights.items():
        theirs = _renamed(name, WEIGHTS)
        if theirs is None:
            continue
        if "?" in theirs:
            for which, part in zip("qkv", tensor.chunk(3), strict=True):
                named[theirs.replace("?", which)] = part
        else:
            named[theirs] = tensor
    return named


def from_hf(weights: dict[str, Tensor], source: str) -> tuple[dict[str, Tensor], list[str]]:
    """Theirs under our names, and the names above the network, which are left out.

    Raises:
        UserError: a weight of the network that ours has no place for.
    """
    back = {theirs: ours for ours, theirs in WEIGHTS.items()}
    named: dict[str, Tensor] = {}
    heads, parts = [], {}
    for name, tensor in weights.items():
        below = _below_prefix(name, weights)
        if below is None or not below.startswith(NETWORK):
            heads.append(name)
            continue
        for old, new in OLD_NAMES.items():
            below = below.removesuffix(old) + new if below.endswith(old) else below
        if which := re.search(r"attention\.([qkv])_proj", below):
            joined = below.replace(which[0], "attention.?_proj")
            parts.setdefault(_renamed(joined, back), {})[which[1]] = tensor
            continue
        ours = _renamed(below, back)
        if ours is None:
            raise UserError(f"{source}: weight {name} has no place in our network")
        named[ours] = tensor
    for ours, by_letter in parts.items():
        if missing := [letter for letter in "qkv" if letter not in by_letter]:
            raise UserError(f"{source}: {ours}: {missing[0]}_proj is missing")
        named[ours] = torch.cat([by_letter[letter] for letter in "qkv"])
    return named, heads


def _below_prefix(name: str, weights: dict[str, Tensor]) -> str | None:
    """The name as in a model without a head; None for a head's own."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    has_prefix = any(other.startswith(PREFIXES) for other in weights)
    return None if has_prefix else name


def _renamed(name: str, table: dict[str, str]) -> str | None:
    for stem, other in table.items():
        pattern = re.escape(stem).replace(r"\#", r"(\d+)")
        if match := re.fullmatch(rf"{pattern}(\.weight|\.bias)?", name):
            number, kind = (match[1], match[2]) if "#" in stem else ("", match[1])
            return other.replace("#", number) + (kind or "")
    return None
