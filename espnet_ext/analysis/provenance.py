"""Which code, on which machine, under which command: noted when an experiment starts."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from espnet_ext.config import atomic_write

FILE = "provenance.json"
PACKAGES = ("torch", "torchaudio", "espnet", "numpy")
GENERATED = (
    "RESULTS.md",
    "RESULTS.html",
    "images/*.png",
)  # what `report` writes: a change there changes no run


def collect() -> dict[str, Any]:
    """What a reader needs to know where a run came from.

    Returns:
        `commit` (40 hex digits, None outside a git checkout), `dirty` (None outside one; True if a
        tracked file differs or a new one is there, `report`'s own output aside), `hardware` (`cpu`,
        `cores` this process may use, `memory_gb`, `gpus`), `versions`, `command`, `started`.
        Nothing here raises: what cannot be found is None.
    """
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command(),
        **git_state(Path(__file__).resolve()),
        "hardware": hardware(),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


def record(exp_dir: str | Path) -> Path:
    """Add this process to `exp_dir/provenance.json`, a list with one entry per start.

    A resumed run thereby shows every commit and machine that had a hand in it.
    """
    path = Path(exp_dir) / FILE
    starts = [*read(exp_dir), collect()]
    with atomic_write(path) as handle:
        json.dump(starts, handle, indent=1)
    return path


def read(exp_dir: str | Path) -> list[dict[str, Any]]:
    """The starts that `record` noted, oldest first; empty where none or unreadable."""
    try:
        starts = json.loads((Path(exp_dir) / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [s for s in starts if isinstance(s, dict)] if isinstance(starts, list) else []


def git_state(source: Path) -> dict[str, Any]:
    """Commit and cleanness of the checkout that tracks `source`.

    A package installed inside somebody else's repository is not tracked by it: no commit then.
    """
    nothing = {"commit": None, "dirty": None}
    if _git(source.parent, "ls-files", "--error-unmatch", source.name) is None:
        return nothing
    commit = _git(source.parent, "rev-parse", "HEAD")
    excluded = [f":(top,exclude,glob)**/{name}" for name in GENERATED]
    changes = _git(source.parent, "status", "--porcelain", "--", ":(top)", *excluded)
    if commit is None or changes is None:
        return nothing
    return {"commit": commit.strip(), "dirty": bool(changes.strip())}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None where it is missing, slow or unhappy."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def hardware() -> dict[str, Any]:
    """`cpu`, `cores` that this process may use, `memory_gb`, names of the `gpus`; or None each."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count()
    try:
        memory_gb = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError):
        memory_gb = None
    return {"cpu": _cpu_model(), "cores": cores, "memory_gb": memory_gb, "gpus": _gpus()}


def _cpu_model() -> str:
    # model name	: AMD EPYC 7763 64-Core Processor
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return " ".join(value.split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of the GPUs that torch sees; the trainer has imported torch already."""
    try:
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    except Exception:  # a broken driver must not stop a training on the CPU
        return []


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def command() -> str:
    """The command line as it can be pasted; the interpreter's own path says nothing, so not that.

    Run by another program (pytest, a notebook) it is that program's command line.
    """
    _, *rest = sys.orig_argv
    return shlex.join(["python", *rest])
