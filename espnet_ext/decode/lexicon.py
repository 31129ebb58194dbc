"""Words and how the recogniser spells them.

HELLO H E L L O             letters; the word boundary may follow, and need not
HELLO ▁HE L LO              word pieces
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.decode.units import SPACE, WORD_START, unit_of

Lexicon = dict[str, list[tuple[str, ...]]]


def read_lexicon(path: str | Path, tokens: Sequence[str]) -> Lexicon:
    """Spellings of every word; a word may have several lines.

    Raises:
        UserError: no such file, a word without spelling, or tokens that the recogniser lacks.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such lexicon; expected `WORD T O K E N S` a line") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; expected `WORD T O K E N S` a line") from None
    lexicon: Lexicon = {}
    for number, line in enumerate(lines, 1):
        columns = line.split()
        spelling = _without_boundary(columns[1:])
        if not spelling:
            raise UserError(f"{path}:{number}: no spelling; expected `WORD T O K E N S`")
        lexicon.setdefault(columns[0], []).append(tuple(spelling))
    if not lexicon:
        raise UserError(f"{path}: empty; expected `WORD T O K E N S` a line")
    check_spellings(lexicon, tokens, str(path))
    return lexicon


def _without_boundary(spelling: list[str]) -> list[str]:
    """flashlight's and fairseq's lexicons end each word in `|`; the search adds its own."""
    return spelling[:-1] if spelling and spelling[-1] in (SPACE, "|") else spelling


def check_spellings(lexicon: Lexicon, tokens: Sequence[str], source: str) -> None:
    """Raise a UserError where a spelling is not one that the recogniser can emit."""
    known = set(tokens)
    wrong = [
        (word, token)
        for word, spellings in lexicon.items()
        for spelling in spellings
        for token in spelling
        if token not in known
    ]
    if wrong:
        word, token = wrong[0]
        raise UserError(
            f"{source}: {len({word for word, _ in wrong})} of {len(lexicon)} words use tokens that "
            f"the recogniser lacks; first: {word} with {token!r}; spell them in its tokens.txt"
        )
    if unit_of(tokens) != "bpe":
        return
    for word, spellings in lexicon.items():
        for first, *others in spellings:
            if not first.startswith(WORD_START) or any(t.startswith(WORD_START) for t in others):
                raise UserError(
                    f"{source}: {word}: a word's first piece, and no other, begins with "
                    f"{WORD_START!r}; found {' '.join((first, *others))}"
                )


def spell(
    words: Iterable[str], tokens: Sequence[str], pieces: Callable[[str], list[str]] | None = None
) -> tuple[Lexicon, list[str]]:
    """Spell words as the recogniser's training text was.

    Args:
        pieces: a word's word pieces; needed where the tokens are such.

    Returns:
        The lexicon, and the words that the tokens cannot spell.
    """
    known, unit = set(tokens), unit_of(tokens)
    if unit == "bpe" and pieces is None:
        raise ValueError("words in word pieces need the sentencepiece model")
    into = {"char": list, "bpe": pieces, "word": lambda word: [word]}[unit]
    lexicon: Lexicon = {}
    left_out = []
    for word in words:
        spelling = tuple(into(word))
        if spelling and known.issuperset(spelling):
            lexicon[word] = [spelling]
        else:
            left_out.append(word)
    return lexicon, left_out
