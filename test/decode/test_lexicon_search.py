"""CTC search with words and language models against an enumeration of every alignment.

Independent of the search: each path of tokens is merged, read as words, scored by the ARPA's rows.
"""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from espnet_ext.config import UserError
from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.ngram import load_ngram
from espnet_ext.decode.search import CTCSearch

# tokens, and the words that have several spellings or spellings that begin alike
LETTERS = ["<blank>", "<space>", "A", "B"]
LETTER_WORDS = {"A": [("A",)], "AA": [("A", "A")], "BA": [("B", "A")], "B!": [("B",)]}
PIECES = ["<blank>", "▁A", "▁B", "A", "B"]
PIECE_WORDS = {"A": [("▁A",)], "AA": [("▁A", "A")], "BA": [("▁B", "A")], "AB": [("▁A", "B")]}


def write_bigram(path, words, seed: int) -> dict[tuple[str, ...], float]:
    """An ARPA with some bigrams; its rows, with back-offs under `(word, None)`."""
    rng = np.random.default_rng(seed)
    draw = lambda: round(-0.1 - 2 * float(rng.random()), 4)  # noqa: E731
    rows = {("</s>",): draw(), ("<unk>",): -3.0, ("<s>",): -99.0}
    rows |= {(word,): draw() for word in words}
    rows |= {(word, None): draw() / 4 for word in ("<s>", *words)}
    pairs = [("<s>", words[0]), (words[0], words[1]), (words[1], words[1]), (words[2], "</s>")]
    rows |= {pair: draw() / 3 for pair in pairs}
    singles = [key for key in rows if len(key) == 1]
    lines = ["\\data\\", f"ngram 1={len(singles)}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    lines += [f"{rows[k]}\t{k[0]}\t{rows.get((*k, None), 0.0)}" for k in singles]
    lines += ["", "\\2-grams:", *(f"{rows[pair]}\t{' '.join(pair)}" for pair in pairs), ""]
    path.write_text("\n".join([*lines, "\\end\\", ""]))
    return rows


def sentence_score(rows, units) -> float:
    total = 0.0
    for pair in itertools.pairwise(("<s>", *units, "</s>")):
        total += rows[pair] if pair in rows else rows[(pair[0], None)] + rows[(pair[1],)]
    return total


def totals_by_reading(emissions_TV, read, add: bool) -> dict[tuple[str, ...], float]:
    """log of the summed (or largest) probability of the alignments of every reading."""
    logs = defaultdict(list)
    n_frames, n_tokens = emissions_TV.shape
    for path in itertools.product(range(n_tokens), repeat=n_frames):
        merged = [token for token, _ in itertools.groupby(path) if token != 0]
        if (reading := read(merged)) is not None:
            logs[reading].append(sum(float(emissions_TV[t, i]) for t, i in enumerate(path)))
    return {r: float(np.logaddexp.reduce(v)) if add else max(v) for r, v in logs.items()}


def as_words(tokens, words):
    """Token ids to the words they spell, None where one is not in the lexicon."""
    of_spelling = {spelling: word for word, spellings in words.items() for spelling in spellings}

    def read(ids):
        groups, spelled = [], [tokens[i] for i in ids]
        for token in spelled:
            if token == "<space>":
                groups.append(())
            elif token.startswith("▁") or not groups:
                groups.append((token,))
            else:
                groups[-1] += (token,)
        found = [of_spelling.get(group) for group in groups if group]
        return None if None in found else tuple(found)

    return read


def random_emissions(rng, n_frames: int, n_tokens: int):
    logits_TV = rng.normal(size=(n_frames, n_tokens)) * 1.5
    logs_TV = logits_TV - np.logaddexp.reduce(logits_TV, axis=1, keepdims=True)
    return logs_TV.astype(np.float32)


@pytest.mark.parametrize("log_add", [True, False])
@pytest.mark.parametrize(
    ("tokens", "words", "n_frames"), [(LETTERS, LETTER_WORDS, 6), (PIECES, PIECE_WORDS, 5)]
)
def test_lexicon_search_finds_what_an_enumeration_finds(tmp_path, tokens, words, n_frames, log_add):
    rows = write_bigram(tmp_path / "lm.arpa", list(words), seed=1)
    conf = DecodeConf(
        search="lexicon", beam_size=4000, beam_threshold=1e6, nbest=5, log_add=log_add
    )
    search = CTCSearch(tokens, conf, words, load_ngram(tmp_path / "lm.arpa", list(words)))
    rng = np.random.default_rng(0)
    winners = set()
    for lm_weight, word_score in [(0.0, 0.0), (1.5, -0.5), (3.0, 2.0)] * 2:
        emissions_TV = random_emissions(rng, n_frames, len(tokens))
        am = totals_by_reading(emissions_TV, as_words(tokens, words), log_add)
        total = {r: am[r] + lm_weight * sentence_score(rows, r) + word_score * len(r) for r in am}
        found = search.search(emissions_TV, lm_weight, word_score)
        best = sorted(total, key=total.get, reverse=True)[:5]
        assert [hyp.words for hyp in found] == best
        for hyp in found:
            assert hyp.score == pytest.approx(total[hyp.words], abs=1e-3)
            assert hyp.am_score == pytest.approx(am[hyp.words], abs=1e-3)
            assert hyp.lm_score == pytest.approx(sentence_score(rows, hyp.words), abs=1e-3)
        winners.add(found[0].words)
    assert len(winners) > 2


@pytest.mark.parametrize("tokens", [LETTERS, PIECES])
@pytest.mark.parametrize("word_score", [0.0, 0.7])
def test_search_without_lexicon_takes_an_lm_over_tokens(tmp_path, tokens, word_score):
    rows = write_bigram(tmp_path / "lm.arpa", tokens[1:], seed=2)
    conf = DecodeConf(search="beam", beam_size=4000, beam_threshold=1e6, nbest=1, ngram="lm.arpa")
    search = CTCSearch(tokens, conf, lm=load_ngram(tmp_path / "lm.arpa", tokens))
    emissions_TV = random_emissions(np.random.default_rng(3), 5, len(tokens))
    am = totals_by_reading(emissions_TV, lambda ids: tuple(tokens[i] for i in ids), add=True)

    def n_words(reading):
        return len("".join(reading).replace("<space>", " ").replace("▁", " ").split())

    total = {r: am[r] + 1.2 * sentence_score(rows, r) + word_score * n_words(r) for r in am}
    best = max(total, key=total.get)
    found = search.search(emissions_TV, 1.2, word_score)[0]
    assert found.tokens == best
    assert found.score == pytest.approx(total[best], abs=1e-3)
    assert found.am_score == pytest.approx(am[best], abs=1e-3)


def test_a_last_word_needs_no_boundary_and_a_broken_one_is_left_out():
    """Sure of B, A: one word though no <space> follows; of B, A, A without a blank: also BA."""
    conf = DecodeConf(search="lexicon", lexicon="x", beam_size=10)
    for tokens, words in ((LETTERS, LETTER_WORDS), (PIECES, PIECE_WORDS)):
        search = CTCSearch(tokens, conf, words)
        first, second = [(tokens.index(t)) for t in words["BA"][0]]
        for path, expected in (
            ([first, second], ("BA",)),
            ([first, second, second], ("BA",)),
            ([first, second, second, 0], ("BA",)),
            ([0, 0], ()),
        ):
            emissions_TV = np.full((len(path), len(tokens)), -30.0, dtype=np.float32)
            emissions_TV[np.arange(len(path)), path] = 0.0
            best = search.search(emissions_TV)[0]
            assert best.words == expected
            assert best.score == pytest.approx(0.0, abs=1e-3)
        assert search.search(np.zeros((0, len(tokens)), dtype=np.float32))[0].words == ()
    only_long = CTCSearch(LETTERS, conf, {"BA": [("B", "A")]})
    emissions_TV = np.full((2, 4), -3000.0, dtype=np.float32)
    emissions_TV[[0, 1], [2, 2]] = 0.0
    best = only_long.search(emissions_TV)[0]
    assert best.words in ((), ("BA",)) and math.isfinite(best.score)


def test_words_without_a_mark_of_their_beginning_are_refused():
    conf = DecodeConf(search="lexicon", lexicon="x")
    with pytest.raises(UserError, match="do not show where a word begins"):
        CTCSearch(["<blank>", "aa", "b"], conf, {"AB": [("aa", "b")]})
