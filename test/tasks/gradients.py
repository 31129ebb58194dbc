"""The gradient of one update as the trainer's own loop makes it; run by zygote.py, alone or as one
of several processes.

Masks and labels belong to the utterance, so that it is the same however it is batched.
"""

import sys
from pathlib import Path

import torch
import yaml
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import SubReporter
from espnet2.train.trainer import Trainer

from espnet_ext.masking.spans import Masker
from espnet_ext.tasks.ssl import SSLTask, masker_choices
from espnet_ext.tasks.training.accumulation import as_vectors
from espnet_ext.tasks.training.trainer import SafeTrainer

N_FRAMES = [50, 31, 44, 25, 37, 50, 28, 19]  # of 40 ms
SHARES = [0.1, 0.8, 0.3, 0.6, 0.2, 0.15, 0.7, 0.1]  # of them masked


class GivenMask(Masker):
    """Masks what comes as `confidence`."""

    def __init__(self):
        super().__init__(fraction=0.9)

    def forward(self, lengths_B, max_length, *, confidence_BT, **kwargs):
        return confidence_BT > 0.5


def batch(utts: list[int]) -> tuple[list[str], dict[str, torch.Tensor]]:
    """Padded to the longest of these utterances alone."""
    rows = {"speech": [], "confidence": [], "labels": []}
    for utt in utts:
        generator = torch.Generator().manual_seed(utt)
        rows["speech"].append(torch.randn(640 * N_FRAMES[utt], generator=generator))
        uniform_T = torch.rand(N_FRAMES[utt], generator=generator)
        rows["confidence"].append((uniform_T < SHARES[utt]).float())
        rows["labels"].append(torch.randint(5, (N_FRAMES[utt], 1), generator=generator))
    fillers = {"speech": 0.0, "confidence": 0.0, "labels": -1}
    padded = {
        name: torch.nn.utils.rnn.pad_sequence(x, batch_first=True, padding_value=fillers[name])
        for name, x in rows.items()
    }
    lengths = {f"{name}_lengths": torch.tensor([len(row) for row in x]) for name, x in rows.items()}
    return [str(utt) for utt in utts], padded | lengths


def main() -> None:
    """argv: a yaml with trainer (ours or ESPnet's), batches[rank][micro-batch] = utterances, scale
    (of mixed precision's loss, or null), options, rendezvous and out.

    ESPnet's own mixed precision is for CUDA alone, so bfloat16 is laid around the whole loop."""
    job = yaml.safe_load(Path(sys.argv[1]).read_text())
    masker_choices.classes["given"] = GivenMask
    distributed = DistributedOption(
        distributed=len(job["batches"]) > 1,
        dist_backend="gloo",
        dist_init_method=f"file://{job['rendezvous']}",
    )
    distributed.init_options()
    distributed.init_torch_distributed()
    rank = distributed.dist_rank or 0
    batches = job["batches"][rank]
    accum = ["--accum_grad", str(len(batches))]
    args = SSLTask.get_parser().parse_args([*job["options"], *accum, "--output_dir", job["out"]])
    torch.manual_seed(0)
    model = SSLTask.build_model(args)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    looped = model
    if distributed.distributed:  # as the trainer's `run` does
        model.register_forward_hook(as_vectors)
        looped = torch.nn.parallel.DistributedDataParallel(model)
    gradient = {}
    optimizer.register_step_pre_hook(
        lambda *_: gradient.update({n: p.grad.clone() for n, p in model.named_parameters()})
    )
    scaler = torch.amp.GradScaler("cpu", init_scale=job["scale"]) if job["scale"] else None
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=scaler is not None):
        {"ours": SafeTrainer, "espnet": Trainer}[job["trainer"]].train_one_epoch(
            model=looped,
            iterator=[batch(utts) for utts in batches],
            optimizers=[optimizer],
            schedulers=[None],
            scaler=scaler,
            reporter=SubReporter("train", 1, 0),
            summary_writer=None,
            options=SafeTrainer.build_options(args),
            distributed_option=distributed,
        )
    if rank == 0:
        torch.save(gradient, job["out"])
