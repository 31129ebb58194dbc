"""Throughput and model FLOPs utilisation (MFU) of a pre-training: wav2vec 2.0 BASE and LARGE.

An update (forward, backward, optimiser) of a published conf on random speech, at the crop and the
batch that the conf gives one of eight devices, in turn with a large matrix product of the same
precision: the MFU is the update's floating point operations, as torch counts them, over what that
product's rate would do in the same time. No layer is dropped, so that all updates do the same.

    python test/bench/bench_throughput.py                      on a GPU, in bfloat16
    python test/bench/bench_throughput.py --peak_tflops 989    over the data sheet's rate as well
    python test/bench/bench_throughput.py --rows 2 --seconds 4 --confs wav2vec2_base ehmam_base

`--confs` takes what pre-trains on the wave in egs2/librispeech/ssl1/conf. Not run on a GPU here.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from bench_methods import RATE, Method
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from espnet_ext.config import compose
from espnet_ext.tasks.training.memory import keep_freed_memory

CONFS = Path(__file__).parents[2] / "egs2/librispeech/ssl1/conf"
DEVICES = 8  # of the confs' batches
WARM_UP = 2  # updates


def seconds(run: Callable[[], object], device: str) -> float:
    """Wall seconds, all of the device's work done."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    begun = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - begun


class Product:
    """A square matrix product, the peer."""

    def __init__(self, device: str, dtype: torch.dtype):
        size = 8192 if device == "cuda" else 2048
        self.a_MM, self.b_MM = (torch.randn(size, size, device=device, dtype=dtype) for _ in "ab")
        self.flops = 2 * size**3

    def __call__(self) -> torch.Tensor:
        return self.a_MM @ self.b_MM


def convolution_backward(grad_shape, input_shape, weight_shape, *more, **_) -> int:
    """FLOPs: as many as forward for each gradient that is asked for. torch's own formula takes the
    weights' gradient of a convolution in groups for that of one without."""
    _, _, _, _, _, _, _, asked, *_ = more  # bias, stride, …, groups, output_mask
    forward = 2 * math.prod(grad_shape) * math.prod(weight_shape[1:])
    return forward * sum(asked[:2])


def count(update: Callable[[], None]) -> int:
    """FLOPs of an update. Attention is counted as products: its kernels for CPUs are not known to
    the counter."""
    formulas = {torch.ops.aten.convolution_backward: convolution_backward}
    counter = FlopCounterMode(display=False, custom_mapping=formulas)
    with counter, sdpa_kernel(SDPBackend.MATH):
        update()
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    gpu = torch.cuda.is_available()
    parser.add_argument("--confs", nargs="+", default=["wav2vec2_base", "wav2vec2_large"])
    parser.add_argument(
        "--rows", type=int, help="utterances; default: what the conf gives a GPU, 1 on a CPU"
    )
    parser.add_argument("--seconds", type=float, help="of each; default: the conf's crop")
    parser.add_argument("--steps", type=int, default=20 if gpu else 3)
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--dtype", default="bfloat16" if gpu else "float32")
    parser.add_argument("--peak_tflops", type=float, help="of the device, from its data sheet")
    given = parser.parse_args()
    keep_freed_memory()
    dtype = getattr(torch, given.dtype)
    product = Product(given.device, dtype)
    print(f"{given.device}, {given.dtype}, median of {given.steps}")
    print(
        f"{'conf':16s}{'batch':>12s}{'s an update':>12s}{'x real time':>12s}{'TFLOP':>8s}"
        f"{'TFLOP/s':>9s}{'product':>9s}{'MFU':>7s}{'of peak':>9s}{'GiB':>7s}"
    )
    for name in given.confs:
        conf, _ = compose(CONFS / f"{name}.yaml")
        sec = given.seconds or conf["crop_sec"]
        fitting = int(conf["batch_bins"] / DEVICES / (sec * RATE)) if given.device == "cuda" else 1
        rows = given.rows or max(1, fitting)
        method = Method(CONFS / f"{name}.yaml", rows, sec, given.device, layer_drop=0.0)
        rounded = dtype != torch.float32

        def update(method: Method = method, rounded: bool = rounded) -> None:
            with torch.autocast(given.device, dtype) if rounded else nullcontext():
                method.update()

        flops = count(update)
        if given.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        times: dict[str, list[float]] = {"update": [], "product": []}
        for _ in range(given.steps + WARM_UP):
            times["update"].append(seconds(update, given.device))
            times["product"].append(seconds(product, given.device))
        took, peer = (statistics.median(values[WARM_UP:]) for values in times.values())
        rate, best = flops / took / 1e12, product.flops / peer / 1e12
        of_peak = f"{rate / given.peak_tflops:9.1%}" if given.peak_tflops else f"{'-':>9s}"
        gib = torch.cuda.max_memory_allocated() / 2**30 if given.device == "cuda" else 0
        print(
            f"{name:16s}{f'{rows} x {sec:g} s':>12s}{took:12.3f}{rows * sec / took:12.1f}"
            f"{flops / 1e12:8.3f}{rate:9.3f}{best:9.3f}{rate / best:7.1%}{of_peak}"
            + (f"{gib:7.1f}" if gib else f"{'-':>7s}"),
            flush=True,
        )


if __name__ == "__main__":
    main()
