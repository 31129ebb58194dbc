"""Multicluster masked prediction: label sets of several sizes, each at a layer of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from espnet_ext.config import UserError
from espnet_ext.loss.heads import CosineHead, cross_entropy
from espnet_ext.loss.masked import Loss, MaskedFrames


class MulticlusterLoss(nn.Module):
    """MS-HuBERT §2.2.2: the sum of HuBERT's masked prediction losses over (layer, label set) pairs.

    `layer:` of the conf lists a layer for each label set, in the order of the target's `sizes`.

    In training `drop` pairs, drawn anew for every call and the same for the whole batch, are left
    out of the sum (the paper: 2 of 6, for want of memory). Their heads are computed all the same,
    a hundredth of a step, and get no gradient: nothing waits for the draw, and all processes of a
    distributed training keep the same parameters in use. In evaluation none is left out.

    Args:
        hidden_size: of the context vectors. groups, entries: number and sizes of the label sets.
        dim, temperature: of each set's head (public code: 256, 0.1).
        drop: label sets left out of every update.
    """

    reads_layers = True  # `layer:` of the conf is a list

    def __init__(
        self,
        hidden_size: int,
        target_size: int,
        groups: int,
        entries: int | tuple[int, ...],
        dim: int = 256,
        temperature: float = 0.1,
        drop: int = 2,
    ):
        super().__init__()
        sizes = [entries] * groups if isinstance(entries, int) else list(entries)
        if not 0 <= drop < len(sizes):
            raise ValueError(f"losses conf: drop {drop} of {len(sizes)} label sets leaves none")
        self.sizes, self.drop = sizes, drop
        self.heads = nn.ModuleList(CosineHead(hidden_size, n, dim, temperature) for n in sizes)

    def forward(
        self,
        hidden: list[Tensor],
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """See `Loss`. hidden: a layer's (B, T, D) for each label set."""
        if not isinstance(hidden, list) or len(hidden) != len(self.sizes):
            raise UserError(
                f"conf: multicluster wants a list `layer:` of {len(self.sizes)} layers, one for "
                f"each label set ({', '.join(map(str, self.sizes))})"
            )
        codes_BKG = masked.pick(target["codes_BTG"])
        stats, losses = {}, []
        for group, (head, hidden_BTD) in enumerate(zip(self.heads, hidden, strict=True)):
            logits_BKV = head(masked.pick(hidden_BTD))
            codes_BK = codes_BKG[..., group]
            losses.append(cross_entropy(logits_BKV, codes_BK))
            correct_BK = (logits_BKV.argmax(-1) == codes_BK).float()
            stats[f"masked_acc_{self.sizes[group]}"] = masked.mean(correct_BK).detach()
        kept_G = self._kept(codes_BKG.device, generator)
        per_frame_BK = masked.valid_BK * (torch.stack(losses, dim=-1) * kept_G).sum(-1)
        return Loss(masked.loss(per_frame_BK), stats, masked.count_B.sum(), per_frame_BK)

    def _kept(self, device: torch.device, generator: torch.Generator | None) -> Tensor:
        """1 for the label sets of this update, 0 for the others, (G,)."""
        n_sets = len(self.sizes)
        if not self.training or not self.drop:
            return torch.ones(n_sets, device=device)
        rank_G = torch.rand(n_sets, device=device, generator=generator).argsort().argsort()
        return (rank_G >= self.drop).float()


def spread_layers(
    n_layers: int, n_sets: int, lowest: float = 0.4, big_to_small: bool = True
) -> list[int]:
    """The layers that `layer:` of a conf lists: as far apart as can be, from one at the share
    `lowest` of the encoder's depth to the last.

    For 12 layers and 6 sets: 4, 5, 7, 8, 10, 12. MS-HuBERT §2.2.2 says "equidistant"; its formula
    for the lowest layer is `lowest` * n in the public code of its reference [17].

    Args:
        big_to_small: sets that are listed from big to small go up from the lowest layer, as in
            that code; otherwise down from the last.
    """
    first, gaps = int(lowest * n_layers), max(n_sets - 1, 1)
    down = [(n_layers * gaps - (n_layers - first) * place) // gaps for place in range(n_sets)]
    return [max(1, layer) for layer in (reversed(down) if big_to_small else down)]
