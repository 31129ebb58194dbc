"""The smallest real corpus, and the command that prepares any."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from espnet_ext.config import UserError
from espnet_ext.data.corpora import mini_an4
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.data.validate import Options, validate


def test_prepare_the_installed_corpus(tmp_path):
    mini_an4.prepare(Path("-"), tmp_path / "data")
    texts = read_dict(tmp_path / "data/train/text")
    assert len(texts) == 5 and texts["mwhw-cen8-b"] == "ELEVEN SEVENTEEN FIFTY ONE"
    for name in ("train", "test"):
        report, _about = validate(tmp_path / "data" / name, Options())
        assert not report.faults, report.lines(warnings=False)


def test_refuses_an_archive_that_leads_outside(tmp_path):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(UserError, match=r"evil\.tar\.gz: cannot be unpacked"):
        mini_an4.prepare(evil, tmp_path / "data")
    assert not (tmp_path / "downloads/outside").exists()


def test_command(tmp_path):
    command = [sys.executable, "-m", "espnet_ext.bin.prepare_corpus"]
    done = subprocess.run([*command, "mini_an4", "-", tmp_path / "data"], check=True)
    assert done.returncode == 0 and (tmp_path / "data/test/wav.scp").exists()
    wrong = subprocess.run(
        [*command, "mini_an4", tmp_path / "none.tar.gz", tmp_path / "data"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: ") and wrong.stderr.count("\n") == 1
