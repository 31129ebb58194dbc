"""The contract of every masker, and the step most share: from start priorities to masked spans.

Shapes: B utterances, T latent frames, M frames of the longest span. `lengths_B` counts the frames
that are not padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

NEVER = torch.iinfo(torch.int64).max // 2  # rank of a start that is never drawn


@dataclass
class Batch:
    """What a mask is drawn for, and what it may be drawn from (see `Masker.forward`)."""

    lengths_B: Tensor
    max_length: int
    confidence_BT: Tensor | None = None
    predicted_loss_BT: Tensor | None = None
    progress: float | Tensor = 0.0
    generator: torch.Generator | None = None

    def __post_init__(self):
        self.frame_T = torch.arange(self.max_length, device=self.lengths_B.device)
        self.valid_BT = self.frame_T < self.lengths_B[:, None]

    def uniform(self, *columns: int) -> Tensor:
        """A draw from [0, 1) for each utterance, (B, *columns)."""
        shape = (len(self.lengths_B), *columns)
        return torch.rand(shape, device=self.lengths_B.device, generator=self.generator)


class Masker(torch.nn.Module):
    """Chooses the frames to hide. Subclasses set `needs` and implement `priority` or `draw`.

    Args:
        span: frames per masked span (M of wav2vec 2.0 §3.1, c of Ask2Mask §2).
        fraction: share of each utterance's frames to mask, counted after overlaps; exact in
            expectation. Give this or `start_prob`.
        start_prob: share of frames that start a span (p of wav2vec 2.0 §3.1); overlaps then lower
            the masked share below p·M.
        same_count: trim every utterance to the least masked count of the batch, at random frames,
            as wav2vec 2.0's public code does. It tears spans apart where lengths differ.
    """

    needs: tuple[str, ...] = ()  # of "confidence", "predicted_loss"

    def __init__(
        self,
        span: int = 10,
        fraction: float | None = None,
        start_prob: float | None = None,
        same_count: bool = False,
    ):
        super().__init__()
        if (fraction is None) == (start_prob is None):
            raise ValueError("masker_conf: give one of `fraction` and `start_prob`")
        name = "fraction" if start_prob is None else "start_prob"
        share = fraction if start_prob is None else start_prob
        if not isinstance(span, int) or span < 1:
            raise ValueError(f"masker_conf: span {span!r}; a whole number of frames is expected")
        if isinstance(share, str) or not 0 < share < 1:
            raise ValueError(f"masker_conf: {name} {share!r}; a share between 0 and 1 is expected")
        self.span, self.fraction, self.start_prob = span, fraction, start_prob
        self.same_count = same_count
        self.longest = span

    def priority(self, batch: Batch) -> Tensor:
        """Random priority of every frame as a span start, (B, T); `-inf` is never drawn."""
        raise NotImplementedError

    def spans(self, batch: Batch) -> Tensor:
        """Frames of the span that starts at each frame, (B, T), or of all spans, (B, 1)."""
        return span_limit(batch.lengths_B, self.span)[:, None]

    def draw(self, batch: Batch) -> Tensor:
        """The mask, (B, T), before `same_count`."""
        priority_BT, span_BX = self.priority(batch), self.spans(batch)
        may_start_BT = batch.frame_T + span_BX <= batch.lengths_B[:, None]
        rank_BT = ranks(priority_BT, may_start_BT & torch.isfinite(priority_BT))
        first_BT = first_reached(rank_BT, span_BX, self.longest, batch.lengths_B)
        uniform_B = batch.uniform()
        if self.start_prob is not None:
            return first_BT < round_to(self.start_prob * batch.lengths_B, uniform_B, 1)[:, None]
        wanted_B = (self.fraction * batch.lengths_B).clamp(min=1)
        return open_until(first_BT, wanted_B, uniform_B)

    @torch.no_grad()
    def forward(
        self,
        lengths_B: Tensor,
        max_length: int,
        *,
        confidence_BT: Tensor | None = None,
        predicted_loss_BT: Tensor | None = None,
        progress: float | Tensor = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw a mask.

        Args:
            lengths_B: valid frames per utterance.
            max_length: T of the batch.
            confidence_BT: scorer's confidence in [0, 1], for maskers that need it.
            predicted_loss_BT: teacher's predicted loss, for maskers that need it.
            progress: share of training done, in [0, 1]; a number, or a tensor without dimensions
                on the device of the lengths.
            generator: source of all randomness; None is torch's global one.

        Returns:
            mask_BT, boolean; padding is never masked, each utterance keeps its own count.

        Raises:
            ValueError: what the masker needs is missing or of another shape than (B, T), or a
                progress outside [0, 1].
        """
        batch = Batch(lengths_B, max_length, confidence_BT, predicted_loss_BT, progress, generator)
        for name in self.needs:
            given, expected = getattr(batch, f"{name}_BT"), (len(lengths_B), max_length)
            if given is None or given.shape != expected:
                found = "none" if given is None else tuple(given.shape)
                raise ValueError(
                    f"{type(self).__name__}: {name} of shape {found}; {expected} is expected"
                )
        if not isinstance(progress, Tensor) and not 0 <= progress <= 1:
            raise ValueError(f"progress {progress}; a share between 0 and 1 is expected")
        mask_BT = self.draw(batch)
        return to_least_count(mask_BT, generator) if self.same_count else mask_BT

    def max_masked(self, max_length: int) -> int:
        """Upper bound of masked frames in an utterance of `max_length`, known without the mask.

        Losses size their buffers by it, so that nothing is copied from the device to ask.
        """
        if self.fraction is not None:
            bound = int(self.fraction * max_length + 1) + self.longest
        else:
            bound = int(self.start_prob * max_length + 1) * self.longest
        return max(1, min(max_length, bound))

    def min_masked(self, max_length: int) -> int:
        """Frames that an utterance of `max_length` has masked at least, known without the mask; a
        shorter one keeps no more frames visible. 0 promises nothing.

        A view that shows only what is visible sizes its buffers by it. With `start_prob` all spans
        may overlap, so that little is promised; with scores of 0, which are never drawn, less may
        be masked than is promised here.
        """
        if self.same_count:
            return 0
        if self.fraction is not None:
            return max(0, int(self.fraction * max_length) - self.longest)
        return int(self.start_prob * max_length)


