import pytest
import torch
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2GumbelVectorQuantizer

from espnet_ext.loss.diversity import DiversityLoss
from espnet_ext.loss.masked import MaskedFrames

HIDDEN_BTD = torch.zeros(3, 10, 1)  # not looked at


def run(probs_BTGV, mask_BT):
    target = {"probs_BTGV": probs_BTGV, "codes_BTG": probs_BTGV.argmax(-1)}
    return DiversityLoss(1, 1)(HIDDEN_BTD, target, MaskedFrames.of(mask_BT, 10))


def test_perplexities_equal_transformers():
    torch.manual_seed(0)
    logits = torch.randn(3, 10, 2, 5, requires_grad=True)
    mask_BT = torch.rand(3, 10) < 0.5
    loss, stats, weight, _ = run(logits.softmax(-1), mask_BT)
    perplexity = Wav2Vec2GumbelVectorQuantizer._compute_perplexity
    expected = perplexity(logits.softmax(-1).flatten(0, 1), mask_BT)
    torch.testing.assert_close(stats["prob_perplexity"], expected.detach(), rtol=1e-5, atol=0)
    torch.testing.assert_close(loss, (10 - expected) / 10, rtol=1e-5, atol=1e-6)
    chosen = torch.nn.functional.one_hot(logits.argmax(-1), 5).float().flatten(0, 1)
    expected_codes = perplexity(chosen, mask_BT)
    torch.testing.assert_close(stats["code_perplexity"], expected_codes, rtol=1e-5, atol=0)
    assert weight == mask_BT.sum()
    loss.backward()
    assert torch.equal(logits.grad.ne(0).flatten(2).any(-1), mask_BT)


@pytest.mark.parametrize(("used", "expected"), [(1, 0.75), (2, 0.5), (4, 0.0)])
def test_share_of_the_codebook_left_unused(used, expected):
    """Each of `used` entries of four taken equally often: perplexity `used`."""
    codes_BT = (torch.arange(10) % used).expand(3, -1)
    mask_BT = (torch.arange(10) < 8).expand(3, -1)
    probs_BTGV = torch.nn.functional.one_hot(codes_BT, 4).float()[:, :, None]
    loss, stats, _, _ = run(probs_BTGV, mask_BT)
    assert float(loss) == pytest.approx(expected, abs=1e-6)
    assert float(stats["code_perplexity"]) == pytest.approx(used, rel=1e-6)


def test_finite_where_nothing_is_masked():
    logits = torch.randn(3, 10, 2, 5, requires_grad=True)
    loss, _, weight, _ = run(logits.softmax(-1), torch.zeros(3, 10, dtype=torch.bool))
    loss.backward()
    assert weight == 0
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
