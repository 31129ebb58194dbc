"""Memory that a training step frees stays with the process."""

import subprocess
import sys

import pytest

STEPS = """
import resource, sys, torch
from espnet_ext.tasks.training.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(10):
    torch.zeros(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.zeros(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is meant")
def test_pages_are_not_fetched_again():
    def faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, check=True)
        return int(done.stdout)

    assert faults("keep") < faults("default") / 10
