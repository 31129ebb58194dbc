"""A search from files: tokens, conf, n-gram, lexicon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.lexicon import Lexicon, read_lexicon, spell
from espnet_ext.decode.ngram import arpa_words, load_ngram
from espnet_ext.decode.search import CTCSearch
from espnet_ext.decode.units import unit_of


def open_search(
    tokens: Sequence[str],
    conf: DecodeConf,
    ngram: str | Path | None = None,
    lexicon: str | Path | None = None,
    make_lm: Callable[[Sequence[str]], object] | None = None,
    pieces_of: Callable[[str], list[str]] | None = None,
) -> CTCSearch:
    """The search that a conf asks for, with its files read and held against each other.

    Args:
        tokens: of the recogniser. ngram: the file, where the conf does not name one. lexicon: one
            made from that file's words, where the conf does not name one. make_lm: gives a neural
            LM in the search as flashlight's, over the units (words of the lexicon, or tokens) that
            it is told. pieces_of: word pieces of a word; needed where a lexicon is to be made and
            the tokens are word pieces.

    Raises:
        UserError: what is wrong with a file, or which one is missing.
    """
    ngram = _ngram_of(conf, ngram)
    if conf.search != "lexicon":
        return CTCSearch(tokens, conf, lm=_lm_over(tokens, ngram, make_lm))
    if conf.lexicon is not None:
        spelled = read_lexicon(conf.lexicon, tokens)
        if ngram:
            _check_covers(spelled, ngram, conf.lexicon)
    elif lexicon is not None:
        spelled = read_lexicon(lexicon, tokens)
        if ngram and (pieces_of or unit_of(tokens) != "bpe"):  # what can be spelled is to be there
            _check_covers(spelled, ngram, lexicon, lambda words: spell(words, tokens, pieces_of)[0])
    else:
        spelled = _spelled_words_of(ngram, tokens, pieces_of)
    return CTCSearch(tokens, conf, spelled, _lm_over(list(spelled), ngram, make_lm))


def open_token_lm(tokens: Sequence[str], conf: DecodeConf, ngram=None, make_lm=None):
    """The LM that a conf names, over tokens, as flashlight's; None without one.

    Args and errors as in `open_search`.
    """
    return _lm_over(tokens, _ngram_of(conf, ngram), make_lm)


def _ngram_of(conf: DecodeConf, made: str | Path | None) -> str | Path | None:
    if isinstance(conf.ngram, dict) and made is None:
        raise UserError("ngram: to be built, and not there yet; stage 7 (lm) makes it")
    return made if isinstance(conf.ngram, dict) else conf.ngram


def _lm_over(units: Sequence[str], ngram, make_lm):
    if ngram:
        return load_ngram(ngram, units)
    return make_lm(units) if make_lm else None


def _check_covers(lexicon: Lexicon, ngram, source, needed: Callable = list) -> None:
    missing = list(needed(word for word in arpa_words(ngram) or () if word not in lexicon))
    if missing:
        raise UserError(
            f"{source}: lacks {len(missing)} words of {ngram}, which could never be recognised; "
            f"first: {missing[0]}; spell them, or leave `lexicon` out to have all spelled"
        )


def _spelled_words_of(ngram, tokens, pieces_of) -> Lexicon:
    words = arpa_words(ngram)
    if words is None:
        raise UserError(f"{ngram}: a KenLM file does not list its words; give a `lexicon`, too")
    if unit_of(tokens) == "bpe" and pieces_of is None:
        raise UserError(f"{ngram}: its words cannot be cut into pieces here; give a `lexicon`")
    lexicon, left_out = spell(words, tokens, pieces_of)
    if len(left_out) > len(words) / 2:
        raise UserError(
            f"{ngram}: {len(left_out)} of its {len(words)} words cannot be spelled in the "
            f"recogniser's tokens; first: {left_out[0]} (case? an LM over tokens?)"
        )
    if left_out:
        print(
            f"{ngram}: {len(left_out)} of {len(words)} words cannot be spelled in the recogniser's "
            f"tokens and are left out; first: {left_out[0]}"
        )
    return lexicon
