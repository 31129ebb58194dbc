"""Keep the memory of one training step for the next."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # parameters of glibc's mallopt(3)


def keep_freed_memory() -> None:
    """Ask glibc not to give freed memory back to the kernel; nothing where there is another libc.

    By default it maps every large tensor anew and unmaps it when it is freed. A training step on a
    CPU then spends a third of its time on the kernel clearing pages that the step before had just
    let go (`test/bench/bench_swap.py --default_malloc` shows it).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_MAX, 0)  # from the heap, however large
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)  # bytes free at the heap's end before it shrinks
    mallopt(M_TOP_PAD, 2**26)  # bytes that it grows by at least
