"""From the paths of a recipe to the options of an ESPnet task."""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.tokens import SPACE, unknown_tokens


def ssl_options(
    conf: dict,
    train_dir: Path,
    valid_dir: Path,
    dump_dir: Path,
    output_dir: Path,
    labels: str | None = None,
) -> list[str]:
    """Data options of a pre-training run.

    Confidences are read where the conf's masker or its weight of utterances is `confidence`, the
    labels with the tag `labels` where a target reads labels. The shapes that batches are made by
    are those after cropping, written to `output_dir`: else a long utterance would fill a batch
    alone and then be cut. Training utterances shorter than the conf's `min_sec` are left out, and
    everywhere those of under two latents, of which a front end may make none: how many is printed.

    Raises:
        UserError: a missing file, or a stream at another frame rate than the model's latents.
    """
    streams = _streams(conf, labels)
    options = []
    for split, data_dir in (("train", train_dir), ("valid", valid_dir)):
        shape = _shape(data_dir, dump_dir)
        cropped = output_dir / f"{split}_shape"
        least_sec = conf.get("min_sec", 0.0) if split == "train" else 0.0
        _write_shape(shape, cropped, conf, least_sec, conf.get("crop_sec", 32.0))
        options += _speech(split, data_dir, cropped)
        for name, (stem, mend) in streams.items():
            scp = dump_dir / data_dir.name / f"{stem}.scp"
            _check_frame_shift(scp, name, mend, conf)
            options += [f"--{split}_data_path_and_name_and_type", f"{scp},{name},kaldi_ark"]
    return options


def _streams(conf: dict, labels: str | None) -> dict[str, tuple[str, str]]:
    """Data name of every frame stream that a conf reads -> stem of its file, and how to mend it."""
    streams = {}
    if reads_confidence(conf):
        mend = "train the scorer on the same frames and rerun stage 5"
        streams["confidence"] = ("confidence", mend)
    if label_sizes(conf):
        if labels is None:
            raise UserError(
                "the conf predicts labels; say which: --labels TAG of dump_labels --tag"
            )
        mend = "make them with that --frame_shift_ms, or rerun stage 5"
        streams["labels"] = (f"labels_{labels}", mend)
    return streams


def reads_confidence(conf: dict) -> list[str]:
    """The settings, `key: confidence`, for which a pre-training reads a scorer's confidence."""
    keys = [key for key in ("masker", "utterance_weight") if conf.get(key) == "confidence"]
    return [f"{key}: confidence" for key in keys]


def label_sizes(conf: dict) -> list[int]:
    """Sizes of the label sets that a target of the conf reads from disk; none where none does.

    Raises:
        UserError: two such targets with different sizes: there is one stream of labels.
    """
    found = [
        (entry.get("conf") or {}).get("sizes") or []
        for entry in (conf.get("targets") or {}).values()
        if entry.get("name") == "labels"
    ]
    if any(sizes != found[0] for sizes in found):
        raise UserError(f"conf: targets read labels of different sizes: {found}; give all the same")
    return found[0] if found else []


def frame_shift_ms(conf: dict) -> float:
    """Of the model's latents."""
    return 1000 * conf.get("frame_samples", 640) / _rate(conf)


def has_masks(conf: dict) -> bool:
    """Whether a recogniser's conf hides latents; one of before there were masks does not."""
    return conf.get("masker") is not None or bool(conf.get("channel_masker_conf"))


def asr_options(
    conf: dict,
    train_dir: Path,
    valid_dir: Path,
    dump_dir: Path,
    output_dir: Path,
    token_dir: Path,
    init_exp: Path | None = None,
    init_epoch: int | str | None = None,
) -> list[str]:
    """Data, token and initialisation options of a recogniser's training.

    Utterances of under two latents are left out, and how many is printed.

    Args:
        token_dir: holds `tokens.txt`, and `bpe.model` where the tokens are word pieces.
        init_exp: pre-training experiment whose features, latents, encoder and, where the conf
            hides latents, mask embedding are taken over; those of its last epoch, or `init_epoch`:
            a number, or `best`, by the first `best_model_criterion` of its conf.

    Raises:
        UserError: a missing file, or a text that the tokens do not know.
    """
    tokens = _existing(token_dir / "tokens.txt", "rerun stage 3")
    options = ["--token_list", str(tokens)]
    for split, data_dir in (("train", train_dir), ("valid", valid_dir)):
        shape = output_dir / f"{split}_shape"
        _write_shape(_shape(data_dir, dump_dir), shape, conf)
        options += _speech(split, data_dir, shape)
        text = _existing(data_dir / "text", "rerun stage 1")
        options += [f"--{split}_data_path_and_name_and_type", f"{text},text,text"]
        if unknown := unknown_tokens(text, token_dir):
            print(unknown)
    if (token_dir / "bpe.model").exists():
        options += ["--token_type", "bpe", "--bpemodel", str(token_dir / "bpe.model")]
    else:
        # a list of characters has one for the space; a list of phones, each a word, has none
        spelt = SPACE in tokens.read_text(encoding="utf-8").split()
        options += ["--token_type", "char" if spelt else "word"]
    if init_exp is not None:
        weights = _weights(init_exp, init_epoch)
        # one option with all: of a repeated option only the last would count
        options += ["--init_param", *taken_over(weights, has_masks(conf))]
    return options


