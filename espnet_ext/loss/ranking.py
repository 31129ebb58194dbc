"""Ranking: which of two masked frames has the higher loss (EH-MAM §3.2.2).

Shapes: B rows, T frames, D dimension of what is read, K places for a row's masked frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet_ext.loss.masked import Loss, MaskedFrames


class RankingLoss(nn.Module):
    """Cross-entropy of every pair's order, EH-MAM eq. 4-6:

        -Σ_ij [ I_ij log S_ij + (1 - I_ij) log(1 - S_ij) ],  S_ij = sigmoid(p_i - p_j),

    with p the predicted losses and I_ij = 1 where the real loss of i is above that of j. Equal
    losses, a frame and itself, and frames that are not masked have no order: such pairs are left
    out, as in the released code. (As written, I_ij = 0 would push them to "i below j".) The pairs
    (i, j) and (j, i) both count, as in eq. 6. Computed from the log-sigmoid in fp32; the released
    code takes log(sigmoid + 1e-6) in fp16.

    Args:
        hidden_size: D.
        dim, kernel, groups, layers: of the predictor (EH-MAM Table 5).
        normaliser: what the sum over pairs is divided by. `frames`: the masked frames of the batch,
            by which the regression loss is divided, too, so that eq. 2 keeps its balance; a frame
            then weighs the more, the longer its utterance is. `pairs`: the pairs that were counted.
            `utterances`: the rows of the batch, eq. 6 word by word.
    """

    def __init__(
        self,
        hidden_size: int,
        dim: int = 384,
        kernel: int = 7,
        groups: int = 16,
        layers: int = 4,
        normaliser: str = "frames",
    ):
        super().__init__()
        if normaliser not in ("frames", "pairs", "utterances"):
            raise ValueError(
                f"loss conf: normaliser {normaliser!r} is not frames, pairs or utterances"
            )
        self.normaliser = normaliser
        self.predictor = LossPredictor(hidden_size, dim, kernel, groups, layers)

    def forward(
        self,
        hidden_BTD: Tensor,
        target: dict[str, Tensor],
        masked: MaskedFrames,
        generator: torch.Generator | None = None,
    ) -> Loss:
        """See `Loss`. The target is another loss at each frame, `frame_loss_BK`."""
        predicted_BK = masked.pick(self.predictor(hidden_BTD)).float()
        real_BK = target["frame_loss_BK"].float()
        order_BKK = (real_BK[:, :, None] - real_BK[:, None, :]).sign()
        order_BKK = order_BKK * (masked.valid_BK[:, :, None] & masked.valid_BK[:, None, :])
        ahead_BKK = order_BKK * (predicted_BK[:, :, None] - predicted_BK[:, None, :])
        counts_BKK = order_BKK != 0
        total = -(F.logsigmoid(ahead_BKK) * counts_BKK).sum()
        n_pairs, n_frames = counts_BKK.sum(), masked.count_B.sum()
        divisor = {"frames": n_frames, "pairs": n_pairs, "utterances": len(real_BK)}
        value = total / torch.as_tensor(divisor[self.normaliser]).clamp(min=1)
        right = ((ahead_BKK > 0) & counts_BKK).sum() / n_pairs.clamp(min=1)
        return Loss(value, {"ranking_acc": right}, n_frames)


class LossPredictor(nn.Module):
    """The loss at each frame, from what the encoder makes of an utterance (EH-MAM §3.2.2, Table 5).

    Grouped convolutions as in the decoder of data2vec 2.0, then layer norm, a linear layer, and the
    mean over its outputs: the released code's, the paper names only the convolutions.

    Args:
        hidden_size: D. dim, kernel, groups: of each convolution. layers: how many.
    """

    def __init__(self, hidden_size: int, dim: int, kernel: int, groups: int, layers: int):
        super().__init__()
        if hidden_size % groups or dim % groups or kernel % 2 == 0:
            raise ValueError(
                f"loss conf: predictor of {hidden_size} to {dim} dimensions, groups {groups}, "
                f"kernel {kernel}; groups that divide both and an odd kernel are expected"
            )
        self.convs = nn.ModuleList(
            nn.Conv1d(
                hidden_size if i == 0 else dim, dim, kernel, padding=kernel // 2, groups=groups
            )
            for i in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, hidden_size)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Predicted losses, (B, T). Frames of `x` that are zero throughout are padding: they stay
        zero before each convolution, so that an utterance does not depend on its batch."""
        keep_BT1 = (x_BTD != 0).any(-1, keepdim=True)
        for conv in self.convs:
            y_BTD = conv((x_BTD * keep_BT1).transpose(1, 2)).transpose(1, 2)
            y_BTD = F.gelu(F.layer_norm(y_BTD, y_BTD.shape[-1:]))
            x_BTD = y_BTD + x_BTD if y_BTD.shape == x_BTD.shape else y_BTD
        return self.out(self.norm(x_BTD)).mean(-1)
