"""From CTC emissions to the best word sequences, through flashlight-text.

Shapes: T frames, V tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from espnet_ext.config import UserError
from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.lexicon import Lexicon
from espnet_ext.decode.ngram import flashlight
from espnet_ext.decode.pieces import Options, PieceSearch
from espnet_ext.decode.units import (
    BLANK,
    SPACE,
    WORD_START,
    join,
    merge_repeats,
    unit_of,
    word_starts,
)

TOKENS_TRIED = 100  # letters: all; of word pieces those that can matter (fairseq's default)
CLOSED = -1e4  # log-probability of what must not happen; finite, as flashlight takes differences


@dataclass(frozen=True)
class Hypothesis:
    """`score` = `am_score` + lm_weight * `lm_score` + word_score * number of words.

    am_score: natural log of CTC's probability (of the best alignment where `log_add: false`).
    lm_score: of the LM in the search, sentence end included; an n-gram's is a log10.
    """

    words: tuple[str, ...]
    am_score: float
    lm_score: float
    score: float
    tokens: tuple[str, ...] = ()


class CTCSearch:
    """`search(emissions_TV, lm_weight, word_score)` of one conf, lexicon and LM; the weights may
    differ from call to call.

    Args:
        tokens: of the recogniser, `<blank>` among them. conf: as `read_conf` gives it.
        lexicon: where `conf.search` is `lexicon`: spellings in the recogniser's tokens.
        lm: flashlight's LM (`load_ngram`, or a neural one): its index i stands for `words[i]` in a
            lexicon search, for `tokens[i]` in another.

    Raises:
        UserError: no flashlight-text, or a lexicon for tokens that do not show where words begin.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        conf: DecodeConf,
        lexicon: Lexicon | None = None,
        lm=None,
    ):
        self.tokens, self.conf, self.lm = list(tokens), conf, lm
        self.unit, self.blank = unit_of(tokens), self.tokens.index(BLANK)
        self.index = {token: i for i, token in enumerate(self.tokens)}
        self.words = list(lexicon or ())
        self._made: tuple[tuple[float, float], object] | None = None
        if conf.search == "greedy":
            return
        self.flash = flashlight(f"search: {conf.search}")
        if lm is None:
            self.lm = self.flash.ZeroLM()
        if conf.search == "lexicon":
            self._take_lexicon(lexicon or {})

    def _take_lexicon(self, lexicon: Lexicon) -> None:
        """Letters: flashlight's tree of spellings, each closed by the boundary. Others: ours."""
        if self.unit == "word":
            raise UserError(
                f"search: lexicon: tokens such as {self.tokens[-1]!r} do not show where a word "
                f"begins (no {SPACE}, no {WORD_START}); use search: beam"
            )
        if self.unit == "bpe":
            self.pieces = PieceSearch(lexicon, self.index, self.words, self.lm, self.blank)
            return
        boundary = self.index[SPACE]
        self.trie = self.flash.Trie(len(self.tokens), boundary)
        start = self.lm.start(False)
        for i, word in enumerate(self.words):
            first = self.lm.score(start, i)[1]
            for spelling in lexicon[word]:
                self.trie.insert([*(self.index[token] for token in spelling), boundary], i, first)
        self.trie.smear(self.flash.SmearingMode.MAX)

    def search(
        self, emissions_TV, lm_weight: float | None = None, word_score: float | None = None
    ) -> list[Hypothesis]:
        """At most `conf.nbest` different word sequences, best first; never none.

        Args:
            emissions_TV: float32, natural log of probabilities. lm_weight, word_score: in place of
                the conf's.
        """
        own = self.conf.weights
        lm_weight = own[0] if lm_weight is None else lm_weight
        word_score = own[1] if word_score is None else word_score
        if self.conf.search == "greedy":
            return [self._greedy(np.asarray(emissions_TV))]
        if len(emissions_TV) == 0:
            return [Hypothesis((), 0.0, 0.0, 0.0)]
        finder = self._prefixes
        if self.conf.search == "lexicon":
            finder = self._lexicon if self.unit == "char" else self._pieces
        found: dict[tuple[str, ...], Hypothesis] = {}
        for hyp in finder(np.asarray(emissions_TV, dtype=np.float32), lm_weight, word_score):
            found.setdefault(hyp.words, hyp)  # flashlight's order is best first
            if len(found) == self.conf.nbest:
                break
        return list(found.values())

    def _greedy(self, emissions_TV: np.ndarray) -> Hypothesis:
        if len(emissions_TV) == 0:
            return Hypothesis((), 0.0, 0.0, 0.0)
        path = emissions_TV.argmax(-1)
        tokens = tuple(self.tokens[i] for i in merge_repeats(path.tolist(), self.blank))
        score = float(emissions_TV.max(-1).sum(dtype=np.float64))
        return Hypothesis(tuple(join(tokens, self.unit)), score, 0.0, score, tokens)

    def _lexicon(self, emissions_TV, lm_weight, word_score) -> Iterator[Hypothesis]:
        """flashlight's lexicon search. A word counts once its boundary has been read, and our
        recognisers emit none after the last word: a frame is added that is nothing else."""
        last_V = np.full((1, len(self.tokens)), CLOSED, dtype=np.float32)
        last_V[0, self.index[SPACE]] = 0.0
        for result in self._decode(np.concatenate([emissions_TV, last_V]), lm_weight, word_score):
            words = tuple(self.words[i] for i in result.words if i >= 0)
            lm_score = result.lmScore
            am_score = result.score - lm_weight * lm_score - word_score * len(words)
            if am_score < CLOSED / 2:  # inside a word: no hypothesis of the beam ends with one
                am_score -= CLOSED
            score = am_score + lm_weight * lm_score + word_score * len(words)
            tokens = tuple(self._tokens_of(result.tokens))
            yield Hypothesis(words, am_score, lm_score, score, tokens)

    def _pieces(self, emissions_TV, lm_weight, word_score) -> Iterator[Hypothesis]:
        conf = self.conf
        options = (conf.beam_size, self._n_tried, conf.beam_threshold, conf.log_add)
        for found in self.pieces.search(emissions_TV, lm_weight, word_score, Options(*options)):
            words = tuple(self.words[i] for i in found.words)
            am_score = found.score - lm_weight * found.lm_score - word_score * len(words)
            tokens = tuple(self.tokens[i] for i in found.tokens)
            yield Hypothesis(words, am_score, found.lm_score, found.score, tokens)

    def _prefixes(self, emissions_TV, lm_weight, word_score) -> Iterator[Hypothesis]:
        for result in self._decode(emissions_TV, lm_weight, word_score):
            tokens = tuple(self._tokens_of(result.tokens))
            words = join(tokens, self.unit)
            score = result.score
            if self._counts_words(word_score):
                lm_score = _score(self.lm, [self.index[token] for token in tokens])
            else:
                lm_score = result.lmScore
            am_score = score - lm_weight * lm_score - word_score * len(words)
            yield Hypothesis(tuple(words), am_score, lm_score, score, tokens)

    def _tokens_of(self, path: Sequence[int]) -> list[str]:
        # flashlight puts a filler before the first frame and one after the last
        return [self.tokens[i] for i in merge_repeats(list(path)[1:-1], self.blank)]

    def _decode(self, emissions_TV: np.ndarray, lm_weight: float, word_score: float):
        weights = (lm_weight, word_score)
        if self._made is None or self._made[0] != weights:
            make = self._tree_decoder if self.conf.search == "lexicon" else self._free_decoder
            self._made = (weights, make(*weights))
        emissions_TV = np.ascontiguousarray(emissions_TV)
        return self._made[1].decode(emissions_TV.ctypes.data, *emissions_TV.shape)

    @property
    def _n_tried(self) -> int:
        return min(len(self.tokens), self.conf.beam_size_token or TOKENS_TRIED)

    def _options(self, lm_weight: float) -> dict:
        return {
            "beam_size": self.conf.beam_size,
            "beam_size_token": self._n_tried,
            "beam_threshold": self.conf.beam_threshold,
            "lm_weight": lm_weight,
            "sil_score": 0.0,
            "log_add": self.conf.log_add,
            "criterion_type": self.flash.CriterionType.CTC,
        }

    def _tree_decoder(self, lm_weight: float, word_score: float):
        options = self.flash.LexiconDecoderOptions(
            word_score=word_score, unk_score=-math.inf, **self._options(lm_weight)
        )
        boundary = self.index[SPACE]
        return self.flash.LexiconDecoder(
            options, self.trie, self.lm, boundary, self.blank, -1, [], False
        )

    def _counts_words(self, word_score: float) -> bool:
        return word_score != 0.0

    def _free_decoder(self, lm_weight: float, word_score: float):
        lm, outer_weight = self.lm, lm_weight
        if self._counts_words(word_score):
            from espnet_ext.decode.token_lm import PerWord

            lm, outer_weight = PerWord(lm, lm_weight, word_score, *word_starts(self.tokens)), 1.0
        self._kept = lm  # flashlight does not hold on to a Python object
        options = self.flash.LexiconFreeDecoderOptions(**self._options(outer_weight))
        # flashlight's silence only matters with a score of its own; blank stands in
        return self.flash.LexiconFreeDecoder(options, lm, self.blank, self.blank, [])


def _score(lm, indices: Sequence[int]) -> float:
    state, total = lm.start(False), 0.0
    for i in indices:
        state, score = lm.score(state, i)
        total += score
    return total + lm.finish(state)[1]
