import pytest
import torch

from espnet_ext.config import UserError
from espnet_ext.targets.given import Given
from espnet_ext.targets.labels import Labels


def given(labels_BTG: torch.Tensor | None) -> Given:
    return Given(torch.zeros(2, 5, 3), torch.tensor([5, 4]), torch.zeros(()), labels_BTG=labels_BTG)


def test_labels_reach_the_loss_as_they_are_read():
    labels_BTG = torch.randint(0, 3, (2, 5, 2))
    target = Labels([8, 3])
    assert torch.equal(target(given(labels_BTG))["codes_BTG"], labels_BTG)
    assert (target.groups, target.entries) == (2, (8, 3))
    assert (Labels([100]).groups, Labels([100]).entries) == (1, 100)


def test_missing_labels_and_impossible_sizes_are_told():
    with pytest.raises(UserError, match="its data has none: ssl_train --labels"):
        Labels([100])(given(None))
    for sizes in ([], [100, 1]):
        with pytest.raises(ValueError, match=r"expected a list such as \[100\]"):
            Labels(sizes)
