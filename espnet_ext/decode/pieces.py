"""CTC search for the words of a lexicon that are spelled in word pieces.

flashlight's own lexicon search cannot hold the last piece of a word for a second frame, for which
CTC gives much of its mass. Its lexicon-free search can, and is exact with the lexicon as its
language model; but that is one call of Python for every hypothesis and token of every frame, nearly
all to hear that no word goes on so. Here the same search steps a frame at a time through arrays,
and only what the lexicon allows is looked at.

Shapes: T frames, V tokens, H hypotheses, C candidates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from espnet_ext.decode.lexicon import Lexicon


class Options(NamedTuple):
    """Of `DecodeConf`; tokens_tried: at each frame, the likeliest, blank among them or not."""

    beam_size: int
    tokens_tried: int
    beam_threshold: float
    log_add: bool


class Found(NamedTuple):
    """Indices of words and tokens; the LM's score, sentence end included; the whole score."""

    words: tuple[int, ...]
    tokens: tuple[int, ...]
    lm_score: float
    score: float


class _Tree:
    """Spellings. Node 0 is the root; `ahead_N`: the best word below, as a sentence's first word."""

    def __init__(self):
        self.children: list[dict[int, int]] = [{}]
        self.words, self.aheads = [-1], [-math.inf]

    def insert(self, spelling: Sequence[int], word: int, ahead: float) -> None:
        node = 0
        for token in spelling:
            if token not in self.children[node]:
                self.children[node][token] = len(self.children)
                self.children.append({})
                self.words.append(-1)
                self.aheads.append(-math.inf)
            node = self.children[node][token]
            self.aheads[node] = max(self.aheads[node], ahead)
        self.words[node] = word

    def close(self) -> None:
        """Make arrays: the children of node n are entries first_N[n] to first_N[n + 1]."""
        self.first_N = np.cumsum([0, *map(len, self.children)])
        self.token_E = np.array([token for own in self.children for token in own], dtype=np.int64)
        self.node_E = np.array([node for own in self.children for node in own.values()], np.int64)
        self.ahead_N = np.array([0.0, *self.aheads[1:]])


@dataclass(slots=True)
class _Prefix:
    """Tokens of a hypothesis: those of `parent` and one more.

    `node` is where its last word stands in the tree, `words` the ones before that, `lm_state` and
    `lm_score` the LM's after them. If the last word can end here, `after` is the LM's state and
    score then, `word_gain` what that adds to the search's score.
    """

    parent: int
    token: int
    node: int
    words: tuple[int, ...]
    lm_state: Any
    lm_score: float
    after: tuple[Any, float] | None = None
    word_gain: float = 0.0


