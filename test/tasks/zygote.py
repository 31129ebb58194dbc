"""Runs training commands for the tests, each in a process of its own that starts in no time.

Importing ESPnet takes ten seconds. This process does it once; then it forks a child for every line
of JSON on stdin, which runs a command's main and may be killed (-9) at a chosen point:

    {"command": "ssl_train", "argv": [...], "log": FILE, "kill": ["renamed", "2epoch.pth", 1],
     "max_file_bytes": 50000, "ranks": 2, "module": "gradients"}

and answers with the child's exit status on stdout, negative for a signal. `ranks`: so many children
at once, with RANK and WORLD_SIZE in their environment, and a log each (FILE, FILE.1, …). `module`:
one beside this file, whose main runs instead of the command's.
"""

import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

from torch.optim.optimizer import register_optimizer_step_post_hook

import espnet_ext.tasks.run  # noqa: F401 (the slow import)
from espnet_ext.bin import run_main


def kill_at(event: str, name: str, nth: int) -> None:
    """Kill this process at the nth `rename` (before) or `renamed` (after) of a written file to its
    final name, or after the nth `step` of the optimiser."""
    times = iter(range(1, 1000))

    def happened(own_event: str, own_name: str) -> None:
        if (own_event, own_name) == (event, name) and next(times) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    plain_replace = Path.replace

    def replace(self, target):
        happened("rename", Path(target).name)
        plain_replace(self, target)
        happened("renamed", Path(target).name)

    Path.replace = replace
    register_optimizer_step_post_hook(lambda *_: happened("step", ""))


def child(job: dict, rank: int) -> None:
    if job.get("ranks", 1) > 1:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(job["ranks"])}
    with Path(job["log"] + (f".{rank}" if rank else "")).open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if "kill" in job:
        kill_at(*job["kill"])
    if "max_file_bytes" in job:  # what a full disk looks like to a writer
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["max_file_bytes"],) * 2)
    sys.argv = [job["command"], *job["argv"]]
    module = job.get("module", f"espnet_ext.bin.{job['command']}")
    run_main(importlib.import_module(module).main)


def forked(job: dict, rank: int) -> int:
    """Process id of a child."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        child(job, rank)
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        pids = [forked(job, rank) for rank in range(job.get("ranks", 1))]
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(next((end for end in ends if end), 0), flush=True)


if __name__ == "__main__":
    main()
