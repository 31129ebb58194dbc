"""The search of word pieces against flashlight's lexicon-free one with the lexicon as its LM.

Narrow beams, so that what is dropped, and when, must be the same. (That wide ones find what an
enumeration finds is in test_lexicon_search.py.)
"""

import numpy as np
import pytest

from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.ngram import load_ngram
from espnet_ext.decode.search import CTCSearch

decoder = pytest.importorskip("flashlight.lib.text.decoder")

from espnet_ext.decode.token_lm import CachedLM  # noqa: E402  (derives from flashlight's)

NEVER = -1e9
STARTS, INNER = [f"▁{c}" for c in "ABCDEF"], [c * n for n in (1, 2) for c in "ABCDEF"]
TOKENS = ["<blank>", *STARTS, *INNER]
BLANK = 0


class SpelledWords(CachedLM):
    """Words as sequences of pieces, and a weighted LM over them that looks ahead by unigrams."""

    def __init__(self, lexicon, words, lm, lm_weight, word_score):
        super().__init__()
        self.lm, self.lm_weight, self.word_score = lm, lm_weight, word_score
        self.word_of, self.ahead = {}, {(): 0.0}
        start = lm.start(False)
        for i, word in enumerate(words):
            for spelling in lexicon[word]:
                ids = tuple(TOKENS.index(token) for token in spelling)
                self.word_of[ids] = i
                for n in range(1, len(ids) + 1):
                    first = lm.score(start, i)[1]
                    self.ahead[ids[:n]] = max(self.ahead.get(ids[:n], -1e30), first)

    def first(self):
        return (), self.lm.start(False)

    def step(self, known, token):
        part, state = known
        longer = (*part, token)
        if longer in self.ahead:
            return (longer, state), self.lm_weight * (self.ahead[longer] - self.ahead[part])
        if part not in self.word_of or (token,) not in self.ahead:
            return known, NEVER
        state, score = self.ended(part, state)
        return ((token,), state), score + self.lm_weight * self.ahead[(token,)]

    def ended(self, part, state):
        state, score = self.lm.score(state, self.word_of[part])
        return state, self.lm_weight * (score - self.ahead[part]) + self.word_score

    def end(self, known):
        part, state = known
        score = 0.0
        if part:
            if part not in self.word_of:
                return NEVER
            state, score = self.ended(part, state)
        return score + self.lm_weight * self.lm.finish(state)[1]


def by_flashlight(emissions_TV, conf, lm) -> list[tuple[tuple[str, ...], float]]:
    """(tokens, score), best first."""
    options = decoder.LexiconFreeDecoderOptions(
        beam_size=conf.beam_size,
        beam_size_token=conf.beam_size_token,
        beam_threshold=conf.beam_threshold,
        lm_weight=1.0,
        sil_score=0.0,
        log_add=conf.log_add,
        criterion_type=decoder.CriterionType.CTC,
    )
    search = decoder.LexiconFreeDecoder(options, lm, BLANK, BLANK, [])
    found = []
    for result in search.decode(emissions_TV.ctypes.data, *emissions_TV.shape):
        path = np.array([i for i in result.tokens if i >= 0])
        path = path[np.append(True, path[1:] != path[:-1])]
        found.append((tuple(TOKENS[i] for i in path if i != BLANK), result.score))
    return found


def words_and_lm(path, rng):
    """60 words of one to three pieces, some the beginning of others, and a bigram over them."""
    lexicon = {}
    while len(lexicon) < 60:
        inner = rng.choice(INNER, size=rng.integers(0, 3)).tolist()
        spelling = (str(rng.choice(STARTS)), *inner)
        lexicon["".join(spelling)[1:] + f"#{len(inner)}"] = [spelling]
    lexicon = {word: [own] for own, word in {v[0]: k for k, v in lexicon.items()}.items()}
    words = list(lexicon)
    rows = ["-1.5\t</s>\t0\n-99\t<s>\t-0.3\n-4\t<unk>\t0\n"]
    rows += [f"{-0.5 - 3 * rng.random():.3f}\t{word}\t-0.3\n" for word in words]
    pairs = sorted({tuple(rng.choice(words, 2).tolist()) for _ in range(200)})
    lines = [f"{-0.2 - rng.random():.3f}\t{one} {two}\n" for one, two in pairs]
    head = f"\\data\\\nngram 1={len(rows[0].splitlines()) + len(words)}\nngram 2={len(lines)}\n\n"
    path.write_text("".join([head, "\\1-grams:\n", *rows, "\n\\2-grams:\n", *lines, "\n\\end\\\n"]))
    return lexicon, words, load_ngram(path, words)


@pytest.mark.parametrize("log_add", [True, False])
def test_the_same_hypotheses_as_flashlights(tmp_path, log_add):
    rng = np.random.default_rng(7)
    lexicon, words, lm = words_and_lm(tmp_path / "lm.arpa", rng)
    n_found = 0
    for beam_size, tried, threshold in [(4, 19, 50.0), (12, 8, 20.0), (40, 12, 6.0)]:
        conf = DecodeConf(
            search="lexicon",
            lexicon="x",
            beam_size=beam_size,
            beam_size_token=tried,
            beam_threshold=threshold,
            log_add=log_add,
            nbest=beam_size,
        )
        search = CTCSearch(TOKENS, conf, lexicon, lm)
        for lm_weight, word_score in [(0.0, 0.0), (1.3, -0.7), (2.5, 1.0)]:
            logits_TV = rng.normal(size=(24, len(TOKENS))) * 2.5
            logits_TV[:, 0] += 2.0
            emissions_TV = logits_TV - np.logaddexp.reduce(logits_TV, axis=1, keepdims=True)
            emissions_TV = emissions_TV.astype(np.float32)
            oracle = SpelledWords(lexicon, words, lm, lm_weight, word_score)
            expected = by_flashlight(emissions_TV, conf, oracle)
            found = search.search(emissions_TV, lm_weight, word_score)
            assert [hyp.tokens for hyp in found] == [tokens for tokens, _ in expected]
            assert [hyp.score for hyp in found] == pytest.approx([s for _, s in expected], abs=1e-4)
            n_found += len(found)
    assert n_found > 60


def test_a_frame_whose_tokens_fit_nothing_passes_as_a_blank():
    """One token tried a frame, and it can begin no word."""
    conf = DecodeConf(search="lexicon", lexicon="x", beam_size=5, beam_size_token=1)
    search = CTCSearch(TOKENS, conf, {"A": [("▁A",)]})
    emissions_TV = np.full((3, len(TOKENS)), -9.0, dtype=np.float32)
    for frame, token in enumerate(("BB", "▁A", "BB")):
        emissions_TV[frame, TOKENS.index(token)] = 0.0
    assert search.search(emissions_TV)[0].words == ("A",)
