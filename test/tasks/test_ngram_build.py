"""train_ngram on real transcripts: ARPA, lexicon, perplexity, and its refusals."""

import gzip
import sys

import pytest

from espnet_ext.bin import train_ngram
from espnet_ext.config import UserError
from espnet_ext.data import lm_text
from espnet_ext.data.tokens import train_tokens
from espnet_ext.tasks.ngram import Knowledge, measure

LINES = ["GO ON", "GO AWAY", "WAIT HERE", "GO ON AND WAIT", "WAIT", "GO HERE AND WAIT"]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    (tmp_path / "text").write_text("".join(f"u{i} {s}\n" for i, s in enumerate(LINES)))
    (tmp_path / "other").write_text("u1 GO ON\nu2 GO HOME NOW\n")
    (tmp_path / "empty").write_text("u1\nu2\n")
    train_tokens(tmp_path / "text", tmp_path / "char", "char")
    train_tokens(tmp_path / "text", tmp_path / "bpe", "bpe", 20)
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        monkeypatch.setattr(sys, "argv", ["train_ngram", *argv, "--out", "lm"])
        train_ngram.main()

    return run


def test_arpa_lexicon_and_perplexity(recipe, tmp_path, capsys):
    kenlm = pytest.importorskip("flashlight.lib.text.decoder.kenlm").KenLM
    from flashlight.lib.text.dictionary import Dictionary

    recipe("--text", "text", "--order", "3", "--token_dir", "char", "--held_out", "other")
    assert (tmp_path / "lm/lexicon.txt").read_text().startswith("GO G O <space>\nON O N <space>\n")
    words = sorted({word for line in LINES for word in line.split()})
    lm = kenlm("lm/lm.arpa", Dictionary([*words, "HOME"]))
    total = 0.0
    for sentence in ([words.index("GO"), words.index("ON")], [words.index("GO"), None, None]):
        state = lm.start(False)
        for word in sentence:
            state, log10 = lm.score(state, len(words) if word is None else word)
            total += 0.0 if word is None else log10
        total += lm.finish(state)[1]
    told = (tmp_path / "lm/perplexity").read_text()
    assert (
        f"other: perplexity {10 ** (-total / 5):.2f} (2 sentences, 5 words; OOV 2 = 40.00 %" in told
    )
    assert told in capsys.readouterr().out


def test_perplexity_of_a_uniform_model_is_its_size(tmp_path):
    pytest.importorskip("flashlight.lib.text.decoder.kenlm")
    (tmp_path / "lm.arpa").write_text(
        "\\data\\\nngram 1=5\nngram 2=0\n\n\\1-grams:\n-0.7\t<unk>\t0\n-99\t<s>\t0\n"
        "-0.60206\tA\t0\n-0.60206\tB\t0\n-0.60206\t</s>\n\n\\2-grams:\n\n\\end\\\n"
    )
    found = measure(tmp_path / "lm.arpa", [["A", "B"], ["B"], ["X"]])
    assert (found.sentences, found.words, found.unknown) == (3, 4, 1)
    assert found.perplexity == pytest.approx(4, rel=1e-4)
    assert Knowledge(1, 1, 0, -2.0).perplexity == pytest.approx(10)


def test_a_decode_conf_says_what_to_build(recipe, tmp_path, capsys):
    conf = tmp_path / "decode.yaml"
    conf.write_text("search: beam\nngram: {order: 3, prune: [0, 1]}\n")
    recipe("--text", "text", "--token_dir", "char", "--decode_config", "decode.yaml")
    assert "of order 1 to 3" in capsys.readouterr().out
    assert "\tG O\n" not in (tmp_path / "lm/lm.arpa").read_text()  # order 2 has back-offs
    for given, expected in (
        ("{ordre: 3}", "unknown ngram.'ordre'"),
        ("{order: 3, prune: 1}", r"expected \{order: 4"),
        ("lm.arpa", "none to be built"),
    ):
        conf.write_text(f"search: beam\nngram: {given}\n")
        with pytest.raises(UserError, match=expected):
            recipe("--text", "text", "--token_dir", "char", "--decode_config", "decode.yaml")


def test_tokens_as_units(recipe, tmp_path):
    pytest.importorskip("flashlight.lib.text.decoder.kenlm")
    for unit, first in (("char", "\tG O\n"), ("bpe", "▁")):
        recipe("--text", "text", "--order", "2", "--unit", "token", "--token_dir", unit)
        assert first in (tmp_path / "lm/lm.arpa").read_text()
        assert not (tmp_path / "lm/lexicon.txt").exists()


def test_plain_text_packed_or_not_is_added(recipe, tmp_path):
    with gzip.open("plain.gz", "wt") as handle:
        handle.write("GO HOME\n\n")
    recipe("--text", "text", "--lm_text", "plain.gz", "--order", "2")
    assert "\tGO HOME" in (tmp_path / "lm/lm.arpa").read_text()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--text", "empty"), "empty: no words"),
        ((), "no --text: no words"),
        (("--lm_text", "nowhere"), "nowhere: no such text"),
        (("--lm_text", "librispeech-lm-norm.txt.gz"), "--download true fetches it"),
        (("--text", "text", "--vocab", "nowhere"), "nowhere: cannot be read"),
        (("--text", "text", "--unit", "token"), "give --token_dir"),
        (("--official", "5-gram", "--download", "true"), "expected one of 3-gram"),
        (("--official", "4-gram"), "--download true fetches it"),
        (("--official", "4-gram", "--text", "text"), "leave out --text"),
    ],
)
def test_refusals_are_one_line(recipe, argv, expected):
    with pytest.raises(UserError, match=expected) as error:
        recipe(*argv)
    assert "\n" not in str(error.value)


def test_tokens_of_another_text(recipe, tmp_path, capsys):
    (tmp_path / "char/tokens.txt").write_text("<blank>\n<unk>\n<space>\ng\no\n<sos/eos>\n")
    with pytest.raises(UserError, match=r"spells none of the 6 words .* normalised alike"):
        recipe("--text", "text", "--token_dir", "char")
    (tmp_path / "char/tokens.txt").write_text("<blank>\n<unk>\n<space>\nG\nO\nN\n<sos/eos>\n")
    recipe("--text", "text", "--token_dir", "char")
    assert "4 of 6 words are left out" in capsys.readouterr().out


def test_official_ngrams_are_checked_by_size(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(lm_text.Fetcher, "fetch", lambda self, archive: asked.append(archive))
    lm_text.fetch_arpa("4-gram", tmp_path)
    (archive,) = asked
    assert archive.url == "https://www.openslr.org/resources/11/4-gram.arpa.gz"
    assert (archive.file, archive.size) == (tmp_path / "lm.arpa", 1355172078)
    with pytest.raises(UserError, match="is not public"):
        lm_text.fetch_text(tmp_path / "own.txt")
