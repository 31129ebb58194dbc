"""What ESPnet's trainer costs: an epoch in a bare loop against an epoch under the trainer.

The same recogniser on the same batches of the embedded corpus (run its stages 1-3 first), in turn.

    python test/bench/bench_trainer.py [--recipe egs2/asterisk/ssl1] [--conf conf/asr_ctc.yaml]
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from espnet2.train.distributed_utils import DistributedOption

from espnet_ext.config import compose, dump
from espnet_ext.tasks.asr import ASRTask
from espnet_ext.tasks.launch import asr_options
from espnet_ext.tasks.run import train

EPOCHS = 3


def bare_epoch(args) -> tuple[float, float]:
    """Seconds of forward, backward and update; seconds of audio."""
    model = ASRTask.build_model(args).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4)
    batches = list(ASRTask.build_iter_factory(args, DistributedOption(), "train").build_iter(1))
    audio = sum(float(batch["speech_lengths"].sum()) for _, batch in batches) / 16000
    best = float("inf")
    for _ in range(EPOCHS):
        started = time.perf_counter()
        for _, batch in batches:
            model(**{k: v.clone() for k, v in batch.items()})[0].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
        best = min(best, time.perf_counter() - started)
    return best, audio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=Path("egs2/asterisk/ssl1"))
    parser.add_argument("--conf", type=Path, default=Path("conf/asr_ctc.yaml"))
    given = parser.parse_args()
    os.chdir(given.recipe)
    if not Path("dump/train/speech_shape").exists():
        sys.exit(f"{given.recipe}: run ./run.sh --stop_stage 3 first")
    data = [Path(place) for place in ("data/train", "data/dev", "dump")]
    with tempfile.TemporaryDirectory() as name:
        exp = Path(name)
        options = asr_options({}, *data, exp, Path("data/token_list/char"))
        flat = exp / "flat.yaml"
        flat.write_text(dump(*compose(given.conf)))
        options += ["--model_conf", "freeze_updates=0"]  # the whole model's step is what counts
        common = ["--config", str(flat), "--output_dir", str(exp / "bare"), *options]
        bare, audio = bare_epoch(ASRTask.get_parser().parse_args(common))
        train("asr", flat, exp / "run", [*options, "--max_epoch", str(EPOCHS)])
        trained = epoch_seconds(exp / "run")
    print(f"{audio:.0f} s of speech an epoch, best of {EPOCHS}")
    print(f"bare loop      {bare:7.2f} s  {audio / bare:5.0f} x real time")
    print(f"under ESPnet   {trained:7.2f} s  {audio / trained:5.0f} x real time")
    print(f"ratio          {trained / bare:7.2f}")


def epoch_seconds(exp: Path) -> float:
    """Seconds of the quickest epoch's updates, from the reporter's state in the checkpoint."""
    epochs = safe_torch_load(exp / "checkpoint.pth", map_location="cpu")["reporter"]["stats"]
    steps = epochs[1]["train"]["total_count"]
    return steps * min(epoch["train"]["train_time"] for epoch in epochs.values())


if __name__ == "__main__":
    main()
