"""A spawned training process that stops with a reason, and its parent, which is to give that."""

import os
import signal

import pytest
from torch.multiprocessing.spawn import ProcessRaisedException, start_processes

from espnet_ext.config import UserError
from espnet_ext.tasks.training.children import faults_of_children


def end(rank: int, how: str) -> None:
    """Of two processes the second ends; the first would go on."""
    if rank == 0:
        signal.pause()
    if how == "fault":
        try:
            raise OSError("No space left on device")
        except OSError as err:
            raise UserError("exp/x: stopped in epoch 3: not finite; lower the rate") from err
    elif how == "bug":
        raise ValueError("espnet_ext.config.UserError: not the last line\nof a traceback")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ("fault", UserError, r"\Aexp/x: stopped in epoch 3: not finite; lower the rate\Z"),
        ("killed", UserError, r"\Aprocess 1 of the training was ended by SIGKILL, .*resumes\Z"),
        ("bug", ProcessRaisedException, "Traceback"),
    ],
)
def test_the_parent_says_why_a_child_ended(how, error, says):
    with pytest.raises(error, match=says), faults_of_children():
        start_processes(end, (how,), nprocs=2, start_method="spawn")
