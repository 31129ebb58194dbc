"""Fine-tuning and scorer training: ESPnet's recognition task with our model and trainer."""

from __future__ import annotations

import argparse
import inspect

import espnet2.tasks.asr
from espnet2.tasks.asr import frontend_choices, preencoder_choices
from espnet2.train.class_choices import ClassChoices
from espnet2.train.reporter import WeightedAverage
from espnet2.utils.nested_dict_action import NestedDictAction

from espnet_ext import registry
from espnet_ext.config import UserError
from espnet_ext.masking.channel import TimeChannelMask
from espnet_ext.masking.spans import Masker
from espnet_ext.model.asr import Recogniser
from espnet_ext.score.wer import word_errors
from espnet_ext.tasks.launch import has_masks
from espnet_ext.tasks.training.trainer import SafeTrainer

registry.register()
masker_choices = ClassChoices("masker", registry.MASKERS, Masker, default=None, optional=True)


class RecogniserTrainer(SafeTrainer):
    """A validation's `wer`: all errors over all words, not a mean over batches."""

    @classmethod
    def validate_one_epoch(cls, *, reporter, **kwargs) -> None:
        super().validate_one_epoch(reporter=reporter, **kwargs)
        if "words" not in reporter.stats:
            return
        errors, words = (
            sum(batch.value * batch.weight for batch in reporter.stats.pop(name))
            for name in ("word_errors", "words")
        )
        reporter.stats["wer"] = [WeightedAverage(errors / max(words, 1), 1.0)] * reporter.count


class ASRTask(espnet2.tasks.asr.ASRTask):
    """ESPnet's task; confs choose `model: recogniser`, our encoders and maskers by name."""

    class_choices_list = [  # noqa: RUF012 (ESPnet's own attribute)
        *espnet2.tasks.asr.ASRTask.class_choices_list,
        masker_choices,
    ]
    trainer = RecogniserTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        super().add_task_arguments(parser)
        parser.add_argument(
            "--frame_samples",
            type=int,
            default=640,
            help="samples per latent frame: conf/arch states it, only pre-training reads it",
        )
        parser.add_argument(
            "--channel_masker_conf",
            action=NestedDictAction,
            default={},
            help="spans of channels to hide in training: {start_prob, span}",
        )

    @classmethod
    def build_model(cls, args: argparse.Namespace):
        """ESPnet's, with the masks that the conf names. A pre-encoder that asks for `input_size` is
        told, as pre-training does. Errors are counted where `best_model_criterion` has `wer`.

        Raises:
            UserError: masks that a constructor refuses; masks or `wer` for another model than ours.
        """
        if args.preencoder is not None and args.frontend is not None:
            preencoder = preencoder_choices.get_class(args.preencoder)
            if "input_size" in inspect.signature(preencoder).parameters:
                frontend = frontend_choices.get_class(args.frontend)(**args.frontend_conf)
                own = {"input_size": frontend.output_size()}
                args.preencoder_conf = own | (args.preencoder_conf or {})
        model = super().build_model(args)
        if has_masks(vars(args)):
            if not isinstance(model, Recogniser):
                raise UserError(f"conf: model {args.model} takes no masks; choose recogniser")
            try:
                model.masks = _masks(args, model.encoder.output_size())
            except ValueError as err:
                raise UserError(f"conf: {err}") from None
        criteria = [(phase, key) for phase, key, _ in args.best_model_criterion]
        if ("valid", "wer") in criteria:
            if ("valid", "loss") not in criteria or not isinstance(model, Recogniser):
                raise UserError(
                    "conf: best_model_criterion: [valid, wer, min] needs model: recogniser, and "
                    "[valid, loss, min] after it: the recipes look for that average, too"
                )
            model.count_errors = word_errors
        return model


def _masks(args: argparse.Namespace, hidden_size: int) -> TimeChannelMask:
    masker = None
    if args.masker is not None:
        masker = masker_choices.get_class(args.masker)(**args.masker_conf)
    return TimeChannelMask(hidden_size, masker, **args.channel_masker_conf)
