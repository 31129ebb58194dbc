"""One thread per process: tests are small, and every process they start inherits this."""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # read when torch is first imported
    os.environ[variable] = "1"
