"""A tiny recipe on five real utterances, and a way to run its trainings."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import yaml

from espnet_ext.config import compose, dump
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import mini_an4
from espnet_ext.data.tokens import train_tokens

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "frontend_conf": {"n_mels": 20},
    "preencoder_conf": {"input_size": 20, "channels": 2, "output_dim": 32},
    "encoder_conf": {"output_size": 32, "num_layers": 2, "heads": 2, "ff_dim": 48, "dropout": 0.1},
    "batch_type": "numel",
    "batch_bins": 90000,  # two batches an epoch
    "valid_batch_bins": 200000,
    "optim": "adamw",
    "optim_conf": {"lr": 0.003},
    "scheduler": "warmuplr",
    "scheduler_conf": {"warmup_steps": 4},
    "max_epoch": 3,
    "keep_nbest_models": 2,
}
SSL = TINY | {
    "crop_sec": 2.0,
    "targets": {"quantiser": {"conf": {"entries": 8, "dim": 16}}},
    "losses": {
        "contrastive": {"layer": 1, "conf": {"dim": 16, "distractors": 5}},
        "diversity": {"layer": 1},
    },
    "best_model_criterion": [["valid", "loss", "min"]],
}
ASR = TINY | {
    "model_conf": {"ctc_weight": 0.5},  # both outputs, so that every search can be tried
    "decoder_conf": {"hidden_size": 16},
    "joint_net_conf": {"joint_space_size": 16},
    "preprocessor_conf": {"speeds": [0.9, 1.0, 1.1]},
}
BLOCKS = {
    "ssl": ["arch/logmel_conformer", "method/w2vbert", "method/mask_confidence", "size/cpu_tiny"],
    "asr": ["arch/logmel_conformer", "finetune/rnnt", "size/cpu_tiny"],
}


class Recipe:
    """Data of mini_an4 with made-up confidences, confs, and trainings that can be killed."""

    def __init__(self, root: Path):
        self.root, self.n_runs = root, 0
        with contextlib.redirect_stdout(io.StringIO()):
            mini_an4.prepare(Path("-"), root / "data")
        train_tokens(root / "data/train/text", root / "token_list", "char")
        (root / "conf").symlink_to(ROOT / "conf")
        for task, own in (("ssl", SSL), ("asr", ASR)):
            (root / f"tiny_{task}.yaml").write_text(yaml.safe_dump(own))
        for name in ("train", "test"):
            speech = SpeechDir(root / "data" / name / "wav.scp")
            samples = {utt: len(speech[utt]) for utt in sorted(speech)}
            out = root / "dump" / name
            out.mkdir(parents=True)
            (out / "speech_shape").write_text("".join(f"{u} {n}\n" for u, n in samples.items()))
            self.write_confidence(name, {utt: n // 640 for utt, n in samples.items()}, 40)
        self.zygote = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def write_confidence(self, name: str, n_frames: dict[str, int], frame_shift_ms: int) -> None:
        rng = np.random.default_rng(0)
        out = self.root / "dump" / name
        kaldiio.save_ark(
            str(out / "confidence.ark"),
            {utt: rng.random(n, dtype=np.float32) for utt, n in n_frames.items()},
            scp=str(out / "confidence.scp"),
        )
        (out / "confidence.frame_shift_ms").write_text(f"{frame_shift_ms}\n")

    def conf(self, task: str, instead: dict | None = None, **changes) -> Path:
        """A flat conf: building blocks, the tiny sizes, then `changes`, merged into them; `instead`
        of what stands there under its keys."""
        blocks = [*BLOCKS[task], f"tiny_{task}"]
        own = {"extends": [f"{block}.yaml" for block in blocks]} | changes
        self.n_runs += 1
        source, flat = (self.root / f"{task}{self.n_runs}{end}.yaml" for end in ("", ".flat"))
        source.write_text(yaml.safe_dump(own))
        flat.write_text(dump(*compose(source)))
        if instead:
            flat.write_text(yaml.safe_dump(yaml.safe_load(flat.read_text()) | instead))
        return flat

    def train(self, task: str, conf: Path, exp: str, *options: str, **job) -> tuple[int, list[str]]:
        """`run` of a training."""
        tokens = ["--token_dir", "token_list"] if task == "asr" else []
        dirs = ["--train_dir", "data/train", "--valid_dir", "data/test"]
        into = ["--config", str(conf), "--output_dir", f"exp/{exp}"]
        return self.run(f"{task}_train", *into, *dirs, *tokens, *options, **job)

    def run(self, command: str, *argv: str, **job) -> tuple[int, list[str]]:
        """Exit status (negative for a signal) and the lines that were printed."""
        log = self.root / "log"
        job |= {"command": command, "log": str(log), "argv": argv}
        self.zygote.stdin.write(json.dumps(job) + "\n")
        self.zygote.stdin.flush()
        status = int(self.zygote.stdout.readline())
        return status, log.read_text(errors="replace").splitlines()


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    recipe = Recipe(tmp_path_factory.mktemp("recipe"))
    yield recipe
    recipe.zygote.stdin.close()
    recipe.zygote.wait(60)
