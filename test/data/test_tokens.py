"""tokens.txt and bpe.model: order, determinism, and ESPnet's own tokenisers as readers."""

import pytest

from espnet_ext.config import UserError
from espnet_ext.data.tokens import train_tokens, unknown_tokens

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


@pytest.mark.parametrize("token_type", ["bpe", "char"])
def test_letters_that_the_tokens_do_not_know_are_one_line(text, tmp_path, token_type):
    train_tokens(text, tmp_path, token_type, 26)
    assert unknown_tokens(text, tmp_path) is None
    other = tmp_path / "other"
    other.write_text("b1 THE CAFÉ É\nb2 PLEASE ENTER THE QUEUE\nb3\n")
    assert unknown_tokens(other, tmp_path) == (
        f"{other}: 3 of 27 characters are not among {tmp_path}/tokens.txt ('É' 2, 'Q' 1); "
        "they count as <unk>"
    )
    other.write_text("b1 the call\n")
    with pytest.raises(UserError, match=r"7 of 7 characters .* same case, same alphabet"):
        unknown_tokens(other, tmp_path)


def test_phones_that_the_tokens_do_not_know(text, tmp_path):
    train_tokens(text, tmp_path, "word")
    other = tmp_path / "other"
    other.write_text("b1 THE PIN HAS BEEN EATEN\n")
    assert "1 of 5 words are not among" in unknown_tokens(other, tmp_path)


def test_pieces_of_another_training_are_refused(text, tmp_path):
    train_tokens(text, tmp_path, "bpe", 26)
    tokens = tokens_of(tmp_path)
    (tmp_path / "tokens.txt").write_text("\n".join([*tokens[:2], *tokens[3:]]) + "\n")
    with pytest.raises(
        UserError, match=f"1 pieces of bpe.model are not in it, first '{tokens[2]}'"
    ):
        unknown_tokens(text, tmp_path)
