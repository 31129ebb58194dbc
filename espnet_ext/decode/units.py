"""From tokens to words: letters and `<space>`, word pieces with `▁`, or a token a word (phones)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BLANK, SPACE, WORD_START = "<blank>", "<space>", "▁"


def unit_of(tokens: Sequence[str]) -> str:
    """`char`, `bpe` or `word`, as the recogniser's list of tokens shows."""
    if SPACE in tokens:
        return "char"
    return "bpe" if any(token.startswith(WORD_START) for token in tokens) else "word"


def word_starts(tokens: Sequence[str]) -> tuple[list[bool], int]:
    """Whether a token always begins a word, by index; and the index of the boundary, after which,
    as at the start, any other one does: -1 where there is none."""
    unit = unit_of(tokens)
    if unit == "char":
        return [False] * len(tokens), tokens.index(SPACE)
    return [unit == "word" or token.startswith(WORD_START) for token in tokens], -1


def join(tokens: Iterable[str], unit: str) -> list[str]:
    """Words of a sequence of tokens."""
    tokens = list(tokens)
    if unit == "word":
        return tokens
    mark = SPACE if unit == "char" else WORD_START
    return "".join(tokens).replace(mark, " ").split()


def merge_repeats(path: Iterable[int], blank: int) -> list[int]:
    """An alignment's tokens: repeats merged, then blanks (and negative fillers) removed."""
    merged, last = [], -1
    for token in path:
        if token != last and token != blank and token >= 0:
            merged.append(token)
        last = token
    return merged
