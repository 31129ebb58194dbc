"""The rooms joined: what reaches what, on a ragged batch."""

import pytest
import torch
from espnet2.asr.frontend.default import DefaultFrontend
from espnet2.layers.utterance_mvn import UtteranceMVN

from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.views import OneView
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.loss.contrastive import ContrastiveLoss
from espnet_ext.loss.diversity import DiversityLoss
from espnet_ext.loss.masked_prediction import MaskedPredictionLoss
from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.random import RandomSpans
from espnet_ext.masking.spans import Masker
from espnet_ext.model.ssl import MaskedSpeechModel, Objective
from espnet_ext.targets.gumbel import GumbelQuantiser

DIM, CODE, ENTRIES = 16, 8, 6
SPEECH_LENGTHS = [32000, 20001, 5000]


class NoMask(Masker):
    def forward(self, lengths_B, max_length, **kwargs):
        return torch.zeros(len(lengths_B), max_length, dtype=torch.bool)


def w2vbert(masker: Masker, **layers: int) -> MaskedSpeechModel:
    """w2v-BERT's losses on two tiny layers; contrastive after the first."""
    torch.manual_seed(0)
    frontend = DefaultFrontend(
        fs=16000, win_length=400, hop_length=160, n_mels=20, center=False, frontend_conf=None
    )
    layers = {"contrastive": 1, "diversity": 1, "masked_prediction": 0} | layers
    losses = {
        "contrastive": ContrastiveLoss(DIM, CODE, dim=8, distractors=5),
        "diversity": DiversityLoss(DIM, CODE),
        "masked_prediction": MaskedPredictionLoss(DIM, CODE, entries=ENTRIES),
    }
    weights = {"contrastive": 1.0, "diversity": 0.1, "masked_prediction": 1.0}
    return MaskedSpeechModel(
        frontend=frontend,
        normalize=UtteranceMVN(),
        preencoder=Conv2dSubsampling(20, 2, DIM),
        masker=masker,
        view=OneView(DIM),
        encoder=ContextConformer(
            DIM, DIM, 2, heads=2, ff_dim=16, kernel=3, dropout=0.0, inner_dropout=0.0
        ),
        targets={"quantiser": GumbelQuantiser(DIM, 1, ENTRIES, CODE)},
        objectives=[
            Objective(name, loss, "quantiser", layers[name], weights[name])
            for name, loss in losses.items()
        ],
        frame_shift_ms=40,
    )


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "speech": torch.randn(3, SPEECH_LENGTHS[0], generator=generator),
        "speech_lengths": torch.tensor(SPEECH_LENGTHS),
        "confidence": torch.rand(3, 49, generator=generator),  # one frame less than latents
        "confidence_lengths": torch.tensor([49, 31, 7]),
    }


@pytest.mark.parametrize(
    "masker",
    [RandomSpans(4, fraction=0.4), RandomSpans(4, start_prob=0.1)]
    + [ConfidenceSpans(order, span=4, fraction=0.4) for order in ("highest", "lowest", "random")],
    ids=["random", "start_prob", "highest", "lowest", "confidence_random"],
)
def test_one_step_moves_every_parameter(masker):
    model = w2vbert(masker)
    loss, stats, weight = model(**batch(), generator=torch.Generator().manual_seed(2))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(value).all() for value in stats.values())
    gradients = {
        name: p.grad.abs().sum() if p.grad is not None else None
        for name, p in model.named_parameters()
    }
    assert {name for name, total in gradients.items() if not total} == set()
    n_frames = 50 + 32 + 8
    assert weight == round(float(stats["masked_fraction"]) * n_frames)
    if masker.fraction is not None:
        assert abs(weight - 0.4 * n_frames) < 3 * 4  # spans of 4 in three utterances
    weighted = (
        stats["loss_contrastive"] + 0.1 * stats["loss_diversity"] + stats["loss_masked_prediction"]
    )
    torch.testing.assert_close(stats["loss"], weighted)


def test_a_loss_sees_only_the_layers_below_it():
    model = w2vbert(RandomSpans(4, fraction=0.4), masked_prediction=1)
    model(**batch())[0].backward()
    assert all(p.grad is None for p in model.encoder.layers[1].parameters())
    assert all(p.grad is not None for p in model.encoder.layers[0].parameters())


def test_nothing_masked_is_finite_and_moves_no_mask_embedding():
    model = w2vbert(NoMask(fraction=0.5))
    loss, stats, weight = model(**batch())
    loss.backward()
    assert weight == 0
    assert torch.isfinite(loss)
    assert not model.view.mask_embedding_D.grad.any()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert stats["masked_fraction"] == stats["mean_span_ms"] == 0


def test_targets_never_see_the_mask():
    seen = []
    for masker in (
        RandomSpans(4, fraction=0.2),
        RandomSpans(4, fraction=0.8),
        NoMask(fraction=0.5),
    ):
        model = w2vbert(masker).eval()
        model.targets["quantiser"].register_forward_hook(
            lambda module, args, out: seen.append((args[0].latents_BTD.clone(), out["vectors_BTC"]))
        )
        losses = model(**batch(), generator=torch.Generator().manual_seed(3))[1]
        seen[-1] += (losses["masked_fraction"],)
    assert len({float(fraction) for *_, fraction in seen}) == 3
    for latents_BTD, vectors_BTC, _ in seen[1:]:
        assert torch.equal(latents_BTD, seen[0][0])
        assert torch.equal(vectors_BTC, seen[0][1])


def test_the_generator_decides_every_draw():
    model = w2vbert(RandomSpans(4, fraction=0.4))
    first, again, other = (
        model(**batch(), generator=torch.Generator().manual_seed(seed))[0] for seed in (4, 4, 5)
    )
    assert first == again != other


def test_latents_of_an_utterance_do_not_depend_on_its_batch():
    model = w2vbert(NoMask(fraction=0.5)).eval()
    speech_BS, lengths_B = batch()["speech"], batch()["speech_lengths"]
    _, latents_BTD, frames_B = model.latents(speech_BS, lengths_B)
    assert frames_B.tolist() == [50, 31, 8]
    for row, length in enumerate(SPEECH_LENGTHS):
        _, alone_1TD, _ = model.latents(speech_BS[row : row + 1, :length], lengths_B[row : row + 1])
        torch.testing.assert_close(
            latents_BTD[row, : frames_B[row]], alone_1TD[0], rtol=1e-4, atol=1e-5
        )
