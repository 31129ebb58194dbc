"""Run an ESPnet task in this process."""

from __future__ import annotations

from pathlib import Path

from espnet_ext.analysis import provenance
from espnet_ext.tasks.asr import ASRTask
from espnet_ext.tasks.check import check_conf
from espnet_ext.tasks.launch import read_flat
from espnet_ext.tasks.lm import LMTask
from espnet_ext.tasks.ssl import SSLTask
from espnet_ext.tasks.training.children import faults_of_children
from espnet_ext.tasks.training.memory import keep_freed_memory

TASKS = {"ssl": SSLTask, "asr": ASRTask, "lm": LMTask}


def train(task: str, config: Path, output_dir: Path, options: list[str]) -> None:
    """Train, or resume what a killed run left in `output_dir`.

    Args:
        task: `ssl`, `asr` or `lm`. config: flat conf. options: further ESPnet options.

    Raises:
        UserError: a key of the conf that nothing reads, a checkpoint that cannot be written, or a
            training that no longer learns; also where it ran in processes that ESPnet spawned.
    """
    check_conf(read_flat(config), task, str(config))
    provenance.record(output_dir)
    keep_freed_memory()
    own = ["--config", str(config), "--output_dir", str(output_dir), "--resume", "true"]
    with faults_of_children():
        TASKS[task].main(cmd=[*own, *options])
