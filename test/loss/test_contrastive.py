"""Eq. 3 of wav2vec 2.0 against transformers' implementation, and the law of the distractors."""

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import chisquare
from transformers import Wav2Vec2ForPreTraining

from espnet_ext.loss.contrastive import ContrastiveLoss, draw_distractors
from espnet_ext.loss.masked import MaskedFrames

B, T, D, C, ENTRIES = 3, 12, 8, 6, 4


def make_target(codes_BTG: torch.Tensor) -> dict[str, torch.Tensor]:
    """Codewords that are equal exactly where all codes of two frames are."""
    codewords = torch.randn(codes_BTG.shape[-1], ENTRIES, C // codes_BTG.shape[-1])
    vectors = [codewords[g][codes_BTG[..., g]] for g in range(codes_BTG.shape[-1])]
    shape = (*codes_BTG.shape, ENTRIES)
    return {
        "vectors_BTC": torch.cat(vectors, -1).requires_grad_(),
        "codes_BTG": codes_BTG,
        "probs_BTGV": torch.full(shape, 1 / ENTRIES),
    }


@pytest.fixture
def loss_module():
    torch.manual_seed(0)
    return ContrastiveLoss(D, C, dim=5, distractors=7, temperature=0.1)


@pytest.mark.parametrize("groups", [1, 2])
def test_loss_equals_transformers_on_the_same_distractors(loss_module, groups):
    hidden_BTD = torch.randn(B, T, D)
    target = make_target(torch.randint(0, ENTRIES, (B, T, groups)))
    mask_BT = torch.rand(B, T) < 0.6
    masked = MaskedFrames.of(mask_BT, T)
    loss, _, weight, _ = loss_module(
        hidden_BTD, target, masked, generator=torch.Generator().manual_seed(1)
    )

    # the same distractors, one frame at a time, by places among the masked frames
    negatives_BKN = draw_distractors(masked, 7, torch.Generator().manual_seed(1))
    context_BTC = loss_module.project_context(hidden_BTD)
    vectors_BTC = loss_module.project_target(target["vectors_BTC"])
    losses, n_excluded = [], 0
    for b in range(B):
        frames = mask_BT[b].nonzero()[:, 0]
        for place, frame in enumerate(frames):
            negative_frames = frames[negatives_BKN[b, place]]
            logits = Wav2Vec2ForPreTraining.compute_contrastive_logits(
                vectors_BTC[b, frame][None],
                vectors_BTC[b, negative_frames],
                context_BTC[b, frame][None],
                0.1,
            )
            same = target["vectors_BTC"][b, negative_frames] == target["vectors_BTC"][b, frame]
            logits[1:][same.all(-1)] = -torch.inf
            n_excluded += int(same.all(-1).sum())
            losses.append(F.cross_entropy(logits[None], torch.tensor([0])))
    assert n_excluded > 0  # the rule was at work
    assert weight == len(losses) == mask_BT.sum()
    torch.testing.assert_close(loss, torch.stack(losses).mean())


@pytest.mark.parametrize("case", ["one codeword", "one masked frame", "none masked"])
def test_nothing_to_tell_apart_is_a_loss_of_zero_with_finite_gradients(loss_module, case):
    hidden_BTD = torch.randn(B, T, D, requires_grad=True)
    n_codes = 1 if case == "one codeword" else ENTRIES
    target = make_target(torch.randint(0, n_codes, (B, T, 1)))
    n_masked = {"one codeword": 5, "one masked frame": 1, "none masked": 0}[case]
    masked = MaskedFrames.of((torch.arange(T) < n_masked).expand(B, -1), 6)
    loss, stats, weight, _ = loss_module(hidden_BTD, target, masked)
    loss.backward()
    assert loss == 0
    assert stats["contrastive_acc"] == 0
    assert weight == B * n_masked
    for gradient in (
        hidden_BTD.grad,
        target["vectors_BTC"].grad,
        *(p.grad for p in loss_module.parameters()),
    ):
        assert torch.isfinite(gradient).all()


def test_utterances_without_distractors_leave_the_others_alone(loss_module):
    hidden_BTD = torch.randn(2, T, D)
    target = make_target(torch.randint(0, ENTRIES, (2, T, 1)))
    mask_BT = torch.arange(T) < torch.tensor([[6], [1]])
    together, stats, _, _ = loss_module(
        hidden_BTD, target, MaskedFrames.of(mask_BT, 6), torch.Generator().manual_seed(2)
    )
    assert 0 <= stats["contrastive_acc"] <= 1
    first = {name: x[:1] for name, x in target.items()}
    alone, _, _, _ = loss_module(
        hidden_BTD[:1], first, MaskedFrames.of(mask_BT[:1], 6), torch.Generator().manual_seed(2)
    )
    torch.testing.assert_close(together * 7, alone * 6)  # a mean over 7 frames, one of them 0


def test_distractors_are_other_masked_frames_of_the_utterance_drawn_uniformly():
    mask_BT = torch.zeros(2, 20, dtype=torch.bool)
    mask_BT[0, [1, 5, 6, 19]] = True
    mask_BT[1, 3:9] = True
    masked = MaskedFrames.of(mask_BT, 7)
    drawn_BKN = draw_distractors(masked, 5000, torch.Generator().manual_seed(3))
    for b, count in enumerate([4, 6]):
        for place in range(count):
            counts = drawn_BKN[b, place].bincount(minlength=7)
            assert counts[place] == 0  # never the frame itself
            assert not counts[count:].any()  # nor what is not masked
            others = torch.cat([counts[:place], counts[place + 1 : count]])
            assert chisquare(others).pvalue > 1e-4
