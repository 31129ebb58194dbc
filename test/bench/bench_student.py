"""What data2vec 2.0's student costs by how much it sees: its encoder against a dense pass.

A step (forward and backward) at several shares of visible frames, in turn with one over all frames
(one masked view). The decoder, which reads all frames however many are visible, is timed with it
and without it.

    python test/bench/bench_student.py [--layers 12] [--dim 768] [--seconds 15] [--device cpu]
"""

import argparse
import statistics
import time

import torch

from espnet_ext.encoder.student import StudentView
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.encoder.views import OneView, View
from espnet_ext.masking.inverse_block import InverseBlocks

LATENT_DIM, FRAMES_A_SECOND = 512, 50
VISIBLE = (0.75, 0.5, 0.25)


class NoDecoder(torch.nn.Module):
    def forward(self, x_BTD, pad_BT1):
        return x_BTD


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def step(view: View, encoder, latents_BTD, lengths_B, mask_BT, max_visible) -> float:
    """Seconds of forward and backward."""
    begun = now(latents_BTD.device)
    seen = view(encoder, latents_BTD, lengths_B, mask_BT, max_visible=max_visible)
    seen.layers[-1].square().mean().backward()
    return now(latents_BTD.device) - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.manual_seed(0)
    n_frames = round(given.seconds * FRAMES_A_SECOND)
    sizes = {"layer_drop": 0.0, "pos_kernel": 19, "pos_depth": 5, "alibi": "learned"}
    encoder = ContextTransformer(
        LATENT_DIM, given.dim, given.layers, given.dim // 64, 4 * given.dim, **sizes
    )
    student, bare = StudentView(given.dim, clones=1), StudentView(given.dim, clones=1)
    bare.decoder = NoDecoder()
    one = OneView(given.dim)
    for module in (encoder, student, bare, one):
        module.to(given.device).train()
    latents_BTD = torch.randn(given.rows, n_frames, LATENT_DIM, device=given.device)
    lengths_B = torch.full((given.rows,), n_frames, device=given.device)
    runs = {}
    for share in VISIBLE:
        masker = InverseBlocks(fraction=1 - share)
        mask_BT, most = masker(lengths_B, n_frames), n_frames - masker.min_masked(n_frames)
        runs[f"{share:.0%} visible"] = (student, mask_BT, most)
        runs[f"{share:.0%}, encoder only"] = (bare, mask_BT, most)
    runs["dense"] = (one, mask_BT, None)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.steps + 1):
        for name, (view, mask_BT, most) in runs.items():
            seconds[name].append(step(view, encoder, latents_BTD, lengths_B, mask_BT, most))
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    print(f"{given.rows} x {given.seconds:g} s, {given.layers} layers of {given.dim}, medians")
    for name, median in medians.items():
        print(f"{name:20s} {1000 * median:8.1f} ms  {median / medians['dense']:5.2f} of dense")


if __name__ == "__main__":
    main()
