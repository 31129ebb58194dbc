"""The rules by which English is written alike in every corpus of a mix."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.data.english import is_spelt_out, normalise


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("It’s a “well-known” fact.", "IT'S A WELL KNOWN FACT"),
        ("AN L. C. D. FOR THE U.S.A.", "AN L C D FOR THE U S A"),
        ("mm-hmm UH-HUH mhm-mm, um-hmm th- the", "MM-HMM UH-HUH MHM-MM UM-HMM TH THE"),
        ("aluminum-hum uh-huh-uh", "ALUMINUM HUM UH HUH UH"),
        ("'tis 'em 'quoted words' the dogs' goin'", "'TIS 'EM QUOTED WORDS' THE DOGS' GOIN'"),
        ("<unk> [laughter] {uh} so", "SO"),
        ("café naïve Straße", "CAFE NAIVE STRASSE"),
        ("R&B, AT&T", "R AND B AT AND T"),
        ("twenty–five; a/b", "TWENTY FIVE A B"),
        ("… -- !", ""),
        ("in 1984", "IN 1984"),
    ],
)
def test_normalise(raw, words):
    assert normalise(raw) == words
    assert normalise(words) == words


@given(st.text(max_size=60))
def test_what_comes_out(text):
    words = normalise(text)
    assert words == " ".join(words.split()) and normalise(words) == words
    if is_spelt_out(words):
        assert re.fullmatch(r"[A-Z' -]*", words)


def test_is_spelt_out():
    assert is_spelt_out("MM-HMM IT'S") and not is_spelt_out("IN 1984") and not is_spelt_out("ЖЖ")
