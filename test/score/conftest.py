"""Command lines of scoring, called in this process."""

import sys

import pytest

from espnet_ext.bin import run_main


@pytest.fixture
def command(monkeypatch, capsys):
    """command(main, name, *arguments) -> (exit status, stdout, stderr)."""

    def run(main, name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        status = 0
        try:
            run_main(main)
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run
