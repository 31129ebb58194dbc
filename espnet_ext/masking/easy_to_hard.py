"""Easy to hard: ever more of the masked spans lie where the loss is predicted to be high.

EH-MAM §3.2.3 and Algorithms 1 and 2; docs/papers.md says where they disagree.
Shapes: B utterances, T latent frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from espnet_ext.masking.spans import (
    NEVER,
    Batch,
    Masker,
    first_reached,
    open_until,
    rank_that_masks,
    ranks,
    round_to,
)


class EasyToHard(Masker):
    """Hard spans at the frames of highest predicted loss, random spans for the rest.

    The hard share r of the masking grows with progress, from none to all.

    Args:
        span: frames per span.
        fraction: masked share P.
        hold: what stays constant over the training. `fraction`: P, as the paper's text says;
            hard spans open from the hardest frame on while they mask less than r·P of the
            utterance, random spans then fill up to P. `starts`: the number of spans, P·T / span, as
            in the released code; hard starts lie side by side, so that the masked share falls from
            41 % to about 14 % as r goes to 1 (P 0.5, span 5, smooth losses).
        jump: [from, to]: at this progress and above, r is `to`. The released code has [0.7, 0.8],
            the paper has none.
        same_count: see `Masker`; the released code does so.
    """

    needs = ("predicted_loss",)

    def __init__(
        self,
        span: int = 5,
        fraction: float = 0.5,
        hold: str = "fraction",
        jump: tuple[float, float] | None = None,
        same_count: bool = False,
    ):
        super().__init__(span, fraction, same_count=same_count)
        if hold not in ("fraction", "starts"):
            raise ValueError(f"masker_conf: hold {hold!r} is neither fraction nor starts")
        if jump is not None and (len(jump) != 2 or not all(0 <= x <= 1 for x in jump)):
            raise ValueError(f"masker_conf: jump {jump}; two shares between 0 and 1 are expected")
        self.hold, self.jump = hold, jump

    def hard_share(self, progress: float | Tensor) -> float | Tensor:
        """r of the progress t / T."""
        if self.jump is None:
            return progress
        begin, share = self.jump
        late = progress >= begin  # arithmetic, not `if`: a tensor is not to be asked
        return late * share + (1 - late * 1.0) * progress

    def draw(self, batch: Batch) -> Tensor:
        least = torch.finfo(torch.float32).min
        loss_BT = torch.nan_to_num(batch.predicted_loss_BT.float(), nan=least, neginf=least)
        chance_BT = batch.uniform(batch.max_length)
        hold = self._hold_fraction if self.hold == "fraction" else self._hold_starts
        return hold(batch, loss_BT, chance_BT, batch.uniform())

    def _hold_fraction(
        self, batch: Batch, loss_BT: Tensor, chance_BT: Tensor, uniform_B: Tensor
    ) -> Tensor:
        span_B1 = self.spans(batch)
        last_start_B1 = batch.lengths_B[:, None] - span_B1
        may_start_BT = batch.frame_T <= last_start_B1
        # frames behind the last start are reached from there: it stands for the hardest of them
        behind_BT = batch.valid_BT & (batch.frame_T >= last_start_B1)
        behind_B1 = loss_BT.masked_fill(~behind_BT, -torch.inf).amax(1, keepdim=True)
        loss_BT = torch.where(batch.frame_T == last_start_B1, behind_B1, loss_BT)

        def first_by(rank_BT: Tensor) -> Tensor:
            return first_reached(rank_BT, span_B1, self.longest, batch.lengths_B)

        hard_first_BT = first_by(hardest(loss_BT, chance_BT, may_start_BT))
        easy_first_BT = first_by(ranks(chance_BT, may_start_BT))
        wanted_hard_B = self.hard_share(batch.progress) * (self.fraction * batch.lengths_B)
        hard_BT = hard_first_BT <= rank_that_masks(hard_first_BT, wanted_hard_B)
        hard_BT &= (wanted_hard_B > 0)[:, None] & (hard_first_BT < NEVER)
        after_BT = (easy_first_BT + batch.max_length).clamp(max=NEVER)
        wanted_B = (self.fraction * batch.lengths_B).clamp(min=1)
        return open_until(torch.where(hard_BT, hard_first_BT, after_BT), wanted_B, uniform_B)

    def _hold_starts(
        self, batch: Batch, loss_BT: Tensor, chance_BT: Tensor, uniform_B: Tensor
    ) -> Tensor:
        span_B1 = self.spans(batch)
        n_B = round_to(self.fraction / self.span * batch.lengths_B, uniform_B, 1)
        # 5 · (1 - 0.8) may be 0.9999…: a whole number must not lose one
        n_easy_B = (n_B * (1 - self.hard_share(batch.progress)) + 1e-4).long()
        # hard spans may start anywhere and are cut at the end; the released code ranks padding too
        rank_BT = hardest(loss_BT, chance_BT, batch.valid_BT)
        hard_BT = rank_BT < (n_B - n_easy_B)[:, None]
        may_start_BT = (batch.frame_T <= batch.lengths_B[:, None] - span_B1) & ~hard_BT
        easy_BT = ranks(chance_BT, may_start_BT) < n_easy_B[:, None]
        start_BT = torch.where(hard_BT | easy_BT, 0, NEVER)
        return first_reached(start_BT, span_B1, self.longest, batch.lengths_B) < NEVER

    def max_masked(self, max_length: int) -> int:
        if self.hold == "fraction":
            return super().max_masked(max_length)
        n_most = int(self.fraction / self.span * max_length + 1)
        return max(1, min(max_length, n_most * self.span))

    def min_masked(self, max_length: int) -> int:
        if self.hold == "fraction" or self.same_count:
            return super().min_masked(max_length)
        return int(self.fraction / self.span * max_length)  # side by side, all but the last overlap


def hardest(loss_BT: Tensor, chance_BT: Tensor, may_start_BT: Tensor) -> Tensor:
    """Ranks by loss, the highest first; equal losses in the order of `chance_BT`.

    Without the second key a predictor that says the same everywhere would always mask the
    beginning.
    """
    by_chance_BT = chance_BT.argsort(1, descending=True)
    rank_BT = ranks(loss_BT.gather(1, by_chance_BT), may_start_BT.gather(1, by_chance_BT))
    return torch.empty_like(rank_BT).scatter_(1, by_chance_BT, rank_BT)
