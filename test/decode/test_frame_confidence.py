import pytest
import torch

from espnet_ext.decode.confidence import frame_confidence


@pytest.mark.parametrize(
    ("blank", "include_blank", "expected"),
    [(0, True, [0.7, 0.5]), (0, False, [0.2, 0.5]), (2, False, [0.7, 0.4])],
)
def test_confidence_by_hand(blank, include_blank, expected):
    probs_BTV = torch.tensor([[[0.7, 0.2, 0.1], [0.1, 0.4, 0.5]]])
    log_probs_BTV = probs_BTV.log()
    before = log_probs_BTV.clone()
    got_BT = frame_confidence(log_probs_BTV, blank, include_blank)
    torch.testing.assert_close(got_BT, torch.tensor([expected]))
    assert torch.equal(log_probs_BTV, before)
