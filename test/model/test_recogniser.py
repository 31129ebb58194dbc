"""The recogniser on a ragged batch: CTC, RNN-T, or both; without warprnnt_pytorch."""

import sys

import pytest
import torch
import torchaudio.functional
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.transducer_decoder import TransducerDecoder
from espnet2.asr_transducer.joint_network import JointNetwork

from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.model.asr import Recogniser

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


def test_ctc_with_more_labels_than_frames_is_not_infinite():
    model = recogniser(False, 1.0)
    one = {name: x[:1] for name, x in batch().items()} | {"speech_lengths": torch.tensor([12])}
    one["speech"] = one["speech"][:, :12]  # 3 latents for 4 labels
    loss, _, _ = model(**one)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


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
