"""Language models over tokens in Python, for flashlight's lexicon-free search.

Imported only where a search needs one: the classes derive from flashlight's.
"""

from __future__ import annotations

from typing import Any

from flashlight.lib.text.decoder import LM, LMState


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
