"""The contract of every masker, and the one step they share: from start priorities to masked spans.

Shapes: B utterances, T latent frames. `lengths_B` counts the frames that are not padding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NEVER = torch.iinfo(torch.int64).max // 2  # rank of a start that is never drawn


class Masker(torch.nn.Module):
    """Chooses the frames to hide. Subclasses set `needs` and implement `priority`.

    Args:
        span: frames per masked span (M of wav2vec 2.0 §3.1, c of Ask2Mask §2).
        fraction: share of each utterance's frames to mask, counted after overlaps; exact in
            expectation. Give this or `start_prob`.
        start_prob: share of frames that start a span (p of wav2vec 2.0 §3.1); overlaps then lower
            the masked share below p·M.
    """

    needs: tuple[str, ...] = ()  # of "confidence", "predicted_loss"

    def __init__(
        self, span: int = 10, fraction: float | None = None, start_prob: float | None = None
    ):
        super().__init__()
        if (fraction is None) == (start_prob is None):
            raise ValueError("masker_conf: give one of `fraction` and `start_prob`")
        if span < 1 or not 0 < (fraction or start_prob) < 1:
            raise ValueError("masker_conf: `span` >= 1 and a share between 0 and 1 are expected")
        self.span, self.fraction, self.start_prob = span, fraction, start_prob

    def priority(
        self,
        shape: tuple[int, int],
        device: torch.device,
        confidence_BT: Tensor | None,
        predicted_loss_BT: Tensor | None,
        progress: float | Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Random priority of every frame as a span start, (B, T); `-inf` is never drawn."""
        raise NotImplementedError

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
            progress: share of training done, in [0, 1].
            generator: source of all randomness; None is torch's global one.

        Returns:
            mask_BT, boolean; padding is never masked, each utterance keeps its own count.
        """
        priority_BT = self.priority(
            (len(lengths_B), max_length),
            lengths_B.device,
            confidence_BT,
            predicted_loss_BT,
            progress,
            generator,
        )
        return spans_from_priority(
            priority_BT, lengths_B, self.span, self.fraction, self.start_prob, generator
        )

    def max_masked(self, max_length: int) -> int:
        """Upper bound of masked frames in an utterance of `max_length`, known without the mask.

        Losses size their buffers by it, so that nothing is copied from the device to ask.
        """
        if self.fraction is not None:
            bound = int(self.fraction * max_length + 1) + self.span
        else:
            bound = int(self.start_prob * max_length + 1) * self.span
        return max(1, min(max_length, bound))


def gumbel(shape: tuple[int, int], device, generator: torch.Generator | None) -> Tensor:
    """Standard Gumbel noise. `log s + gumbel`, sorted, draws from s without replacement
    (Vieira 2014; the order is that of successive draws)."""
    uniform = torch.rand(shape, device=device, generator=generator)
    return -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))


def spans_from_priority(
    priority_BT: Tensor,
    lengths_B: Tensor,
    span: int,
    fraction: float | None,
    start_prob: float | None,
    generator: torch.Generator | None,
) -> Tensor:
    """Open spans at the starts of highest priority until enough is masked.

    A frame's *rank* is that of the first start whose span reaches it. Masking all frames of rank
    < k is then the same as opening the first k spans, so the k that masks a wanted number of frames
    is read off the sorted ranks, for the whole batch at once.

    Spans lie inside the utterance. An utterance shorter than two spans gets spans of half its
    length, so that some context always stays visible; one of a single frame is masked whole.

    Returns:
        mask_BT, boolean.
    """
    batch, max_length = priority_BT.shape
    device = priority_BT.device
    frame_T = torch.arange(max_length, device=device)
    span_B = torch.clamp(lengths_B // 2, min=1, max=span)
    may_start_BT = frame_T <= (lengths_B - span_B)[:, None]
    may_start_BT &= torch.isfinite(priority_BT)

    order_BT = priority_BT.masked_fill(~may_start_BT, -torch.inf).argsort(1, descending=True)
    rank_BT = torch.empty_like(order_BT).scatter_(1, order_BT, frame_T.expand(batch, -1))
    rank_BT = rank_BT.masked_fill(~may_start_BT, NEVER)

    # first start that reaches frame t: the least rank among t, t-1, …, t-span+1
    reach_BTM = F.pad(rank_BT, (span - 1, 0), value=NEVER).unfold(1, span, 1).flip(2)
    too_far_BM = torch.arange(span, device=device) >= span_B[:, None]
    first_BT = reach_BTM.masked_fill(too_far_BM[:, None], NEVER).amin(2)
    first_BT = first_BT.masked_fill(frame_T >= lengths_B[:, None], NEVER)

    uniform_B = torch.rand((batch,), device=device, generator=generator)
    if start_prob is not None:
        n_starts_B = (start_prob * lengths_B + uniform_B).long().clamp(min=1)
        return first_BT < n_starts_B[:, None]

    wanted_B = (fraction * lengths_B).clamp(min=1)
    sorted_BT = first_BT.sort(1).values
    last_B1 = sorted_BT.gather(1, (wanted_B.ceil().long() - 1).clamp(max=max_length - 1)[:, None])
    reached_BT = first_BT < NEVER
    with_last_BT = (first_BT <= last_B1) & reached_BT
    without_BT = (first_BT < last_B1) & reached_BT
    # The last span overshoots. Opening it with the right probability makes the expected count
    # the wanted one; always opening it would mask up to span - 1 frames too many.
    over_B, under_B = with_last_BT.sum(1), without_BT.sum(1)
    open_last_B = uniform_B * (over_B - under_B) < wanted_B - under_B
    open_last_B |= under_B == 0
    return torch.where(open_last_B[:, None], with_last_BT, without_BT)


def mask_stats(mask_BT: Tensor, lengths_B: Tensor, frame_shift_ms: float) -> dict[str, Tensor]:
    """What was really masked: share of valid frames, and mean length of a masked run in ms."""
    n_masked = mask_BT.sum()
    begins_BT = mask_BT & ~F.pad(mask_BT, (1, 0))[:, :-1]
    return {
        "masked_fraction": n_masked / lengths_B.sum(),
        "mean_span_ms": frame_shift_ms * n_masked / begins_BT.sum().clamp(min=1),
    }
