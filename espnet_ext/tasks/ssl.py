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
from espnet_ext.data.preprocess import CropStreams
from espnet_ext.encoder.views import View
from espnet_ext.masking.spans import Masker
from espnet_ext.model.ssl import UTTERANCE_WEIGHTS, MaskedSpeechModel, Objective
from espnet_ext.tasks.launch import label_sizes
from espnet_ext.tasks.training.trainer import SafeTrainer

registry.register()
masker_choices = ClassChoices("masker", registry.MASKERS, Masker, default="random")
view_choices = ClassChoices("view", registry.VIEWS, View, default="one")
teacher_choices = ClassChoices("teacher", registry.TEACHERS, nn.Module, default=None, optional=True)


class SSLTask(AbsTask):
    """One choice per column of the method table (docs/papers.md)."""

    class_choices_list = [  # noqa: RUF012 (ESPnet's own attribute)
        frontend_choices,
        normalize_choices,
        preencoder_choices,
        masker_choices,
        view_choices,
        encoder_choices,
        teacher_choices,
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
        group.add_argument(
            "--total_updates", type=int, default=400000, help="by which progress is counted"
        )
        group.add_argument(
            "--utterance_weight",
            default="none",
            choices=UTTERANCE_WEIGHTS,
            help="what an utterance's loss counts: the same, or the scorer's mean confidence",
        )
        for choices in cls.class_choices_list:
            choices.add_arguments(group)

    @classmethod
    def build_collate_fn(cls, args, train):
        return CommonCollateFn(float_pad_value=0.0, int_pad_value=-1)

    @classmethod
    def build_preprocess_fn(cls, args, train):
        split = "train" if train else "valid"
        given = getattr(args, f"{split}_data_path_and_name_and_type")
        files = {name: path for path, name, _ in given}
        sizes = label_sizes(vars(args))
        return CropStreams(
            train, args.crop_sec, args.frame_samples, _sample_rate(args), sizes, files
        )

    @classmethod
    def required_data_names(cls, train=True, inference=False):
        return ("speech",)

    @classmethod
    def optional_data_names(cls, train=True, inference=False):
        return ("confidence", "labels")

    @classmethod
    def build_optimizers(cls, args, model):
        """ESPnet's. With `exclude_weight_decay: true` it spares what it knows, norms and what is
        called bias; here all vectors (as data2vec 2.0's public code does)."""
        for parameter in model.parameters():
            if parameter.dim() < 2:
                parameter._no_weight_decay = True
        return super().build_optimizers(args, model)

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
        masker = masker_choices.get_class(args.masker)(**args.masker_conf)
        view = view_choices.get_class(args.view)(encoder.output_size(), **args.view_conf)
        sizes = {
            "input_size": latent_dim,
            "hidden_size": encoder.output_size(),
            "feature_size": frontend.output_size(),
        }
        targets = {
            name: _build(registry.TARGETS, entry, sizes) for name, entry in args.targets.items()
        }
        objectives: list[Objective] = []
        for name, entry in args.losses.items():
            objectives.append(_objective(name, entry, targets, objectives, encoder, view))
        return MaskedSpeechModel(
            frontend=frontend,
            normalize=normalize,
            preencoder=preencoder,
            masker=masker,
            view=view,
            encoder=encoder,
            targets=targets,
            objectives=objectives,
            frame_shift_ms=1000 * args.frame_samples / _sample_rate(args),
            teacher=_teacher(args, encoder, masker, targets, objectives),
            total_updates=args.total_updates,
            # a training of before there were weights has no word of them in its config
            utterance_weight=getattr(args, "utterance_weight", "none"),
        )


def _sample_rate(args) -> int:
    return humanfriendly.parse_size(str(args.frontend_conf.get("fs", 16000)))


def _build(table: dict[str, type], entry: dict, given: dict[str, int]) -> nn.Module:
    """The class that `entry` names, with its conf and what it wants of the given sizes."""
    if entry["name"] not in table:
        raise UserError(f"conf: {entry['name']!r} is not one of {', '.join(table)}")
    wants = inspect.signature(table[entry["name"]]).parameters
    sizes = {name: size for name, size in given.items() if name in wants}
    return table[entry["name"]](**(sizes | entry.get("conf", {})))


def _objective(
    name: str,
    entry: dict,
    targets: dict[str, nn.Module],
    before: list[Objective],
    encoder: nn.Module,
    view: View,
) -> Objective:
    earlier = [objective.name for objective in before]
    if name in targets:
        raise UserError(f"conf: losses.{name} has the name of a target; rename one of them")
    if entry["target"] not in [*targets, *earlier]:
        raise UserError(
            f"conf: losses.{name} reads target {entry['target']!r}, which is neither under "
            f"`targets:` ({', '.join(targets) or 'none'}) nor a loss before it "
            f"({', '.join(earlier) or 'none'})"
        )
    layer, n_layers = entry.get("layer", 0), view.n_layers(encoder)
    for one in layer if isinstance(layer, list) else [layer]:
        if one not in range(n_layers + 1):
            raise UserError(
                f"conf: losses.{name} looks at layer {one}; there are 1 to {n_layers}, "
                "0 stands for the last"
            )
    given = {"hidden_size": encoder.output_size()}
    if entry["target"] in targets:
        target = targets[entry["target"]]
        given["target_size"] = target.dim
        given |= {k: getattr(target, k) for k in ("groups", "entries") if hasattr(target, k)}
    loss = _build(registry.LOSSES, entry, given)
    if isinstance(layer, list) and not getattr(loss, "reads_layers", False):
        raise UserError(f"conf: losses.{name} looks at one layer, not at {layer}")
    return Objective(name, loss, entry["target"], layer, entry.get("weight", 1.0))


def _teacher(
    args,
    encoder: nn.Module,
    masker: Masker,
    targets: dict[str, nn.Module],
    objectives: list[Objective],
) -> nn.Module | None:
    """The teacher that the conf names, with the loss predictor that an objective trains."""
    predictors = [o.loss.predictor for o in objectives if hasattr(o.loss, "predictor")]
    if args.teacher is None:
        for name, target in targets.items():
            if getattr(target, "needs_teacher", False):
                raise UserError(f"conf: targets.{name} reads a teacher; add `teacher: ema`")
        if "predicted_loss" in masker.needs:
            raise UserError(f"conf: masker {args.masker} reads a teacher; add `teacher: ema`")
        return None
    if "predicted_loss" in masker.needs and not predictors:
        raise UserError(f"conf: masker {args.masker} wants a loss that is predicted: add `ranking`")
    teacher_class = teacher_choices.get_class(args.teacher)
    return teacher_class(encoder, predictors[0] if predictors else None, **args.teacher_conf)
