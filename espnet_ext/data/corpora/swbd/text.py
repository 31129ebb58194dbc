"""Switchboard's transcripts as words: the rules of Kaldi's swbd recipe, and where we differ.

    [silence] <b_aside> <e_aside>    left out
    [noise] [vocalized-noise] [laughter]
                                     left out; Kaldi keeps them as words (--noises keep)
    [laughter-story]                 story
    [it'n/isn't]                     it'n: what was said
    ab[solute]- -[an]y               ab- -y: the part that was said
    ammu[n]it-                       ammu-it-; Kaldi's rule makes ammn-t- of it
    {yuppiedom}                      yuppiedom: a word that was made up
    them_1                           them
    IBM BBC's                        I B M, B B C's: words of the dictionary that are spelt, as in
                                     NIST's references; Kaldi writes i._b._m. until it scores

Everything in upper case; Kaldi has lower case.
"""

from __future__ import annotations

import re

# the dictionary's pronunciations of the letters
_LETTERS = """
A ey;B b iy;C s iy;D d iy;E iy;F eh f;G jh iy;H ey ch;I ay;J jh ey;K k ey;L eh l;M eh m;N eh n;O ow;
P p iy;Q k y uw;R aa r;S eh s;T t iy;U y uw;V v iy;W d ah b ax l y uw;X eh k s;Y w ay;Z z iy
"""
LETTERS = {row[:1]: row[2:] for row in _LETTERS.replace("\n", "").split(";")}
SPELT = re.compile(r"([A-Z]{2,})('?s)?")  # IBM, BBCs, BBC's

UNHEARD = {"[silence]", "<b_aside>", "<e_aside>"}
NOISES = {"[noise]", "[vocalized-noise]", "[laughter]"}
RULES = (
    (re.compile(r"(-?)\[laughter-(.+)\](-?)"), r"\1\2\3"),
    (re.compile(r"\[(.+)/.+\](-?)"), r"\1\2"),
    (re.compile(r"-?\[[^][]+\](.+)"), r"-\1"),
    (re.compile(r"(.+)\[[^][]+\]-?"), r"\1-"),
    (re.compile(r"([^][]+)\[.+\]"), r"\1"),
    (re.compile(r"\{(.+)\}"), r"\1"),
    (re.compile(r"(\w+)\[[^][]+\](\w.*)"), r"\1-\2"),
)


def spelt_words(dictionary: str) -> dict[str, str]:
    """Words of sw-ms98-dict.text that are pronounced letter by letter -> their letters."""
    # IBM ay b iy eh m
    found = {}
    for line in dictionary.splitlines():
        word, _, phones = line.strip().partition(" ")
        parts = SPELT.fullmatch(word)
        if parts is None:
            continue
        letters = " ".join(LETTERS[letter] for letter in parts[1])
        ends = (" s", " z", " ax z", " ih z") if parts[2] else ("",)
        if " ".join(phones.split()) in {letters + end for end in ends}:
            found[word] = " ".join(parts[1]) + (parts[2] or "")
    return found


def word_of(token: str) -> str:
    """One token of a transcript, as it was said."""
    for pattern, becomes in RULES:
        if found := pattern.fullmatch(token):
            token = found.expand(becomes)
    return re.sub(r"_\d", "", token)


def normalise(words: str, spelt: dict[str, str], keep_noises: bool = False) -> str:
    """A transcript in upper case; empty where nobody spoke.

    >>> normalise("[laughter-oh] i- [silence] IBM them_1 ab[solute]- [noise]", {"IBM": "I B M"})
    'OH I- I B M THEM AB-'
    """
    kept = []
    for token in words.split():
        low = token.lower()
        if low in UNHEARD or (low in NOISES and not keep_noises):
            continue
        word = token if low in NOISES else word_of(token)
        kept.append(spelt.get(word, word))
    return " ".join(kept).upper()
