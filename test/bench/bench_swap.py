"""What Swap costs: a step of two swapping views against a step of one masked view.

The same encoder, latents and mask, in turn; the wave CNN, which both need once, is left out, so
that this is the most that Swap can cost. Target: at most 2.1 times.

    python test/bench/bench_swap.py [--layers 12] [--dim 768] [--seconds 15] [--device cpu]
        [--default_malloc]   as glibc does it, not as our trainings ask it to
"""

import argparse
import statistics
import time

import torch

from espnet_ext.encoder.swap import SwapViews
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.encoder.views import OneView, View
from espnet_ext.masking.random import RandomSpans
from espnet_ext.tasks.training.memory import keep_freed_memory

LATENT_DIM, FRAMES_A_SECOND = 512, 50


def step(view: View, encoder, latents_BTD, lengths_B, mask_BT) -> float:
    """Seconds of forward and backward."""
    begun = now(latents_BTD.device)
    seen = view(encoder, latents_BTD, lengths_B, mask_BT)
    seen.layers[-1].square().mean().backward()
    return now(latents_BTD.device) - begun


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--default_malloc", action="store_true")
    given = parser.parse_args()
    if not given.default_malloc:
        keep_freed_memory()
    torch.manual_seed(0)
    n_frames = round(given.seconds * FRAMES_A_SECOND)
    encoder = ContextTransformer(
        LATENT_DIM, given.dim, given.layers, given.dim // 64, 4 * given.dim, layer_drop=0.0
    )
    views = {"one view": OneView(given.dim), "swap": SwapViews(given.dim)}
    for module in (encoder, *views.values()):
        module.to(given.device).train()
    latents_BTD = torch.randn(given.rows, n_frames, LATENT_DIM, device=given.device)
    lengths_B = torch.full((given.rows,), n_frames, device=given.device)
    mask_BT = RandomSpans(start_prob=0.08)(lengths_B, n_frames)
    seconds: dict[str, list[float]] = {name: [] for name in views}
    for _ in range(given.steps + 1):
        for name, view in views.items():
            seconds[name].append(step(view, encoder, latents_BTD, lengths_B, mask_BT))
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    print(f"{given.rows} x {given.seconds:g} s, {given.layers} layers of {given.dim}, medians")
    for name, median in medians.items():
        print(f"{name:10s} {1000 * median:8.1f} ms")
    print(f"{'ratio':10s} {medians['swap'] / medians['one view']:8.2f}   (at most 2.1)")


if __name__ == "__main__":
    main()
