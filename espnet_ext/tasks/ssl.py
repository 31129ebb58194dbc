"""Pre-training as an ESPnet task: from a flat conf to a model, a data loader and a trainer."""

from __future__ import annotations

import argparse
import inspect

import humanfriendly
from espnet2.tasks.abs_task import AbsTask
from espnet2.tasks.ssl import (
    encoder_choices,
    frontend_choices,
    normalize_choices,
    preencoder_choices,
)
from espnet2.train.class_choices import ClassChoices
from espnet2.train.collate_fn import CommonCollateFn
from espnet2.utils.nested_dict_action import NestedDictAction
from torch import nn

from espnet_ext import registry
from espnet_ext.config import UserError
from espnet_ext.data.preprocess import CropWithConfidence
from espnet_ext.masking.spans import Masker
from espnet_ext.model.ssl import MaskedSpeechModel, Objective
from espnet_ext.tasks.trainer import SafeTrainer

registry.register()
masker_choices = ClassChoices("masker", registry.MASKERS, Masker, default="random")
view_choices = ClassChoices("view", registry.VIEWS, nn.Module, default="one")


class SSLTask(AbsTask):
    """One choice per column of the method table (docs/papers.md)."""

    class_choices_list = [  # noqa: RUF012 (ESPnet's own attribute)
        frontend_choices,
        normalize_choices,
        preencoder_choices,
        masker_choices,
        view_choices,
        encoder_choices,
    ]
    trainer = SafeTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        group = parser.add_argument_group("Pre-training")
        group.add_argument(
            "--targets",
            action=NestedDictAction,
            default={},
            help="what is predicted: {id: {name, conf}}",
        )
        group.add_argument(
            "--losses",
            action=NestedDictAction,
            default={},
            help="what is minimised: {id: {name, target, layer, weight, conf}}; "
            "layers count from 1, 0 is the last",
        )
        group.add_argument(
            "--crop_sec", type=float, default=32.0, help="longest piece of an utterance"
        )
        group.add_argument(
            "--min_sec", type=float, default=0.0, help="shorter utterances are not trained on"
        )
        group.add_argument(
            "--frame_samples", type=int, default=640, help="samples per latent frame"
        )
        for choices in cls.class_choices_list:
            choices.add_arguments(group)

    @classmethod
    def build_collate_fn(cls, args, train):
        return CommonCollateFn(float_pad_value=0.0, int_pad_value=-1)

    @classmethod
    def build_preprocess_fn(cls, args, train):
        return CropWithConfidence(train, args.crop_sec, args.frame_samples, _sample_rate(args))

    @classmethod
    def required_data_names(cls, train=True, inference=False):
        return ("speech",)

    @classmethod
    def optional_data_names(cls, train=True, inference=False):
        return ("confidence",)

    @classmethod
    def build_model(cls, args) -> MaskedSpeechModel:
        """Raises UserError for a value that a constructor refuses."""
        try:
            return cls._assemble(args)
        except ValueError as err:
            raise UserError(f"conf: {err}") from None

    @classmethod
    def _assemble(cls, args) -> MaskedSpeechModel:
        frontend = frontend_choices.get_class(args.frontend)(**args.frontend_conf)
        latent_dim = frontend.output_size()
        normalize = preencoder = None
        if args.normalize is not None:
            normalize = normalize_choices.get_class(args.normalize)(**args.normalize_conf)
        if args.preencoder is not None:
            preencoder_class = preencoder_choices.get_class(args.preencoder)
            preencoder = preencoder_class(**{"input_size": latent_dim} | args.preencoder_conf)
            latent_dim = preencoder.output_size()
        encoder_class = encoder_choices.get_class(args.encoder)
        encoder = encoder_class(input_size=latent_dim, **args.encoder_conf)
        targets = {
            name: _build(registry.TARGETS, entry, input_size=latent_dim)
            for name, entry in args.targets.items()
        }
        return MaskedSpeechModel(
            frontend=frontend,
            normalize=normalize,
            preencoder=preencoder,
            masker=masker_choices.get_class(args.masker)(**args.masker_conf),
            view=view_choices.get_class(args.view)(latent_dim, **args.view_conf),
            encoder=encoder,
            targets=targets,
            objectives=[
                _objective(name, entry, targets, encoder) for name, entry in args.losses.items()
            ],
            frame_shift_ms=1000 * args.frame_samples / _sample_rate(args),
        )


def _sample_rate(args) -> int:
    return humanfriendly.parse_size(str(args.frontend_conf.get("fs", 16000)))


def _build(table: dict[str, type], entry: dict, **given) -> nn.Module:
    if entry["name"] not in table:
        raise UserError(f"conf: {entry['name']!r} is not one of {', '.join(table)}")
    return table[entry["name"]](**given, **entry.get("conf", {}))


def _objective(
    name: str, entry: dict, targets: dict[str, nn.Module], encoder: nn.Module
) -> Objective:
    if entry["target"] not in targets:
        raise UserError(
            f"conf: losses.{name} reads target {entry['target']!r}, which is not under `targets:` "
            f"({', '.join(targets) or 'none'})"
        )
    layer, n_layers = entry.get("layer", 0), len(encoder.layers)
    if not 0 <= layer <= n_layers:
        raise UserError(
            f"conf: losses.{name} looks at layer {layer}; the encoder has 1 to {n_layers}, "
            "0 stands for the last"
        )
    target = targets[entry["target"]]
    given = {"hidden_size": encoder.output_size(), "target_size": target.dim}
    wants = inspect.signature(registry.LOSSES[entry["name"]]).parameters
    given |= {k: getattr(target, k) for k in ("groups", "entries") if k in wants}
    loss = _build(registry.LOSSES, entry, **given)
    return Objective(name, loss, entry["target"], layer, entry.get("weight", 1.0))
