"""Label sets of several sizes, each at a layer of its own (MS-HuBERT §2.2.2)."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml

from espnet_ext.config import UserError
from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.loss.multicluster import MulticlusterLoss, spread_layers

SIZES = (9, 5, 4, 2)
METHOD = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "conf/method/ms_hubert.yaml").read_text()
)


def example(drop: int):
    torch.manual_seed(0)
    loss_module = MulticlusterLoss(6, 0, groups=4, entries=SIZES, dim=3, drop=drop)
    hidden = [torch.randn(3, 12, 6) for _ in SIZES]
    codes_BTG = torch.stack([torch.randint(0, n, (3, 12)) for n in SIZES], dim=-1)
    mask_BT = torch.rand(3, 12) < 0.4
    return loss_module, hidden, {"codes_BTG": codes_BTG}, mask_BT


def per_set(loss_module, hidden, target, mask_BT) -> torch.Tensor:
    """Each set's loss by itself, from the definition."""
    losses = []
    for group, (head, hidden_BTD) in enumerate(zip(loss_module.heads, hidden, strict=True)):
        context_NC = head.project(hidden_BTD[mask_BT])
        embedding_NVC = head.embedding_VC.expand(len(context_NC), -1, -1)
        cosine_NV = F.cosine_similarity(context_NC[:, None], embedding_NVC, dim=-1)
        losses.append(F.cross_entropy(cosine_NV / 0.1, target["codes_BTG"][mask_BT][:, group]))
    return torch.stack(losses).detach()


def test_loss_is_the_sum_over_label_sets_each_at_its_layer():
    loss_module, hidden, target, mask_BT = example(drop=2)
    wanted = per_set(loss_module, hidden, target, mask_BT).sum()  # in evaluation none is dropped
    loss, stats, weight, per_frame_BK = loss_module.eval()(
        hidden, target, MaskedFrames.of(mask_BT, 12)
    )
    torch.testing.assert_close(loss, wanted)
    assert weight == mask_BT.sum()
    torch.testing.assert_close(per_frame_BK.sum() / weight, wanted)
    assert list(stats) == [f"masked_acc_{size}" for size in SIZES]


def test_two_sets_are_dropped_in_training_each_pair_as_often():
    loss_module, hidden, target, mask_BT = example(drop=2)
    alone = per_set(loss_module, hidden, target, mask_BT)
    pairs = {(a, b): float(alone[a] + alone[b]) for a in range(4) for b in range(a)}
    masked, generator = MaskedFrames.of(mask_BT, 12), torch.Generator().manual_seed(1)
    counts = dict.fromkeys(pairs, 0)
    for _ in range(600):
        value = float(loss_module(hidden, target, masked, generator)[0].detach())
        (pair,) = [pair for pair, total in pairs.items() if abs(total - value) < 1e-4]
        counts[pair] += 1
    assert all(abs(n - 100) < 45 for n in counts.values()), counts  # 5 standard deviations


def test_a_dropped_set_gets_no_gradient():
    loss_module, hidden, target, mask_BT = example(drop=3)
    hidden = [x.requires_grad_() for x in hidden]
    loss_module(hidden, target, MaskedFrames.of(mask_BT, 12))[0].backward()
    moved = [bool(x.grad.any()) for x in hidden]
    assert sum(moved) == 1
    assert [bool(head.project.weight.grad.any()) for head in loss_module.heads] == moved


def test_frames_without_a_label_and_batches_without_a_mask_are_finite():
    loss_module, hidden, target, _ = example(drop=0)
    target["codes_BTG"][:, 6:] = -1
    masked = MaskedFrames.of(torch.zeros(3, 12, dtype=torch.bool), 12)
    loss, _, weight, _ = loss_module(hidden, target, masked)
    loss.backward()
    assert loss == weight == 0


def test_layers_are_as_far_apart_as_can_be():
    assert spread_layers(12, 6) == [4, 5, 7, 8, 10, 12]
    assert spread_layers(12, 6, big_to_small=False) == [12, 10, 8, 7, 5, 4]
    assert spread_layers(12, 3, lowest=2 / 3) == [8, 10, 12]  # the paper's own example
    assert spread_layers(24, 6) == [9, 12, 15, 18, 21, 24]
    assert spread_layers(2, 4) == [1, 1, 1, 2]
    (loss,) = METHOD["losses"].values()
    assert loss["layer"] == spread_layers(12, len(METHOD["targets"]["labels"]["conf"]["sizes"]))


def test_heads_of_the_paper_have_1_68_million_parameters():
    """MS-HuBERT: 96.01 M in all; the encoder has 94.37 M."""
    sizes = METHOD["targets"]["labels"]["conf"]["sizes"]
    loss_module = MulticlusterLoss(768, 0, groups=len(sizes), entries=tuple(sizes))
    assert sum(p.numel() for p in loss_module.parameters()) == 6 * (768 * 256 + 256) + 1950 * 256


def test_one_layer_for_each_set_is_wanted():
    loss_module, hidden, target, mask_BT = example(drop=2)
    masked = MaskedFrames.of(mask_BT, 12)
    for wrong in (hidden[:3], hidden[0]):
        with pytest.raises(UserError, match=r"a list `layer:` of 4 layers.*9, 5, 4, 2"):
            loss_module(wrong, target, masked)
    with pytest.raises(ValueError, match="drop 4 of 4 label sets leaves none"):
        example(drop=4)