def _weights(exp: Path, epoch: int | str | None) -> Path:
    """Of a pre-training's last epoch, its best, or one by its number."""
    name = "latest.pth" if epoch is None else f"{epoch}epoch.pth"
    if epoch == "best":
        config = _existing(exp / "config.yaml", "rerun stage 6").read_text(encoding="utf-8")
        criteria = yaml.safe_load(config).get("best_model_criterion")
        if not criteria:  # one that was converted, say
            raise UserError(f"{exp}/config.yaml: has no best_model_criterion; leave `best` out")
        phase, key, _ = criteria[0]
        best = _existing(exp / f"{phase}.{key}.best.pth", "rerun stage 6")
        # by the epoch's own name: what the link says may change
        name = best.readlink().name if best.is_symlink() else best.name
    return _existing(exp / name, "rerun stage 6")


def taken_over(weights: Path, masks: bool = False) -> list[str]:
    """The parts of a pre-trained model that a recogniser starts from, as ESPnet wants them said.

    Args:
        masks: the mask embedding, too. A view without one (data2vec 2.0) leaves it at zero.
    """
    parts = [f"{weights}:{part}:{part}" for part in ("frontend", "preencoder", "encoder")]
    return [*parts, f"{weights}:view:masks:view.decoder"] if masks else parts


def _shape(data_dir: Path, dump_dir: Path) -> Path:
    return _existing(dump_dir / data_dir.name / "speech_shape", "rerun stage 2")


def _write_shape(
    shape: Path, out: Path, conf: dict, least_sec: float = 0.0, most_sec: float = math.inf
) -> None:
    """What batches are made by: at most `most_sec` of each utterance, none of under two latents."""
    kept = short = 0
    rate, least_sec = _rate(conf), max(least_sec, 2 * frame_shift_ms(conf) / 1000)
    with shape.open(encoding="utf-8") as lines, atomic_write(out) as handle:
        for line in lines:
            utt, samples = line.split()
            if int(samples) < least_sec * rate:
                short += 1
                continue
            kept += 1
            handle.write(f"{utt} {int(min(int(samples), most_sec * rate))}\n")
    if not kept:
        mend = "; lower `min_sec` in the conf" if "min_sec" in conf else ", that is two latents"
        raise UserError(f"{shape}: no utterance has {least_sec:g} s{mend}")
    if short:
        print(f"{shape}: {short} of {kept + short} utterances under {least_sec} s are left out")


def _rate(conf: dict) -> int:
    return int(conf.get("frontend_conf", {}).get("fs", 16000))


def _speech(split: str, data_dir: Path, shape: Path) -> list[str]:
    scp = _existing(data_dir / "wav.scp", "rerun stage 1")
    return [
        *(f"--{split}_data_path_and_name_and_type", f"{scp},speech,speech_dir"),
        *(f"--{split}_shape_file", str(shape)),
    ]


def _existing(path: Path, mend: str) -> Path:
    if not path.exists():
        raise UserError(f"{path}: missing; {mend}")
    return path


def _check_frame_shift(scp: Path, name: str, mend: str, conf: dict) -> None:
    instead = ""
    if name == "confidence":
        instead = f", or do without `{'` and `'.join(reads_confidence(conf))}`"
    _existing(scp, f"rerun stage 5{instead}")
    stated = _existing(scp.with_suffix(".frame_shift_ms"), "rerun stage 5")
    stream_ms, model_ms = float(stated.read_text()), frame_shift_ms(conf)
    if abs(stream_ms - model_ms) > 1e-6:
        raise UserError(
            f"{scp}: one {name.removesuffix('s')} every {stream_ms:g} ms, but the model has a "
            f"latent every {model_ms:g} ms; {mend}"
        )


def read_flat(path: Path) -> dict:
    """A composed conf (`compose_config` writes it)."""
    _existing(path, "compose it first: python -m espnet_ext.bin.compose_config CONF --out FILE")
    conf = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "extends" in conf:
        raise UserError(f"{path}: not flat; run compose_config on it and pass its output")
    return conf
