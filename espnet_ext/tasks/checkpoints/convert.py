"""Pre-trained models to Hugging Face's directory layout and from it.

Theirs: config.json, model.safetensors, preprocessor_config.json. Ours: config.yaml, latest.pth.
Weights only, both ways: no code in a file is run.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from espnet_ext.config import UserError, atomic_write
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.tasks.checkpoints.hf_layout import (
    MODEL_TYPES,
    conf_from,
    config_from,
    from_hf,
    to_hf,
)

CONFIG, SAFE, PICKLE = "config.json", "model.safetensors", "pytorch_model.bin"
PREPROCESSOR = "preprocessor_config.json"


def from_hugging_face(source: str, out: Path) -> None:
    """Make a pre-training experiment `out` of a directory, or of a model of the hub.

    It has no targets and no losses: fine-tuning and clustering of its layers may begin with it.

    Raises:
        UserError: a file that is missing or no checkpoint; an option or a weight that our network
            has no place for.
    """
    given = Path(source) if Path(source).is_dir() else _download(source)
    config = _read_json(given / CONFIG)
    normalise = None
    if (given / PREPROCESSOR).exists():
        normalise = _read_json(given / PREPROCESSOR).get("do_normalize")
    conf = conf_from(config, normalise, f"{given / CONFIG}")
    file, weights = _read_weights(given)
    state, heads = from_hf(weights, str(file))
    state = {name: tensor.float() for name, tensor in state.items()}
    width = conf["encoder_conf"]["output_size"]
    state.setdefault("view.mask_embedding_D", torch.zeros(width))
    _check_weights(conf, state, str(file))
    conf |= {
        "masker": "random",
        "masker_conf": {"span": 10, "start_prob": 0.065},
        "view": "one",
        "view_conf": {},
        "teacher": None,
        "teacher_conf": {},
        "targets": {},
        "losses": {},
        "total_updates": 1,
    }
    with atomic_write(out / "latest.pth", "wb") as handle:
        torch.save(state | {"updates": torch.zeros(())}, handle)
    with atomic_write(out / CONFIG) as handle:  # which of their models it was
        json.dump(config, handle, indent=2)
    with atomic_write(out / "config.yaml") as handle:  # last: whoever finds it finds all
        yaml.safe_dump(conf, handle, sort_keys=False)
    if heads:
        above = ", ".join(sorted({name.split(".")[0] for name in heads}))
        print(f"{file}: left out, as fine-tuning starts anew above the network: {above}")
    print(f"{out}: {_millions(state)} M parameters; use it with run.sh --ssl_exp {out}")


def to_hugging_face(exp: Path, out: Path, model_type: str | None = None) -> None:
    """Write a pre-training experiment as a directory that transformers' from_pretrained reads.

    Args:
        model_type: one of MODEL_TYPES. None: what the experiment was converted from, else what its
            conf is nearest to.

    Raises:
        UserError: a file that is missing; a network that transformers has no counterpart of.
    """
    conf_file, weights_file = exp / "config.yaml", exp / "latest.pth"
    for file in (conf_file, weights_file):
        if not file.exists():
            raise UserError(f"{file}: missing; this pre-training is not finished")
    conf = yaml.safe_load(conf_file.read_text(encoding="utf-8"))
    source = _read_json(exp / CONFIG) if (exp / CONFIG).exists() else {}
    model_type = model_type or source.get("model_type") or _nearest_type(conf)
    named = to_hf(_load(weights_file))
    config = config_from(conf, model_type, "masked_spec_embed" in named, str(conf_file))
    normalise = conf["frontend_conf"].get("normalise_wave", False)
    preprocessor = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": normalise,
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 0.0,
        # padding reaches group norm's statistics there: those models are used without a mask
        "return_attention_mask": conf["frontend_conf"].get("norm", "group") == "layer",
        "sampling_rate": 16000,
    }
    with atomic_write(out / SAFE, "wb") as handle:
        handle.write(
            save({name: t.clone().contiguous() for name, t in named.items()}, {"format": "pt"})
        )
    for name, content in ((PREPROCESSOR, preprocessor), (CONFIG, config)):
        with atomic_write(out / name) as handle:
            json.dump(content, handle, indent=2)
    print(f"{out}: {_millions(named)} M parameters; transformers.{MODEL_TYPES[model_type]}")


def _nearest_type(conf: dict) -> str:
    if conf.get("encoder_conf", {}).get("pos_depth", 1) > 1:
        return "data2vec-audio"
    named = {entry.get("name") for entry in (conf.get("targets") or {}).values()}
    return "hubert" if "labels" in named else "wav2vec2"


def _check_weights(conf: dict, state: dict[str, Tensor], source: str) -> None:
    """Every weight of the network is there, in its shape."""
    with torch.device("meta"):
        frontend = WaveCNN(**conf["frontend_conf"])
        preencoder = LatentNorm(frontend.output_size())
        encoder = ContextTransformer(preencoder.output_size(), **conf["encoder_conf"])
    parts = {"frontend": frontend, "preencoder": preencoder, "encoder": encoder}
    expected = {
        f"{part}.{name}": tensor.shape
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    } | {"view.mask_embedding_D": torch.Size([encoder.output_size()])}
    for name in expected.keys() ^ state.keys():
        found = "no weight" if name in expected else "a weight that config.json does not speak of:"
        raise UserError(f"{source}: {found} {next(iter(to_hf({name: torch.zeros(3)})))}")
    for name, shape in expected.items():
        if state[name].shape != shape:
            raise UserError(
                f"{source}: {name} has shape {tuple(state[name].shape)}; expected {tuple(shape)}"
            )


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: missing; expected a model of transformers there") from None
    except json.JSONDecodeError as err:
        raise UserError(f"{path}: not valid json ({err})") from None


def _read_weights(given: Path) -> tuple[Path, dict[str, Tensor]]:
    if (given / SAFE).exists():
        try:
            return given / SAFE, load_file(given / SAFE)
        except SafetensorError as err:
            raise UserError(f"{given / SAFE}: not readable ({err})") from None
    if (given / PICKLE).exists():
        return given / PICKLE, _load(given / PICKLE)
    raise UserError(f"{given}: neither {SAFE} nor {PICKLE}; a model in several files is not read")


def _load(path: Path) -> dict[str, Tensor]:
    """Tensors of a pickle, and nothing else."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        raise UserError(
            f"{path}: not a file of weights alone; it may be broken, or hold code, which is not run"
        ) from None


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    files = [CONFIG, PREPROCESSOR]
    try:
        given = Path(snapshot_download(name, allow_patterns=[*files, SAFE]))
        if not (given / SAFE).exists():
            given = Path(snapshot_download(name, allow_patterns=[*files, PICKLE]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as err:
        raise UserError(
            f"{name}: no such directory, and not to be had from the hub ({type(err).__name__}); "
            "expected a directory, or a name such as facebook/wav2vec2-base and a network"
        ) from None
    return given


def _millions(state: dict[str, Tensor]) -> str:
    return f"{sum(tensor.numel() for tensor in state.values()) / 1e6:.1f}"
