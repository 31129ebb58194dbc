"""Targets from the teacher against torch's instance norm on utterances without padding."""

from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F

from espnet_ext.targets.given import Given
from espnet_ext.targets.teacher_average import TeacherAverage, instance_norm

LENGTHS = torch.tensor([13, 6, 2])


class Shown(NamedTuple):
    taps: list[torch.Tensor]


@pytest.mark.parametrize("layer_norm", [False, True])
def test_targets_equal_torchs_instance_norm_on_unpadded_utterances(layer_norm):
    torch.manual_seed(0)
    taps = [(i + 1) * torch.randn(3, 13, 5) + i for i in range(4)]
    for tap_BTD in taps:
        tap_BTD[1, 6:] = 1e4  # padding is not looked at
    given = Given(taps[0], LENGTHS, torch.zeros(()), teacher_layers=Shown(taps))
    got_BTD = TeacherAverage(5, layer_norm)(given)["vectors_BTC"]
    for row, length in enumerate(LENGTHS):
        normed = [F.instance_norm(tap_BTD[row, :length].T[None])[0].T for tap_BTD in taps]
        expected_TD = torch.stack(normed).mean(0)
        if layer_norm:
            expected_TD = F.layer_norm(expected_TD, (5,))
        torch.testing.assert_close(got_BTD[row, :length], expected_TD, rtol=1e-4, atol=1e-5)
    if not layer_norm:
        assert not got_BTD[1, 6:].any()


def test_statistics_are_taken_in_fp32_and_a_lone_frame_is_finite():
    x_BTD = torch.full((1, 1, 4), 3.0, dtype=torch.bfloat16)
    normed_BTD = instance_norm(x_BTD, torch.tensor([1]))
    assert normed_BTD.dtype == torch.float32
    assert not normed_BTD.any()