class PieceSearch:
    """`search(emissions_TV, lm_weight, word_score, options)`: what flashlight's lexicon-free search
    finds where the lexicon and the LM over its words are its LM.

    Args:
        lexicon: word -> spellings; a word's first piece, and no other, begins with `▁`.
        index: of a token. words: in the order of the LM's indices. lm: flashlight's, over words.
    """

    def __init__(
        self, lexicon: Lexicon, index: dict[str, int], words: Sequence[str], lm, blank: int
    ):
        self.lm, self.blank, self.n_tokens = lm, blank, len(index)
        self.tree, start = _Tree(), lm.start(False)
        for i, word in enumerate(words):
            first = lm.score(start, i)[1]
            for spelling in lexicon[word]:
                self.tree.insert([index[token] for token in spelling], i, first)
        self.tree.close()

    def search(
        self, emissions_TV: np.ndarray, lm_weight: float, word_score: float, options: Options
    ) -> list[Found]:
        """Best first; words that the utterance broke off are left out.

        Args:
            emissions_TV: natural log of probabilities.
        """
        self.weights, self.options = (lm_weight, word_score), options
        self.prefixes = [_Prefix(-1, self.blank, 0, (), self.lm.start(False), 0.0)]
        self.longer: dict[int, int] = {}
        beam = np.zeros(1, np.int64), np.ones(1, bool), np.zeros(1)
        for row_V in emissions_TV.astype(np.float64):
            beam = self._step(row_V, *beam)
        return self._end(*beam)

    def _step(self, row_V, prefix_H, blank_H, score_H):
        """One frame more. blank_H: whether the last frame was blank, so that a piece may repeat.

        A candidate's key tells where it comes to: -1 - prefix after blank, else parent * V + token.
        """
        tried_V = np.zeros(len(row_V), bool)
        tried_V[np.argsort(-row_V, kind="stable")[: self.options.tokens_tried]] = True
        own = [self.prefixes[i] for i in prefix_H]
        last_H = np.array([prefix.token for prefix in own])
        stayed = -1 - prefix_H, score_H + row_V[self.blank]
        held_H = ~blank_H & tried_V[last_H]
        parent_H = np.array([prefix.parent for prefix in own])
        keys = [(parent_H * len(row_V) + last_H)[held_H]]
        scores = [(score_H + row_V[last_H])[held_H]]
        if tried_V[self.blank]:
            keys.append(stayed[0])
            scores.append(stayed[1])
        # a piece of the same word, and the first one of another
        node_H = np.array([prefix.node for prefix in own])
        ended_H = np.array([prefix.after is not None for prefix in own])
        gain_H = np.array([prefix.word_gain for prefix in own])
        ends = np.flatnonzero(ended_H)
        for at_X, node_X, start_X in (
            (np.arange(len(own)), node_H, score_H),
            (ends, np.zeros_like(ends), (score_H + gain_H)[ends]),
        ):
            which_C, entry_C = self._children(node_X)
            token_C, hyp_C = self.tree.token_E[entry_C], at_X[which_C]
            may_C = tried_V[token_C] & ((token_C != last_H[hyp_C]) | blank_H[hyp_C])
            which_C, entry_C, token_C, hyp_C = (
                x_C[may_C] for x_C in (which_C, entry_C, token_C, hyp_C)
            )
            ahead_C = self.tree.ahead_N[self.tree.node_E[entry_C]]
            ahead_C = ahead_C - self.tree.ahead_N[node_X[which_C]]
            keys.append(prefix_H[hyp_C] * len(row_V) + token_C)
            scores.append(start_X[which_C] + row_V[token_C] + self.weights[0] * ahead_C)
        key_C, score_C = np.concatenate(keys), np.concatenate(scores)
        if not len(key_C):  # no token that was tried fits a hypothesis: the frame passes as a blank
            key_C, score_C = stayed
        key_H, score_H = self._best(key_C, score_C)
        blank_H = key_H < 0
        prefix_H = [self._prefix(key) if key >= 0 else -1 - key for key in key_H.tolist()]
        return np.array(prefix_H), blank_H, score_H

    def _children(self, node_X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every child of every node: whose it is, and its entry in the tree."""
        first_X = self.tree.first_N[node_X]
        n_X = self.tree.first_N[node_X + 1] - first_X
        which_C = np.repeat(np.arange(len(node_X)), n_X)
        return which_C, np.arange(len(which_C)) + np.repeat(first_X - np.cumsum(n_X) + n_X, n_X)

    def _best(self, key_C: np.ndarray, score_C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The beam: what leads to the same place added up, or its best."""
        keep_C = score_C > score_C.max() - self.options.beam_threshold
        key_C, score_C = key_C[keep_C], score_C[keep_C]
        order_C = np.argsort(key_C, kind="stable")
        key_C, score_C = key_C[order_C], score_C[order_C]
        first_K = np.flatnonzero(np.append(True, key_C[1:] != key_C[:-1]))
        best_K = np.maximum.reduceat(score_C, first_K)
        if self.options.log_add:
            n_K = np.diff(np.append(first_K, len(key_C)))
            best_K += np.log(np.add.reduceat(np.exp(score_C - np.repeat(best_K, n_K)), first_K))
        chosen = np.argsort(-best_K, kind="stable")[: self.options.beam_size]
        return key_C[first_K[chosen]], best_K[chosen]

    def _prefix(self, key: int) -> int:
        if key in self.longer:
            return self.longer[key]
        parent, token = divmod(key, self.n_tokens)
        before = self.prefixes[parent]
        words, state = before.words, (before.lm_state, before.lm_score)
        node = self.tree.children[before.node].get(token)
        if node is None:
            words, state = (*words, self.tree.words[before.node]), before.after
            node = self.tree.children[0][token]
        found = _Prefix(parent, token, node, words, *state)
        word = self.tree.words[node]
        if word >= 0:
            after, score = self.lm.score(found.lm_state, word)
            found.after = after, found.lm_score + score
            lm_weight, word_score = self.weights
            found.word_gain = lm_weight * (score - self.tree.ahead_N[node]) + word_score
        self.longer[key] = len(self.prefixes)
        self.prefixes.append(found)
        return self.longer[key]

    def _end(self, prefix_H, blank_H, score_H) -> list[Found]:
        """Hypotheses that end in a whole word; where there is none, all, without the broken one."""
        whole_H = np.array([self._is_whole(self.prefixes[i]) for i in prefix_H])
        if whole_H.any():
            prefix_H, score_H = prefix_H[whole_H], score_H[whole_H]
        lm_weight, _ = self.weights
        finished: dict[int, Found] = {}
        gain = {}
        for i in sorted(set(prefix_H.tolist())):
            prefix = self.prefixes[i]
            words, (state, lm_score) = prefix.words, (prefix.lm_state, prefix.lm_score)
            gain[i] = -lm_weight * self.tree.ahead_N[prefix.node]
            if prefix.after is not None:
                words, (state, lm_score) = (*words, self.tree.words[prefix.node]), prefix.after
                gain[i] = prefix.word_gain
            last = self.lm.finish(state)[1]
            gain[i] += lm_weight * last
            finished[i] = Found(words, self._tokens(i), lm_score + last, 0.0)
        key_H, score_H = self._best(prefix_H, score_H + [gain[i] for i in prefix_H.tolist()])
        return [
            finished[i]._replace(score=score)
            for i, score in zip(key_H.tolist(), score_H.tolist(), strict=True)
        ]

    @staticmethod
    def _is_whole(prefix: _Prefix) -> bool:
        return prefix.node == 0 or prefix.after is not None

    def _tokens(self, i: int) -> tuple[int, ...]:
        tokens = []
        while i:
            tokens.append(self.prefixes[i].token)
            i = self.prefixes[i].parent
        return tuple(reversed(tokens))
