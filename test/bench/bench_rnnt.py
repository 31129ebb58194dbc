"""The RNN-T loss, joint network included, forward and backward, against torchaudio's.

Time of both in turn in one process; peak memory of each in a process of its own; then a batch of
32-second utterances, each in a process that may take 8 GiB more than it has after loading.

    python test/bench/bench_rnnt.py [--joint 512]
"""

import argparse
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
import torchaudio.functional

from espnet_ext.transducer.rnnt import rnnt_loss

ROUNDS = 3
LIMIT_GIB = 8
#           B  T    U   V
SMALL = (4, 200, 40, 512)
LARGE = (4, 800, 100, 1024)
LONG = (4, 1600, 150, 1024)  # 32 s at 20 ms a frame
LOSSES = ("ours", "torchaudio")


def inputs(shape: tuple[int, ...], joint: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    n_utts, n_frames, n_labels, vocab = shape
    torch.manual_seed(0)
    parameters = [
        torch.randn(n_utts, n_frames, joint),
        torch.randn(n_utts, n_labels + 1, joint),
        torch.randn(vocab, joint) / joint**0.5,
        torch.zeros(vocab),
    ]
    lengths = [torch.full((n_utts,), n, dtype=torch.int32) for n in (n_frames, n_labels)]
    labels_BU = torch.randint(1, vocab, (n_utts, n_labels), dtype=torch.int32)
    return [x.requires_grad_() for x in parameters], [labels_BU, *lengths]


def run(name: str, leaves: list[torch.Tensor], rest: list[torch.Tensor]) -> list[torch.Tensor]:
    if name == "ours":
        loss = rnnt_loss(*leaves, *rest).mean()
    else:
        enc_BTJ, dec_BWJ, weight_VJ, bias_V = leaves
        hidden = torch.tanh(enc_BTJ[:, :, None] + dec_BWJ[:, None])
        logits = F.linear(hidden, weight_VJ, bias_V)
        del hidden
        loss = torchaudio.functional.rnnt_loss(logits, *rest, blank=0)
        del logits
    return [loss.detach(), *torch.autograd.grad(loss, leaves)]


def seconds(shape: tuple[int, ...], joint: int) -> dict[str, float]:
    """Best of some rounds, in turn; the results must agree."""
    args = inputs(shape, joint)
    best = dict.fromkeys(LOSSES, float("inf"))
    results = {}
    for _ in range(ROUNDS):
        for name in LOSSES:
            started = time.perf_counter()
            results[name] = run(name, *args)
            best[name] = min(best[name], time.perf_counter() - started)
    for ours, theirs in zip(*(results[name] for name in LOSSES), strict=True):
        assert (ours - theirs).abs().max() < 0.01 * theirs.abs().max()
    return best


def status_kib(field: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"{field}:\s+(\d+) kB", text)[1])


def peak_mib(name: str, shape: tuple[int, ...], joint: int, limit_gib: int) -> float:
    """How much more memory the loss took than its inputs; run in a process of its own."""
    run(name, *inputs((1, 5, 3, 20), joint))  # loads what is loaded once
    args = inputs(shape, joint)
    if limit_gib:
        limit = status_kib("VmSize") * 1024 + limit_gib * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from here
    before = status_kib("VmRSS")
    run(name, *args)
    return (status_kib("VmHWM") - before) / 1024


def in_own_process(name: str, shape: tuple[int, ...], joint: int, limit_gib: int = 0) -> float:
    """Peak in MiB; infinite where memory ran out."""
    numbers = [*map(str, shape), str(joint), str(limit_gib)]
    command = [sys.executable, __file__, "--one", name, *numbers]
    done = subprocess.run(command, capture_output=True, text=True)
    # torch's own words, or those of the operation of torchaudio's that asked for the memory
    if done.returncode and limit_gib and re.search("allocate memory|aten::empty", done.stderr):
        return float("inf")
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


def table(title: str, ours: float, theirs: float, unit: str) -> None:
    if theirs == float("inf"):
        print(f"{title:30} {ours:9.2f} {unit:4} {'no memory':>9}")
    else:
        print(f"{title:30} {ours:9.2f} {unit:4} {theirs:9.2f} {unit:4} {theirs / ours:7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--joint", type=int, default=512, help="joint dimension")
    parser.add_argument("--one", nargs=7, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, *numbers = given.one
        *shape, joint, limit_gib = map(int, numbers)
        print(peak_mib(name, tuple(shape), joint, limit_gib))
        return
    print(f"joint dimension {given.joint}, {torch.get_num_threads()} threads, float32")
    print(f"{'':30} {'ours':>9} {'':4} {'torchaudio':>10} {'':3} {'ratio':>7}")
    best = seconds(SMALL, given.joint)
    table("time, B{} T{} U{} V{}".format(*SMALL), best["ours"], best["torchaudio"], "s")
    for shape in (SMALL, LARGE):
        peaks = [in_own_process(name, shape, given.joint) for name in LOSSES]
        table("memory, B{} T{} U{} V{}".format(*shape), *peaks, "MiB")
    n_utts, n_frames, n_labels, vocab = LONG
    tensor_gb = n_utts * n_frames * (n_labels + 1) * vocab * 4 / 1e9
    print(f"within {LIMIT_GIB} GiB more address space; logits and gradient: {2 * tensor_gb:.1f} GB")
    peaks = [in_own_process(name, LONG, given.joint, LIMIT_GIB) for name in LOSSES]
    table("memory, B{} T{} U{} V{}".format(*LONG), *peaks, "MiB")


if __name__ == "__main__":
    main()
