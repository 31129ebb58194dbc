"""Fine-tuning and scorer training: ESPnet's recognition task with our model and trainer."""

from __future__ import annotations

import argparse

import espnet2.tasks.asr

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
