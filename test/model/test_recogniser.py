"""The recogniser on a ragged batch: CTC, RNN-T, or both; without warprnnt_pytorch."""

import sys

import pytest
import torch
import torchaudio.functional
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.transducer_decoder import TransducerDecoder
from espnet2.asr_transducer.joint_network import JointNetwork

from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.masking.channel import TimeChannelMask
from espnet_ext.masking.random import RandomSpans
from espnet_ext.model.asr import Recogniser, ctc_frames

TOKENS = ["<blank>", "<unk>", "a", "b", "c", "<sos/eos>"]


def recogniser(transducer: bool, ctc_weight: float, **options) -> Recogniser:
    torch.manual_seed(0)
    n, dim = len(TOKENS), 16
    return Recogniser(
        vocab_size=n,
        token_list=TOKENS,
        frontend=None,  # features come ready-made
        specaug=None,
        normalize=None,
        preencoder=Conv2dSubsampling(10, 2, dim),
        encoder=ContextConformer(dim, dim, 1, heads=2, ff_dim=16, kernel=3, dropout=0.0),
        postencoder=None,
        decoder=TransducerDecoder(n, hidden_size=12) if transducer else None,
        joint_network=JointNetwork(n, dim, 12, joint_space_size=8) if transducer else None,
        ctc=CTC(n, dim),
        ctc_weight=ctc_weight,
        **options,
    )


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "speech": torch.randn(3, 60, 10),
        "speech_lengths": torch.tensor([60, 33, 20]),
        "text": torch.tensor([[2, 3, 3, 4], [4, 2, -1, -1], [3, -1, -1, -1]]),
        "text_lengths": torch.tensor([4, 2, 1]),
    }


@pytest.mark.parametrize(
    ("transducer", "ctc_weight"), [(False, 1.0), (True, 0.0), (True, 0.3), (True, 1.0)]
)
def test_one_step_moves_every_parameter(transducer, ctc_weight):
    model = recogniser(transducer, ctc_weight)
    loss, stats, weight = model(**batch())
    loss.backward()
    assert "warprnnt_pytorch" not in sys.modules
    assert torch.isfinite(loss)
    assert weight == 3
    still = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert still == set()
    parts = {"transducer": stats.get("loss_transducer"), "ctc": stats.get("loss_ctc")}
    assert (parts["transducer"] is not None) == transducer
    assert (parts["ctc"] is not None) == (ctc_weight > 0)
    expected = (parts["transducer"] or 0) + ctc_weight * (parts["ctc"] or 0)
    torch.testing.assert_close(loss.detach(), expected)


def test_transducer_loss_is_that_of_each_utterance_alone():
    model = recogniser(True, 0.0).eval()
    together = model(**batch())[0]
    alone = []
    for row in range(3):
        one = {name: x[row : row + 1] for name, x in batch().items()}
        encoded_1TD, frames_1 = model.encode(
            one["speech"][:, : one["speech_lengths"]], one["speech_lengths"]
        )
        labels_1U = one["text"][:, : one["text_lengths"]]
        prefix_1UD = model.decoder(torch.cat([torch.zeros(1, 1).long(), labels_1U], 1))
        logits_1TUV = model.joint_network(encoded_1TD[:, :, None], prefix_1UD[:, None])
        lengths = frames_1.int(), one["text_lengths"].int()
        alone.append(
            torchaudio.functional.rnnt_loss(logits_1TUV, labels_1U.int(), *lengths, blank=0)
        )
    torch.testing.assert_close(together[0], torch.stack(alone).mean(), rtol=1e-4, atol=1e-5)


def test_an_utterance_without_frames_is_skipped_and_counted():
    model = recogniser(True, 0.0).eval()
    full, with_empty = batch(), batch()
    with_empty["speech_lengths"][2] = 0
    encode = model.encode

    def encode_nothing_of_nothing(speech, lengths):
        encoded_BTD, frames_B = encode(speech, lengths.clamp(min=4))
        return encoded_BTD, frames_B.masked_fill(lengths == 0, 0)

    model.encode = encode_nothing_of_nothing
    two = {name: x[:2] for name, x in full.items()}
    loss, stats, _ = model(**with_empty)
    expected, full_stats, _ = model(**two)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    assert (stats["skipped_transducer"], full_stats["skipped_transducer"]) == (1, 0)
    loss.backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_fastemit_reaches_the_loss():
    grads = []
    for fastemit_lambda in (0.0, 0.5):
        model = recogniser(True, 0.0, fastemit_lambda=fastemit_lambda).eval()
        model(**batch())[0].backward()
        grads.append(model.joint_network.lin_out.bias.grad)
    assert not torch.allclose(*grads)
    with pytest.raises(ValueError, match="fastemit_lambda must be 0 or more, not -1"):
        recogniser(True, 0.0, fastemit_lambda=-1.0)


