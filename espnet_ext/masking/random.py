"""Random spans: every frame is as likely a start as any other (wav2vec 2.0 §3.1, Table 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from espnet_ext.masking.apart import spans_apart
from espnet_ext.masking.lengths import SpanLengths
from espnet_ext.masking.spans import Batch, Masker, gumbel, round_to, span_limit


class RandomSpans(Masker):
    """Starts drawn without replacement from the uniform distribution.

    wav2vec 2.0 draws `start_prob` 0.065 of the frames as starts of 10-frame spans; `fraction`
    instead fixes what is masked after overlaps, as Ask2Mask's comparisons need.

    Args:
        span: frames per span; their mean where `lengths` is not `static`.
        lengths, spread: how long spans are, see `SpanLengths`. wav2vec 2.0's Table 5 in these
            words: uniform(1, 31) is span 16, spread 15; normal(15, 10) is span 15, spread 10.
        overlap: false keeps at least one visible frame between any two spans.
        fraction, start_prob, same_count: see `Masker`.
    """

    def __init__(
        self,
        span: int = 10,
        lengths: str = "static",
        spread: int | None = None,
        overlap: bool = True,
        **spans,
    ):
        super().__init__(span, **spans)
        self.lengths, self.overlap = SpanLengths(lengths, span, spread), overlap
        self.longest = self.lengths.longest
        mean = self.lengths.mean
        with_gaps = (self.start_prob or self.fraction / mean) * (mean + 1)
        if not overlap and with_gaps > 1:
            raise ValueError(
                f"masker_conf: spans of {mean:.3g} frames that must not touch would fill "
                f"{with_gaps:.0%} of an utterance; lower the share, or allow `overlap`"
            )

    def priority(self, batch: Batch) -> Tensor:
        return gumbel(batch)

    def spans(self, batch: Batch) -> Tensor:
        if self.lengths.static:
            return super().spans(batch)
        limit_B1 = span_limit(batch.lengths_B, self.longest)[:, None]
        return torch.minimum(self.lengths(batch.uniform(batch.max_length)), limit_B1)

    def min_masked(self, max_length: int) -> int:
        return super().min_masked(max_length) if self.overlap else 0  # some may not fit

    def draw(self, batch: Batch) -> Tensor:
        if self.overlap:
            return super().draw(batch)
        n_most = (batch.max_length + 1) // 2  # spans of one frame, one frame between them
        limit_B1 = span_limit(batch.lengths_B, self.longest)[:, None]
        length_BN = torch.minimum(self.lengths(batch.uniform(n_most)), limit_B1)
        uniform_B = batch.uniform()
        if self.start_prob is not None:
            n_B = round_to(self.start_prob * batch.lengths_B, uniform_B, 1)
            open_BN = torch.arange(n_most, device=n_B.device) < n_B[:, None]
        else:  # the span that reaches the wanted count is opened by chance, as in `open_until`
            before_BN = length_BN.cumsum(1) - length_BN
            wanted_B1 = (self.fraction * batch.lengths_B)[:, None]
            open_BN = before_BN + uniform_B[:, None] * length_BN < wanted_B1
            open_BN[:, 0] = True
        return spans_apart(length_BN, open_BN, batch)
