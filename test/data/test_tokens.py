"""tokens.txt and bpe.model: order, determinism, and ESPnet's own tokenisers as readers."""

import pytest

from espnet_ext.config import UserError
from espnet_ext.data.tokens import train_tokens

TEXT = "a1 THE CALL HAS BEEN FORWARDED\na2 PLEASE ENTER YOUR PIN\na3 YOU'RE THE CALLER\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text(TEXT)
    return path


def tokens_of(folder):
    return (folder / "tokens.txt").read_text().splitlines()


def test_pieces_are_framed_and_spell_the_text(text, tmp_path):
    import sentencepiece

    assert train_tokens(text, tmp_path / "bpe", "bpe", 26) == 26
    tokens = tokens_of(tmp_path / "bpe")
    assert tokens[:2] == ["<blank>", "<unk>"] and tokens[-1] == "<sos/eos>"
    assert len(tokens) == len(set(tokens)) == 26
    pieces = sentencepiece.SentencePieceProcessor(str(tmp_path / "bpe/bpe.model"))
    for line in TEXT.splitlines():
        words = line.split(maxsplit=1)[1]
        spelt = pieces.encode(words, out_type=str)
        assert set(spelt) <= set(tokens)
        assert pieces.decode(spelt) == words


def test_same_text_same_files(text, tmp_path):
    for out in ("one", "two"):
        train_tokens(text, tmp_path / out, "bpe", 26)
    for name in ("tokens.txt", "bpe.model"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_characters_have_a_token_for_space(text, tmp_path):
    train_tokens(text, tmp_path / "char", "char")
    tokens = tokens_of(tmp_path / "char")
    assert tokens[:3] == ["<blank>", "<unk>", "<space>"] and tokens[-1] == "<sos/eos>"
    assert set(TEXT.replace("a1", "").replace("a2", "").replace("a3", "")) - {" ", "\n"} == set(
        tokens[3:-1]
    )


def test_phones_are_words(tmp_path):
    (tmp_path / "text").write_text("a sil hh ax\nb sil ax\n")
    assert train_tokens(tmp_path / "text", tmp_path / "word", "word") == 6
    assert tokens_of(tmp_path / "word") == ["<blank>", "<unk>", "ax", "hh", "sil", "<sos/eos>"]


@pytest.mark.parametrize(
    ("n", "expected"), [(5000, r"too little text for 5000 .* at most \d+ "), (5, "alone need")]
)
def test_impossible_sizes_name_the_possible(text, tmp_path, n, expected):
    with pytest.raises(UserError, match=expected):
        train_tokens(text, tmp_path / "bpe", "bpe", n)
    assert not (tmp_path / "bpe").exists()


def test_no_words_is_a_clear_fault(tmp_path):
    (tmp_path / "text").write_text("a1\n")
    with pytest.raises(UserError, match="no words"):
        train_tokens(tmp_path / "text", tmp_path / "bpe", "bpe", 10)
