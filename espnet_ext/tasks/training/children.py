"""What stopped one of the processes that ESPnet spawned for its GPUs, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from espnet_ext.config import UserError

# The last line of the traceback, as which torch hands an exception on.
FAULT = re.compile(
    rf"^{re.escape(f'{UserError.__module__}.{UserError.__qualname__}')}: (.*)\n*\Z", re.MULTILINE
)


@contextmanager
def faults_of_children() -> Iterator[None]:
    """Around what spawns processes and waits for them.

    Raises:
        UserError: the one that ended a process, or that a signal did. Other exceptions stay
            tracebacks: they are ours to mend.
    """
    try:
        yield
    except ProcessRaisedException as err:
        fault = FAULT.search(err.msg)
        if fault is None:
            raise
        raise UserError(fault[1]) from None
    except ProcessExitedException as err:
        if err.signal_name is None:
            raise
        memory = ", as the system does where memory runs out; lower batch_bins or num_workers"
        raise UserError(
            f"process {err.error_index} of the training was ended by {err.signal_name}"
            f"{memory if err.signal_name == 'SIGKILL' else ''}; the same command resumes"
        ) from None
