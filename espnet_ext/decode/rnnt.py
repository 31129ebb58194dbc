"""RNN-T beam search, with a language model over tokens where one is given.

ESPnet's own (`default`) does not add up the alignments of a labelling: each stays a hypothesis of
its own, so that they crowd each other out of the beam and an n-best list repeats itself.

Shapes: T frames, D dimensions, V tokens, N hypotheses.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from espnet_ext.decode.search import Hypothesis
from espnet_ext.decode.units import join, unit_of, word_starts


@dataclass(slots=True)
class _Prefix:
    """Labels of hypotheses and what follows from them alone; `am_score`: all their alignments."""

    tokens: tuple[int, ...]
    am_score: float
    out_D: Tensor
    state: tuple[Tensor, Tensor | None]
    lm_state: Any = None
    lm_score: float = 0.0
    n_words: int = 0
    gain: float = 0.0  # of LM and word score

    @property
    def score(self) -> float:
        return self.am_score + self.gain


class RNNTBeam:
    """`search(encoded_TD)`: hypotheses, best first.

    Frame by frame (Saon et al. 2020's time-synchronous search): after each, the likeliest
    labellings are kept, the alignments of each added up (as in Graves 2012, algorithm 1).

    Args:
        decoder, joint: ESPnet's TransducerDecoder and JointNetwork. tokens: of the recogniser.
        lm: flashlight's LM over these tokens. beam_size: labellings kept after each frame.
        tokens_tried: the likeliest, of each hypothesis. max_symbols: emitted at one frame.
        by_length: choose by score over length, the blank that all begin with counted, as Graves
            does; an LM or a word score sees to the length itself.
    """

    def __init__(
        self,
        decoder,
        joint,
        tokens: Sequence[str],
        beam_size: int,
        lm=None,
        lm_weight: float = 0.0,
        word_score: float = 0.0,
        tokens_tried: int = 100,
        max_symbols: int = 10,
        by_length: bool = True,
    ):
        self.decoder, self.joint, self.tokens, self.lm = decoder, joint, tokens, lm
        self.beam_size, self.max_symbols, self.by_length = beam_size, max_symbols, by_length
        self.lm_weight, self.word_score = lm_weight, word_score
        self.unit, self.blank = unit_of(tokens), decoder.blank_id
        self.tokens_tried = min(tokens_tried, len(tokens) - 1)
        self.starts, self.boundary = word_starts(tokens)

    @torch.no_grad()
    def search(self, encoded_TD: Tensor) -> list[Hypothesis]:
        """At most `beam_size` labellings."""
        self.decoder.set_device(encoded_TD.device)
        out_ND, state = self._predict([self.blank], self.decoder.init_state(1))
        lm_state = self.lm.start(False) if self.lm else None
        beam = [_Prefix((), 0.0, out_ND[0], _rows(state, [0]), lm_state)]
        for frame_D in encoded_TD:
            beam = self._step(frame_D, beam)
        found = [self._ended(prefix) for prefix in beam]
        rank = self._score_by_length if self.by_length else lambda hyp: hyp.score
        return sorted(found, key=rank, reverse=True)

    def _step(self, frame_D: Tensor, beam: list[_Prefix]) -> list[_Prefix]:
        kept: dict[tuple[int, ...], _Prefix] = {}
        longer = beam
        for more in range(self.max_symbols, -1, -1):
            out_ND = torch.stack([prefix.out_D for prefix in longer])
            log_probs_NV = self.joint(frame_D.expand(len(longer), -1), out_ND).log_softmax(-1)
            blanks = log_probs_NV[:, self.blank].tolist()
            for prefix, blank in zip(longer, blanks, strict=True):
                score = prefix.am_score + blank
                if prefix.tokens in kept:
                    score = float(np.logaddexp(score, kept[prefix.tokens].am_score))
                kept[prefix.tokens] = replace(prefix, am_score=score)
            longer = self._extend(longer, log_probs_NV, kept) if more else []
            if not longer:
                break
        return heapq.nlargest(self.beam_size, kept.values(), key=lambda prefix: prefix.score)

    def _extend(self, beam, log_probs_NV, kept) -> list[_Prefix]:
        """The best that are a token longer, as far as they may come into the beam."""
        log_probs_NV[:, self.blank] = -torch.inf
        best_NK, tried_NK = log_probs_NV.topk(self.tokens_tried)
        candidates = []
        for row, (prefix, best, tried) in enumerate(
            zip(beam, best_NK.tolist(), tried_NK.tolist(), strict=True)
        ):
            for log_prob, token in zip(best, tried, strict=True):
                of_lm = self._of_lm(prefix, token)
                am_score = prefix.am_score + log_prob
                candidates.append((am_score + of_lm[-1], row, token, am_score, of_lm))
        best = heapq.nlargest(self.beam_size, candidates, key=lambda candidate: candidate[0])
        if len(kept) >= self.beam_size:
            scores = (prefix.score for prefix in kept.values())
            least = heapq.nlargest(self.beam_size, scores)[-1]
            best = [candidate for candidate in best if candidate[0] > least]
        if not best:
            return []
        rows = [row for _, row, *_ in best]
        before = _together([beam[row].state for row in rows])
        out_ND, state = self._predict([token for _, _, token, *_ in best], before)
        return [
            _Prefix((*beam[row].tokens, token), am_score, out_ND[i], _rows(state, [i]), *of_lm)
            for i, (_, row, token, am_score, of_lm) in enumerate(best)
        ]

    def _of_lm(self, prefix: _Prefix, token: int) -> tuple[Any, float, int, float]:
        """State, score, words and gain of a prefix and one more token."""
        at_boundary = not prefix.tokens or prefix.tokens[-1] == self.boundary
        starts = self.starts[token] or (at_boundary and token != self.boundary)
        n_words, lm_state, lm_score = prefix.n_words + starts, None, 0.0
        if self.lm:
            lm_state, score = self.lm.score(prefix.lm_state, token)
            lm_score = prefix.lm_score + score
        return lm_state, lm_score, n_words, self._gain(lm_score, n_words)

    def _gain(self, lm_score: float, n_words: int) -> float:
        return self.lm_weight * lm_score + self.word_score * n_words

    def _predict(self, tokens: list[int], state):
        """The prediction network, a token further: (N, D), state."""
        ids_N1 = torch.tensor(tokens, device=self.decoder.device)[:, None]
        out_N1D, state = self.decoder.rnn_forward(self.decoder.embed(ids_N1), state)
        return out_N1D[:, 0], state

    def _ended(self, prefix: _Prefix) -> Hypothesis:
        lm_score = prefix.lm_score
        if self.lm:
            lm_score += self.lm.finish(prefix.lm_state)[1]
        tokens = tuple(self.tokens[i] for i in prefix.tokens)
        words = tuple(join(tokens, self.unit))
        score = prefix.am_score + self._gain(lm_score, len(words))
        return Hypothesis(words, prefix.am_score, lm_score, score, tokens)

    @staticmethod
    def _score_by_length(hyp: Hypothesis) -> float:
        return hyp.score / (len(hyp.tokens) + 1)


def _rows(state, rows: list[int]):
    return tuple(part if part is None else part[:, rows] for part in state)


def _together(states: list):
    return tuple(
        None if parts[0] is None else torch.cat(parts, dim=1) for parts in zip(*states, strict=True)
    )
