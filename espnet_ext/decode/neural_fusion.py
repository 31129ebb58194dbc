"""A neural language model inside flashlight's beam search.

Imported only where a search needs it: the class derives from flashlight's.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor

from espnet_ext.decode.neural_lm import NeuralLM, check_vocabulary
from espnet_ext.decode.token_lm import CachedLM

Prefix = tuple[int, ...]


class FusedLM(CachedLM):
    """The LM for flashlight's searches: natural logs, a sentence's end included.

    What is known of a hypothesis is its tokens; what may follow them is worked out when flashlight
    asks for it, together with likely other hypotheses of the same length, which it tends to ask for
    next.

    Words that the LM has not are `<unk>` to it and share that one's probability.

    Args:
        neural: the LM. units: what the search counts in: words of its lexicon, or the recogniser's
            tokens. source: names the LM in errors.
        batch: hypotheses worked out at once.
        keep_numbers: of activations and probabilities, 4 bytes each, that are kept; for hypotheses
            older than that they are worked out again when they are needed.

    Raises:
        UserError: the LM lacks most of the units.
    """

    def __init__(
        self,
        neural: NeuralLM,
        units: Sequence[str],
        source: str = "the neural LM",
        batch: int = 8,
        keep_numbers: int = 2**29,
    ):
        super().__init__()
        check_vocabulary(neural, units, source)
        self.neural, self.batch, self.keep_numbers = neural, batch, keep_numbers
        self.ids = neural.ids(units)
        self._rows: OrderedDict[Prefix, tuple[Tensor, object, int]] = OrderedDict()
        self._held = 0
        self._waiting: dict[int, dict[Prefix, float]] = {}
        self._totals: dict[Prefix, float] = {}

    def first(self) -> Prefix:
        start = (self.neural.boundary,)
        self._rows.clear()
        self._waiting.clear()
        self._totals, self._held = {start: 0.0}, 0
        return start

    def step(self, known: Prefix, token: int) -> tuple[Prefix, float]:
        own = self.ids[token]
        score = float(self._row(known)[own])
        after = (*known, own)
        self._totals[after] = self._totals[known] + score
        if after not in self._rows:
            self._waiting.setdefault(len(after), {})[after] = self._totals[after]
        return after, score

    def end(self, known: Prefix) -> float:
        return float(self._row(known)[self.neural.boundary])

    def _row(self, prefix: Prefix) -> Tensor:
        """Log-probabilities of what follows."""
        if prefix in self._rows:
            self._rows.move_to_end(prefix)
            return self._rows[prefix][0]
        waiting = self._waiting.get(len(prefix), {})
        waiting.pop(prefix, None)
        likely = heapq.nlargest(self.batch - 1, waiting, key=waiting.__getitem__)
        for other in likely:
            del waiting[other]
        prefixes = [prefix, *likely]
        before = [self._rows.get(own[:-1], (None, None))[1] for own in prefixes]
        rows_BV, states = self.neural.next_log_probs(prefixes, before)
        for own, row_V, state in zip(prefixes, rows_BV, states, strict=True):
            size = row_V.numel() + sum(part.numel() for part in state or ())
            self._rows[own] = (row_V, state, size)
            self._held += size
        self._rows.move_to_end(prefix)
        while self._held > self.keep_numbers and len(self._rows) > 1:
            self._held -= self._rows.popitem(last=False)[1][2]
        return self._rows[prefix][0]
