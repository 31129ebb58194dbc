"""Labels from disk as targets: HuBERT's k-means clusters, one set or several."""

from __future__ import annotations

from torch import Tensor, nn

from espnet_ext.config import UserError
from espnet_ext.targets.given import Given


class Labels(nn.Module):
    """Frame labels that were made before training (HuBERT §II-A; several sets: MS-HuBERT §2.2.2).

    Args:
        sizes: number of labels in each of the G sets, as `train_kmeans --sizes` had them. Labels
            that are outside are found where the batch is made (`data/preprocess.py`).
    """

    def __init__(self, sizes: list[int]):
        super().__init__()
        if not sizes or min(sizes) < 2:
            raise ValueError(f"targets conf: sizes {sizes}; expected a list such as [100]")
        self.sizes, self.groups, self.dim = list(sizes), len(sizes), len(sizes)
        self.entries = sizes[0] if len(set(sizes)) == 1 else tuple(sizes)

    def forward(self, given: Given) -> dict[str, Tensor]:
        """Returns codes_BTG: the labels, -1 in padding and where a frame has none.

        Raises:
            UserError: the data has no labels.
        """
        if given.labels_BTG is None:
            raise UserError("this model predicts labels, but its data has none: ssl_train --labels")
        return {"codes_BTG": given.labels_BTG}
