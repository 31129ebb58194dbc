"""What an update of every laptop conf costs: the same speech through each, in turn.

CPU seconds of one thread for forward, backward and optimiser, and how many updates of each cost
as much as `--budget_sec`: the budgets of egs2/asterisk/ssl1/learn.sh.

    OMP_NUM_THREADS=1 python test/bench/bench_methods.py [--steps 5] [--budget_sec 300] [CONF …]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from espnet_ext.config import compose, dump
from espnet_ext.tasks.launch import frame_shift_ms, label_sizes
from espnet_ext.tasks.ssl import SSLTask
from espnet_ext.tasks.training.memory import keep_freed_memory

ROOT = Path(__file__).parents[2]
CONFS = ROOT / "egs2/asterisk/ssl1/conf"
METHODS = (
    "wav2vec2 hubert_wave data2vec data2vec2 ehmam w2v2_cfr hubert_random mshubert w2vbert_random"
)
RATE = 16000


class Method:
    """A conf's model and optimiser, and a batch of 20 s: eight utterances of 2.5 s.

    Args:
        changes: of the conf's encoder.
    """

    def __init__(
        self, conf_file: Path, rows: int = 8, sec: float = 2.5, device: str = "cpu", **changes
    ):
        conf, origins = compose(conf_file)
        conf["encoder_conf"] |= changes
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as flat:
            flat.write(dump(conf, origins))
            flat.flush()
            args = SSLTask.get_parser().parse_args(["--config", flat.name, "--output_dir", "-"])
        self.model = SSLTask.build_model(args).to(device).train()
        self.optimiser = torch.optim.AdamW(self.model.parameters(), 1e-4)
        generator = torch.Generator().manual_seed(0)
        samples = int(sec * RATE)
        self.batch = {
            "speech": torch.randn(rows, samples, generator=generator),
            "speech_lengths": torch.full((rows,), samples),
        }
        frames = int(1000 * sec / frame_shift_ms(conf))
        lengths = torch.full((rows,), frames)
        if sizes := label_sizes(conf):
            labels = [torch.randint(n, (rows, frames), generator=generator) for n in sizes]
            self.batch |= {"labels": torch.stack(labels, -1), "labels_lengths": lengths}
        self.batch = {name: values.to(device) for name, values in self.batch.items()}

    def update(self) -> None:
        self.optimiser.zero_grad()
        loss, _, _ = self.model(**self.batch)
        loss.backward()
        self.optimiser.step()
        if hasattr(self.model, "after_update"):
            self.model.after_update()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("confs", nargs="*", default=METHODS.split(), metavar="CONF")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--budget_sec", type=float, default=300)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    methods = {name: Method(CONFS / f"{name}.yaml") for name in given.confs}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(given.steps + 1):  # the first one warms up
        for name, method in methods.items():
            begun = time.process_time()
            method.update()
            seconds[name].append(time.process_time() - begun)
    print(f"{'conf':16s} {'CPU s an update':>16s} {f'updates in {given.budget_sec:g} s':>18s}")
    for name, times in seconds.items():
        cost = statistics.median(times[1:])
        print(f"{name:16s} {cost:16.3f} {given.budget_sec / cost:18.0f}")


if __name__ == "__main__":
    main()