def test_ctc_skips_labels_that_frames_cannot_hold_and_counts_them():
    """Loss and gradient are those of the batch without them. RNN-T can hold them."""
    full = batch()
    long = {name: x.clone() for name, x in full.items()}
    long["speech_lengths"][0] = 16  # 4 latents for a, b, b, c: the two b want a blank between them
    short = {name: x[1:] for name, x in long.items()}
    found = []
    for given in (long, short):
        model = recogniser(False, 1.0).eval()
        loss, stats, weight = model(**given)
        loss.backward()
        gradients = [p.grad for p in model.parameters()]
        found.append((loss, weight, gradients))
        assert stats["skipped_ctc"] == (1 if given is long else 0)
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-6)
    assert found[0][1] == 2

    only = {name: x[:1] for name, x in long.items()} | {"speech": long["speech"][:1, :16]}
    loss, stats, weight = recogniser(False, 1.0)(**only)
    assert (loss, stats["skipped_ctc"], weight) == (0.0, 1, 1)
    loss, stats, weight = recogniser(True, 0.3)(**only)
    assert torch.isfinite(loss)
    assert (stats["skipped_transducer"], stats["skipped_ctc"], weight) == (0, 1, 1)


def test_frames_that_ctc_needs_by_hand():
    labels_BU = torch.tensor([[2, 3, 3, 3], [2, 2, -1, -1], [4, -1, -1, -1], [-1, -1, -1, -1]])
    assert ctc_frames(labels_BU, torch.tensor([4, 2, 1, 0])).tolist() == [6, 3, 1, 0]


def masked(encoder) -> Recogniser:
    """A recogniser that hides half of the latents, and some of their channels."""
    model = recogniser(False, 1.0)
    model.encoder = encoder
    model.masks = TimeChannelMask(16, RandomSpans(2, fraction=0.5), start_prob=0.1, span=2)
    torch.nn.init.constant_(model.masks.mask_embedding_D, 3.0)
    return model


@pytest.mark.parametrize("network", ["conformer", "transformer"])
def test_masks_hide_what_the_layers_see_in_training_alone(network):
    encoder = {
        "conformer": lambda: ContextConformer(16, 16, 1, heads=2, ff_dim=16, kernel=3, dropout=0.0),
        "transformer": lambda: ContextTransformer(16, 16, 1, 2, 16, pos_kernel=4, pos_groups=2),
    }[network]()
    model, seen = masked(encoder), []
    hidden = encoder.hidden
    encoder.hidden = lambda x_BTD, lengths_B: (seen.append(x_BTD), hidden(x_BTD, lengths_B))[1]
    for seed in (1, 1, 2):
        torch.manual_seed(0)  # of dropout
        model(**batch(), generator=torch.Generator().manual_seed(seed))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    zero_BTD = seen[0] == 0
    hidden_BT = ((seen[0] == 3.0) | zero_BTD).all(2)
    assert hidden_BT.sum(1).tolist() == pytest.approx([7, 4, 2], abs=1.5)  # of 15, 8, 5
    assert zero_BTD.all(1).any()

    seen.clear()
    model.eval()(**batch())
    plain, _ = model._latents(batch()["speech"], batch()["speech_lengths"])
    assert torch.equal(seen[0], encoder.embed(plain))


def test_the_mask_embedding_learns_with_the_encoder():
    model = masked(ContextConformer(16, 16, 1, heads=2, ff_dim=16, kernel=3))
    model.freeze_updates = 1
    for updates, learns in ((0, False), (1, True)):
        model.updates.fill_(updates)
        model(**batch())[0].backward()
        assert (model.masks.mask_embedding_D.grad is not None) == learns


def test_a_ctc_weight_without_meaning_is_refused():
    with pytest.raises(ValueError, match="ctc_weight must be"):
        recogniser(False, 0.3)


@pytest.mark.parametrize("transducer", [False, True])
def test_a_frozen_encoder_learns_only_after_the_updates_that_the_conf_names(transducer):
    model = recogniser(transducer, 1.0, freeze_updates=2)
    below = ("preencoder.", "encoder.")

    def moved() -> set[str]:
        model.zero_grad()
        model(**batch())[0].backward()
        return {name for name, p in model.named_parameters() if p.grad is not None}

    every = {name for name, _ in model.named_parameters()}
    above = {name for name in every if not name.startswith(below)}
    for updates, expected in ((0, above), (1, above), (2, every), (3, every)):
        model.updates.fill_(updates)
        assert moved() == expected
