"""Fine-tuning and scorer training: ESPnet's recognition task with our model and trainer."""

from __future__ import annotations

import argparse
import inspect

import espnet2.tasks.asr
from espnet2.tasks.asr import frontend_choices, preencoder_choices

from espnet_ext import registry
from espnet_ext.tasks.trainer import SafeTrainer

registry.register()


class ASRTask(espnet2.tasks.asr.ASRTask):
    """ESPnet's task; confs choose `model: recogniser` and our encoders by name."""

    trainer = SafeTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        super().add_task_arguments(parser)
        parser.add_argument(
            "--frame_samples",
            type=int,
            default=640,
            help="samples per latent frame: conf/arch states it, only pre-training reads it",
        )

    @classmethod
    def build_model(cls, args: argparse.Namespace):
        """ESPnet's; a pre-encoder that asks for `input_size` is told, as pre-training does."""
        if args.preencoder is not None and args.frontend is not None:
            preencoder = preencoder_choices.get_class(args.preencoder)
            if "input_size" in inspect.signature(preencoder).parameters:
                frontend = frontend_choices.get_class(args.frontend)(**args.frontend_conf)
                own = {"input_size": frontend.output_size()}
                args.preencoder_conf = own | (args.preencoder_conf or {})
        return super().build_model(args)
