"""Language models over tokens in Python, for flashlight's lexicon-free search.

Imported only where a search needs one: the classes derive from flashlight's.
"""

from __future__ import annotations

import math
from typing import Any

from flashlight.lib.text.decoder import LM, LMState

from espnet_ext.decode.lexicon import Lexicon

NEVER = -1e9  # not -inf: flashlight multiplies by the LM's weight, and 0 * inf is nan


class CachedLM(LM):
    """flashlight asks for the same token after the same tokens again and again: each answer is
    worked out once per utterance.

    A subclass says what is known after some tokens (`first`, then what `step` returns).
    """

    def __init__(self):
        LM.__init__(self)
        self._known: dict[LMState, Any] = {}
        self._next: dict[tuple[LMState, int], tuple[LMState, float]] = {}
        self._end: dict[LMState, float] = {}

    def first(self) -> Any:
        """What is known before the first token."""
        raise NotImplementedError

    def step(self, known: Any, token: int) -> tuple[Any, float]:
        """What is known after one more token, and the token's score."""
        raise NotImplementedError

    def end(self, known: Any) -> float:
        """Score of the sentence's end."""
        raise NotImplementedError

    def start(self, _start_with_nothing: bool) -> LMState:
        self._next.clear()
        self._end.clear()
        self._known.clear()
        state = LMState()
        self._known[state] = self.first()
        return state

    def score(self, state: LMState, token: int) -> tuple[LMState, float]:
        found = self._next.get((state, token))
        if found is None:
            known, score = self.step(self._known[state], token)
            after = state.child(token)
            self._known[after] = known
            found = self._next[state, token] = (after, score)
        return found

    def finish(self, state: LMState) -> tuple[LMState, float]:
        if state not in self._end:
            self._end[state] = self.end(self._known[state])
        return state, self._end[state]


class PerWord(CachedLM):
    """A weighted LM over tokens, and a score for each word: the lexicon-free search has none.

    Args:
        lm: flashlight's LM over tokens. starts: whether a token always begins a word, by index.
            Any other begins one at the start and after the boundary. boundary: index of `<space>`.
    """

    def __init__(self, lm: LM, lm_weight: float, word_score: float, starts, boundary: int):
        super().__init__()
        self.lm, self.lm_weight, self.word_score = lm, lm_weight, word_score
        self.starts, self.boundary = starts, boundary

    def first(self):
        return self.lm.start(False), True

    def step(self, known, token):
        state, at_boundary = known
        after, score = self.lm.score(state, token)
        starts = self.starts[token] or (at_boundary and token != self.boundary)
        score = self.lm_weight * score + (self.word_score if starts else 0.0)
        return (after, token == self.boundary), score

    def end(self, known):
        return self.lm_weight * self.lm.finish(known[0])[1]


class _Node:
    """Of the tree of spellings. `ahead`: the best word below, as a sentence's first word."""

    __slots__ = ("ahead", "children", "word")

    def __init__(self):
        self.children: dict[int, _Node] = {}
        self.word: int | None = None
        self.ahead = -math.inf


class SpelledWords(CachedLM):
    """Only words of a lexicon, each begun by a piece with `▁`; an LM over words, weighted.

    flashlight's own lexicon search cannot hold the last piece of a word for a second frame, for
    which CTC gives much of its mass; through this one its lexicon-free search is exact. It is
    Python, and far slower than letters are: beam_size 50 with beam_size_token 30 is a good place.

    Args:
        lexicon: word -> spellings. index: of a token. words: in the order of the LM's indices.
        lm: flashlight's LM over words.
    """

    def __init__(self, lexicon: Lexicon, index: dict[str, int], words: list[str], lm: LM):
        super().__init__()
        self.lm, self.lm_weight, self.word_score = lm, 0.0, 0.0
        self.root = _Node()
        start = lm.start(False)
        for i, word in enumerate(words):
            first = lm.score(start, i)[1]
            for spelling in lexicon[word]:
                self._insert([index[token] for token in spelling], i, first)

    def _insert(self, spelling: list[int], word: int, first_score: float) -> None:
        node = self.root
        for token in spelling:
            node = node.children.setdefault(token, _Node())
            node.ahead = max(node.ahead, first_score)
        node.word = word

    def weigh(self, lm_weight: float, word_score: float) -> None:
        self.lm_weight, self.word_score = lm_weight, word_score

    def words_of(self, tokens: list[int]) -> list[int]:
        """Words spelled by tokens, less a last one that the utterance broke off."""
        words: list[int] = []
        node = self.root
        for token in tokens:
            if token in node.children:
                node = node.children[token]
                continue
            words += [] if node.word is None else [node.word]
            node = self.root.children.get(token, self.root)
        return words + ([] if node.word is None else [node.word])

    def first(self):
        return self.root, self.lm.start(False)

    def step(self, known, token):
        node, state = known
        if token in node.children:
            after = node.children[token]
            ahead = 0.0 if node is self.root else node.ahead
            return (after, state), self.lm_weight * (after.ahead - ahead)
        if token not in self.root.children or node.word is None:
            return known, NEVER
        state, score = self._finished(node, state)
        after = self.root.children[token]
        return (after, state), score + self.lm_weight * after.ahead

    def _finished(self, node, state):
        """The word that ends at a node: its own score in place of what was looked ahead."""
        state, score = self.lm.score(state, node.word)
        return state, self.lm_weight * (score - node.ahead) + self.word_score

    def end(self, known):
        node, state = known
        score = 0.0
        if node is not self.root:
            if node.word is None:
                return NEVER
            state, score = self._finished(node, state)
        return score + self.lm_weight * self.lm.finish(state)[1]