def gumbel(batch: Batch) -> Tensor:
    """Standard Gumbel noise, (B, T). `log s + gumbel`, sorted, draws from s without replacement
    (Vieira 2014; the order is that of successive draws)."""
    return -torch.log(-torch.log(batch.uniform(batch.max_length).clamp(1e-20, 1 - 1e-7)))


def span_limit(lengths_B: Tensor, span: int) -> Tensor:
    """The longest span of each utterance.

    An utterance shorter than two spans gets spans of half its length, so that some context always
    stays visible; one of a single frame is masked whole.
    """
    return torch.clamp(lengths_B // 2, min=1, max=span)


def round_to(expected_B: Tensor, uniform_B: Tensor, least: int) -> Tensor:
    """Whole numbers of the expected value: floor(x + u), as in wav2vec 2.0's public code."""
    return (expected_B + uniform_B).long().clamp(min=least)


def ranks(priority_BT: Tensor, may_start_BT: Tensor) -> Tensor:
    """0 for the start of highest priority, 1 for the next, …; NEVER where no span may start."""
    order_BT = priority_BT.masked_fill(~may_start_BT, -torch.inf).argsort(
        dim=1, descending=True, stable=True
    )
    frame_BT = torch.arange(order_BT.shape[1], device=order_BT.device).expand_as(order_BT)
    rank_BT = torch.empty_like(order_BT).scatter_(1, order_BT, frame_BT)
    return rank_BT.masked_fill_(~may_start_BT, NEVER)


def first_reached(rank_BT: Tensor, span_BX: Tensor, longest: int, lengths_B: Tensor) -> Tensor:
    """The rank of the first start whose span reaches each frame, (B, T); NEVER where none does.

    Masking all frames of first < k is then the same as opening the first k spans.

    Args:
        span_BX: frames of the span at each start, (B, T), or of all spans, (B, 1).
        longest: no span has more.
    """

    def window(x_BT: Tensor, filler: int) -> Tensor:
        """x at t - M + 1, …, t - 1, t."""
        return F.pad(x_BT, (longest - 1, 0), value=filler).unfold(1, longest, 1)

    ago_M = torch.arange(longest - 1, -1, -1, device=rank_BT.device)
    span_BXM = span_BX[..., None] if span_BX.shape[1] == 1 else window(span_BX, 0)
    first_BT = window(rank_BT, NEVER).masked_fill(ago_M >= span_BXM, NEVER).amin(2)
    frame_T = torch.arange(rank_BT.shape[1], device=rank_BT.device)
    return first_BT.masked_fill_(frame_T >= lengths_B[:, None], NEVER)


def open_until(first_BT: Tensor, wanted_B: Tensor, uniform_B: Tensor) -> Tensor:
    """Open spans by rank until, in expectation, `wanted_B` frames of each utterance are masked.

    The last span overshoots. Opening it with the right probability makes the expected count the
    wanted one; always opening it would mask up to span - 1 frames too many. The first span is
    always opened.

    Returns:
        mask_BT, boolean.
    """
    last_B1 = rank_that_masks(first_BT, wanted_B)
    reached_BT = first_BT < NEVER
    with_last_BT = (first_BT <= last_B1) & reached_BT
    without_BT = (first_BT < last_B1) & reached_BT
    over_B, under_B = with_last_BT.sum(1), without_BT.sum(1)
    open_last_B = uniform_B * (over_B - under_B) < wanted_B - under_B
    open_last_B |= under_B == 0
    return torch.where(open_last_B[:, None], with_last_BT, without_BT)


def rank_that_masks(first_BT: Tensor, wanted_B: Tensor) -> Tensor:
    """Rank of the span with which at least `wanted_B` frames are masked, (B, 1): read off the
    sorted ranks, for the whole batch at once."""
    place_B = (wanted_B.ceil().long() - 1).clamp(min=0, max=first_BT.shape[1] - 1)
    return first_BT.sort(1).values.gather(1, place_B[:, None])


def to_least_count(mask_BT: Tensor, generator: torch.Generator | None) -> Tensor:
    """Unmask random frames until all utterances mask as many as the one that masks least.

    Utterances that mask nothing are left out of the count.
    """
    count_B = mask_BT.sum(1)
    least = count_B.masked_fill(count_B == 0, NEVER).amin()
    chance_BT = torch.rand(mask_BT.shape, device=mask_BT.device, generator=generator)
    return mask_BT & (ranks(chance_BT, mask_BT) < least)


def mask_stats(mask_BT: Tensor, lengths_B: Tensor, frame_shift_ms: float) -> dict[str, Tensor]:
    """What was really masked: share of valid frames, and mean length of a masked run in ms."""
    n_masked = mask_BT.sum()
    begins_BT = mask_BT & ~F.pad(mask_BT, (1, 0))[:, :-1]
    return {
        "masked_fraction": n_masked / lengths_B.sum().clamp(min=1),
        "mean_span_ms": frame_shift_ms * n_masked / begins_BT.sum().clamp(min=1),
    }
