import pytest
import torch
import torch.nn.functional as F
from torchaudio.models.wav2vec2.components import LogitGenerator

from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.loss.masked_prediction import MaskedPredictionLoss


@pytest.mark.parametrize("groups", [1, 2])
def test_loss_is_the_cross_entropy_of_the_masked_frames(groups):
    torch.manual_seed(0)
    loss_module = MaskedPredictionLoss(6, 0, groups=groups, entries=5)
    hidden_BTD = torch.randn(3, 10, 6)
    codes_BTG = torch.randint(0, 5, (3, 10, groups))
    mask_BT = torch.rand(3, 10) < 0.5
    loss, stats, weight, _ = loss_module(
        hidden_BTD, {"codes_BTG": codes_BTG}, MaskedFrames.of(mask_BT, 10)
    )
    logits_NGV = loss_module.classify(hidden_BTD[mask_BT]).unflatten(-1, (groups, 5))
    per_group = [F.cross_entropy(logits_NGV[:, g], codes_BTG[mask_BT][:, g]) for g in range(groups)]
    torch.testing.assert_close(loss, sum(per_group) / groups)
    right = (logits_NGV.argmax(-1) == codes_BTG[mask_BT]).float().mean()
    torch.testing.assert_close(stats["masked_acc"], right)
    assert weight == mask_BT.sum()


def test_finite_where_nothing_is_masked():
    loss_module = MaskedPredictionLoss(6, 0, entries=5)
    masked = MaskedFrames.of(torch.zeros(2, 4, dtype=torch.bool), 3)
    codes_BTG = torch.zeros(2, 4, 1, dtype=torch.long)
    loss, _, weight, _ = loss_module(torch.randn(2, 4, 6), {"codes_BTG": codes_BTG}, masked)
    loss.backward()
    assert loss == weight == 0
    assert not loss_module.classify.weight.grad.any()


def hubert(**conf) -> tuple[MaskedPredictionLoss, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    loss_module = MaskedPredictionLoss(6, 0, entries=7, head="cosine", dim=4, **conf)
    return loss_module, torch.randn(3, 10, 6), torch.randint(0, 7, (3, 10, 1))


def test_hubert_head_equals_torchaudio():
    """Same weights; torchaudio's loss is on the true label among all others, masked and not."""
    loss_module, hidden_BTD, codes_BTG = hubert(unmasked_weight=0.25)
    peer = LogitGenerator(6, 7, 4, skip_masked=False, skip_nomask=False)
    peer.final_proj.load_state_dict(loss_module.heads[0].project.state_dict())
    peer.label_embeddings.data = loss_module.heads[0].embedding_VC.data
    mask_BT = torch.rand(3, 10) < 0.5
    own = loss_module(hidden_BTD, {"codes_BTG": codes_BTG}, MaskedFrames.of(mask_BT, 10))
    logits_masked, logits_unmasked = peer(hidden_BTD, codes_BTG[..., 0], mask_BT, ~mask_BT)
    sums = [
        F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long), reduction="sum")
        for logits in (logits_masked, logits_unmasked)
    ]
    wanted = (sums[0] + 0.25 * sums[1]) / mask_BT.sum()
    torch.testing.assert_close(own.value, wanted, rtol=1e-5, atol=0)


@pytest.mark.parametrize("unmasked_weight", [0.0, 0.5])
def test_padding_has_no_part_in_the_loss_of_labels(unmasked_weight):
    loss_module, hidden_BTD, codes_BTG = hubert(unmasked_weight=unmasked_weight)
    mask_BT = torch.zeros(3, 10, dtype=torch.bool)
    mask_BT[:, 2:5] = True
    short = loss_module(
        hidden_BTD[:, :6], {"codes_BTG": codes_BTG[:, :6]}, MaskedFrames.of(mask_BT[:, :6], 6)
    )
    padded_BTG = codes_BTG.clone()
    padded_BTG[:, 6:] = -1
    long = loss_module(hidden_BTD, {"codes_BTG": padded_BTG}, MaskedFrames.of(mask_BT, 10))
    torch.testing.assert_close(long.value, short.value)


def test_cosines_are_taken_in_full_precision():
    loss_module, hidden_BTD, _ = hubert()
    head = loss_module.heads[0]
    wanted = head(hidden_BTD)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        own = head(hidden_BTD)
    assert own.dtype == torch.float32
    context_BTC = F.normalize(head.project.bfloat16()(hidden_BTD.bfloat16()).float(), dim=-1)
    exact = 10 * context_BTC @ F.normalize(head.embedding_VC, dim=-1).T
    torch.testing.assert_close(own, exact, rtol=1e-4, atol=1e-4)
    assert (own - wanted).abs().max() < 0.2


def test_label_sets_of_several_sizes_are_for_another_loss():
    with pytest.raises(ValueError, match=r"one size, not \[7, 3\].*multicluster"):
        MaskedPredictionLoss(6, 0, groups=2, entries=(7, 3))
    with pytest.raises(ValueError, match="head 'cosin' is not linear or cosine"):
        MaskedPredictionLoss(6, 0, head="cosin")
