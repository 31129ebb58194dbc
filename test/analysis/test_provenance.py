"""Where a run came from."""

import json
import subprocess

from espnet_ext.analysis import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_git_state_follows_the_checkout(tmp_path):
    source = tmp_path / "pkg" / "code.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    assert provenance.git_state(source) == {"commit": None, "dirty": None}  # no repository
    git(tmp_path, "init")
    assert provenance.git_state(source)["commit"] is None  # somebody else's repository
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    clean = provenance.git_state(source)
    assert len(clean["commit"]) == 40 and clean["dirty"] is False
    (tmp_path / "egs2").mkdir()
    (tmp_path / "egs2" / "RESULTS.md").write_text("what report writes\n")
    assert provenance.git_state(source)["dirty"] is False
    (tmp_path / "egs2" / "new.yaml").write_text("lr: 1\n")
    assert provenance.git_state(source)["dirty"] is True


def test_no_git_is_no_error(monkeypatch):
    monkeypatch.setenv("PATH", "")
    noted = provenance.collect()
    assert noted["commit"] is None and noted["dirty"] is None
    assert noted["hardware"]["cores"] >= 1 and noted["versions"]["torch"]


def test_record_keeps_earlier_starts(tmp_path):
    provenance.record(tmp_path)
    provenance.record(tmp_path)
    starts = json.loads((tmp_path / "provenance.json").read_text())
    assert len(starts) == 2 and starts[0]["command"].startswith("python ")
    (tmp_path / "provenance.json").write_text("{torn")
    assert provenance.read(tmp_path) == []
