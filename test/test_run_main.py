"""What every command has in common: `run_main`."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from espnet_ext.bin import run_main
from espnet_ext.config import atomic_write

COMMAND = """
import importlib, sys
from espnet_ext.bin import run_main

def main():
    from espnet2.legacy.nets.pytorch_backend.transformer import attention
    print("a real error", file=sys.stderr)
    sys.path.insert(0, sys.argv[1])
    importlib.reload(attention)

run_main(main)
"""


def test_no_news_of_flash_attention_unless_it_is_broken(tmp_path):
    (tmp_path / "flash_attn.py").write_text("raise ImportError('undefined symbol')\n")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == [
        "a real error",
        "Failed to import Flash Attention, using ESPnet default: undefined symbol",
    ]


def write_to(path: Path) -> None:
    with atomic_write(path) as handle:
        handle.write("whole")
        with Path("/dev/full").open("w") as full:
            full.write("no space is left there")


def refuse(number: int) -> None:
    raise OSError(number, os.strerror(number), "exp/x")


def test_what_the_system_refuses_is_one_line(tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match="2"):
        run_main(lambda: write_to(out))
    said = f"error: {out}: No space left on device; free some space; the same command goes on\n"
    assert capsys.readouterr().err == said
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match="2"):
        run_main(lambda: refuse(errno.EACCES))
    assert capsys.readouterr().err.startswith("error: exp/x: Permission denied; ask for")


def test_other_faults_stay_tracebacks():
    with pytest.raises(IsADirectoryError):
        run_main(lambda: refuse(errno.EISDIR))
    with pytest.raises(SystemExit, match="0"):
        run_main(lambda: refuse(errno.EPIPE))
