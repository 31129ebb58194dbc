"""A recipe as it looks after its stages: tiny checkpoints, hand-written scores, real markers."""

import json
from pathlib import Path

import pytest
import torch
import yaml

CONFIG = {"seed": 0, "ngpu": 0, "accum_grad": 2, "init_param": [], "token_list": ["a", "b"]}
WER = """\
%WER 40.00 [ 4 / 10, 1 ins, 1 del, 2 sub ]
%SER 66.67 [ 2 / 3 ]
# 95% bootstrap interval [ 10.00, 70.00 ], 10000 resamples of utterances, seed 1
"""
PER_UTT = """\
u1 ref a b c d
u1 hyp a b x x
u1 #csid 2 2 0 0
u2 #csid 4 0 0 0
u3 #csid 1 0 1 1
"""


class Recipe:
    """Writes experiments below a folder."""

    def __init__(self, root: Path):
        self.root = root

    def training(self, name: str, stage: str, conf: str, epochs: int = 4, **config) -> Path:
        path = self.root / "exp" / name
        path.mkdir(parents=True)
        (path / "config.yaml").write_text(yaml.safe_dump(CONFIG | config))
        stats = {
            epoch: {
                "train": {"loss": 10.0 - epoch, "masked_acc": 0.1, "total_count": 20 * epoch},
                "valid": {"loss": float("nan") if epoch == 1 else 11.0 - epoch, "total_count": 1},
            }
            for epoch in range(1, epochs + 1)
        }
        model = torch.nn.Linear(3, 2)  # 8 parameters
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(3)).sum().backward()
        optimizer.step()
        torch.save(
            {
                "reporter": {"epoch": epochs, "stats": stats},
                "optimizers": [optimizer.state_dict()],
            },
            path / "checkpoint.pth",
        )
        self.marker(path, stage, confs={f"conf/{conf}.yaml optim": '"adam"'}, seconds=75.4)
        return path

    def marker(self, home: Path, stage: str, **note) -> None:
        (home / ".done").mkdir(parents=True, exist_ok=True)
        note = {"stage": 1, "name": stage, "attempts": 1, "machine": "x86_64, 2 cores"} | note
        (home / ".done" / f"{stage}.json").write_text(json.dumps(note))

    def score(self, asr: Path, test_set: str = "test", wer: str = WER) -> Path:
        folder = asr / "decode_greedy" / test_set / "score_wer"
        folder.mkdir(parents=True)
        (folder / "wer").write_text(wer)
        (folder / "per_utt").write_text(PER_UTT)
        return folder


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    """Two seeds from scratch, and one recogniser from epoch 2 of a guided pre-training."""
    made = Recipe(tmp_path)
    made.training("scorer_ctc", "scorer", "ctc")
    data = [["dump/unlabelled/confidence.scp", "confidence", "kaldi_ark"]]
    made.training(
        "ssl_atm",
        "pretrain",
        "atm",
        seed=7,
        masker="confidence",
        train_data_path_and_name_and_type=data,
    )
    made.marker(
        tmp_path / "dump/unlabelled",
        "confidence",
        inputs={"exp/scorer_ctc/config.yaml": "f00"},
        seconds=3723,
        attempts=2,
    )
    for seed in (1, 2):
        name = f"asr_rnnt_scratch_seed{seed}"
        made.score(made.training(name, "finetune", "rnnt", seed=seed, **frozen_for(0)))
    weights = [f"exp/ssl_atm@2ep/latest.pth:{part}:{part}" for part in ("preencoder", "encoder")]
    start = {"init_param": weights} | frozen_for(150)
    made.score(made.training("asr_rnnt_atm@2ep_seed1", "finetune", "rnnt", seed=1, **start))
    return made


def frozen_for(updates: int) -> dict:
    """From scratch nothing is frozen: the one setting in which runs of a comparison differ."""
    return {"model_conf": {"freeze_updates": updates}}
