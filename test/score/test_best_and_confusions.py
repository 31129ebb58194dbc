"""The best decoding by dev, shown on test; the most frequent errors."""

from pathlib import Path

import pytest

from espnet_ext.bin.best_wer import main
from espnet_ext.config import UserError
from espnet_ext.score.confusions import Confusion, most_frequent
from espnet_ext.score.scoring import score_files


@pytest.fixture
def best(tmp_path, monkeypatch, command):
    """best(*arguments) -> (exit status, stdout, stderr) among three decodings."""
    monkeypatch.chdir(tmp_path)
    Path("ref").write_text("u1 a b c d\nu2 e\n")
    hyps = {"a": ("a x c d", "a x x d"), "b": ("a b c d", "a x x x"), "c": ("a b c d", "a b c d")}
    for name, both in hyps.items():
        for folder, words in zip(("dev", "test"), both, strict=True):
            Path("hyp").write_text(f"u1 {words}\nu2 e\n")
            score_files(Path("ref"), Path("hyp"), Path(f"exp/decode_{name}/{folder}/score_wer"))

    def run(*arguments):
        return command(main, "best_wer", *arguments)

    return run


def test_chosen_on_dev_whatever_test_says(best):
    status, out, _ = best("--dev", "exp/decode_*/dev", "--test", "test")
    assert status == 0
    assert out.splitlines() == [  # b and c tie: the first by name, though c is better on test
        "dev: %WER 0.00 [ 0 / 5, 0 ins, 0 del, 0 sub ]  [exp/decode_b/dev]",
        "test: %WER 60.00 [ 3 / 5, 0 ins, 0 del, 3 sub ]  [exp/decode_b/test]",
        "# best of 3 on dev; test sets had no say",
    ]
    assert best("--dev", "exp/decode_a/dev", "exp/decode_c/dev")[1].startswith("dev: %WER 0.00")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dev", "exp/none_*/dev"], "--dev: no such decoded set; expected folders such as"),
        (["--dev", "exp/decode_*"], "exp/decode_a/score_wer/wer: No such file or directory; score"),
        (
            ["--dev", "exp/decode_*/dev", "--test", "x"],
            "exp/decode_b/x/score_wer/wer: No such file",
        ),
    ],
)
def test_refused_in_one_line(best, arguments, says):
    status, out, err = best(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {says}")


def test_another_reference_is_refused(best):
    Path("ref").write_text("u1 a b c d\nu2\n")
    score_files(Path("ref"), Path("hyp"), Path("exp/decode_c/dev/score_wer"))
    assert "4 words in the reference, in exp/decode_a/dev 5" in best("--dev", "exp/*/dev")[2]


def test_most_frequent_errors(tmp_path):
    (tmp_path / "ref").write_text("u1 a b c\nu2 a b\nu3 a\n")
    (tmp_path / "hyp").write_text("u1 a x c y\nu2 z x\nu3\n")
    score_files(tmp_path / "ref", tmp_path / "hyp", tmp_path)
    found = most_frequent(tmp_path, 1)
    assert found == {
        "substitution": [Confusion("substitution", "b", "x", 2)],
        "deletion": [Confusion("deletion", "a", "", 1)],
        "insertion": [Confusion("insertion", "", "y", 1)],
    }
    assert [error.ref for error in most_frequent(tmp_path)["substitution"]] == ["b", "a"]


def test_ops_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="ops: No such file"):
        most_frequent(tmp_path)
    (tmp_path / "ops").write_text("substitution a b 1\nsubstitution a\n")
    with pytest.raises(UserError, match="ops:2: expected `kind ref hyp count`"):
        most_frequent(tmp_path)
