"""Every masker with every method: one training step on a ragged batch."""

import pytest
import torch
from espnet2.asr.frontend.default import DefaultFrontend
from espnet2.layers.utterance_mvn import UtteranceMVN

from espnet_ext import registry
from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.student import StudentView
from espnet_ext.encoder.swap import SwapViews
from espnet_ext.encoder.teacher import EMATeacher
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.encoder.views import OneView
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.loss.contrastive import ContrastiveLoss
from espnet_ext.loss.diversity import DiversityLoss
from espnet_ext.loss.feature_penalty import FeaturePenalty
from espnet_ext.loss.masked_prediction import MaskedPredictionLoss
from espnet_ext.loss.multicluster import MulticlusterLoss
from espnet_ext.loss.ranking import RankingLoss
from espnet_ext.loss.regression import RegressionLoss
from espnet_ext.model.ssl import MaskedSpeechModel, Objective
from espnet_ext.targets.features import Features
from espnet_ext.targets.gumbel import GumbelQuantiser
from espnet_ext.targets.labels import Labels
from espnet_ext.targets.teacher_average import TeacherAverage

DIM, CODE, LAYERS, FRACTION = 16, 8, 2, 0.4
SPEECH_LENGTHS = torch.tensor([32000, 20001, 5000])
N_FRAMES = [49, 31, 8]  # of 40 ms, give or take one
LABEL_SIZES = [6, 3]

MASKERS = {
    "random": {"span": 3, "fraction": FRACTION},
    "confidence": {"span": 3, "fraction": FRACTION},
    "inverse_block": {"span": 3, "fraction": FRACTION},
    "easy_to_hard": {"span": 3, "fraction": FRACTION},
}


def logmel() -> dict:
    frontend = DefaultFrontend(
        fs=16000, win_length=400, hop_length=160, n_mels=20, center=False, frontend_conf=None
    )
    preencoder = Conv2dSubsampling(20, 2, DIM)
    return {"frontend": frontend, "normalize": UtteranceMVN(), "preencoder": preencoder}


def wave() -> dict:
    frontend = WaveCNN(DIM, kernels=(16, 8, 10), strides=(8, 8, 10), norm="layer")
    return {"frontend": frontend, "normalize": None, "preencoder": LatentNorm(DIM)}


def conformer() -> ContextConformer:
    return ContextConformer(DIM, DIM, LAYERS, heads=2, ff_dim=16, kernel=3)


def transformer(**options) -> ContextTransformer:
    sizes = {"num_layers": LAYERS, "heads": 2, "ff_dim": 16, "pos_kernel": 3, "pos_groups": 2}
    return ContextTransformer(DIM, DIM, **sizes | {"layer_drop": 0.0} | options)


def quantised() -> tuple[dict, list[Objective]]:
    losses = [
        Objective("contrastive", ContrastiveLoss(DIM, CODE, 8, 5), "quantiser", 1, 1.0),
        Objective("diversity", DiversityLoss(DIM, CODE), "quantiser", 1, 0.1),
    ]
    return {"quantiser": GumbelQuantiser(DIM, 2, 6, CODE)}, losses


def w2vbert() -> dict:
    targets, losses = quantised()
    prediction = MaskedPredictionLoss(DIM, CODE, groups=2, entries=6)
    losses.append(Objective("masked_prediction", prediction, "quantiser", 0, 1.0))
    return logmel() | {
        "encoder": conformer(),
        "view": OneView(DIM),
        "targets": targets,
        "objectives": losses,
    }


def contrasted() -> dict:
    """wav2vec 2.0's objectives, on the last layer of any encoder."""
    targets, losses = quantised()
    for objective in losses:
        objective.layer = 0
    return {"view": OneView(DIM), "targets": targets, "objectives": losses}


def w2v2_cfr() -> dict:
    return logmel() | {"encoder": conformer()} | contrasted()


def wav2vec2() -> dict:
    parts = contrasted()
    parts["targets"]["features"] = Features(DIM)
    parts["objectives"].append(Objective("penalty", FeaturePenalty(), "features", 0, 10.0))
    return wave() | {"encoder": transformer()} | parts


def hubert(encoder=transformer) -> dict:
    prediction = MaskedPredictionLoss(DIM, 1, 1, LABEL_SIZES[0], head="cosine", dim=8)
    return (wave() if encoder is transformer else logmel()) | {
        "encoder": encoder(),
        "view": OneView(DIM),
        "targets": {"labels": Labels(LABEL_SIZES[:1])},
        "objectives": [Objective("masked_prediction", prediction, "labels", 0, 1.0)],
    }


def ms_hubert() -> dict:
    loss = MulticlusterLoss(DIM, 2, 2, LABEL_SIZES, dim=8, drop=0)
    return wave() | {
        "encoder": transformer(),
        "view": SwapViews(DIM),
        "targets": {"labels": Labels(LABEL_SIZES)},
        "objectives": [Objective("multicluster", loss, "labels", [1, 2], 1.0)],
    }


def data2vec(student: bool = False) -> dict:
    encoder = transformer(pos_depth=2, alibi="learned" if student else "none")
    loss = RegressionLoss(DIM, DIM, projection=not student)
    decoder = {"dim": 8, "kernel": 3, "groups": 2, "layers": 2}
    return wave() | {
        "encoder": encoder,
        "view": StudentView(DIM, 2, decoder) if student else OneView(DIM),
        "targets": {"average": TeacherAverage(DIM)},
        "objectives": [Objective("regression", loss, "average", 0, 1.0)],
        "teacher": {"tap": "ffn"},
    }


def data2vec2() -> dict:
    return data2vec(student=True)


def ehmam() -> dict:
    return with_ranking(data2vec2())


def with_ranking(parts: dict) -> dict:
    """A predictor of the first loss, as maskers by predicted loss want one."""
    first = parts["objectives"][0]
    ranking = RankingLoss(DIM, dim=8, kernel=3, groups=2, layers=2)
    parts["objectives"].append(Objective("ranking", ranking, first.name, 1, 0.05))
    return {"teacher": {}} | parts


METHODS = {
    "w2vbert": w2vbert,
    "w2v2_cfr": w2v2_cfr,
    "wav2vec2": wav2vec2,
    "hubert": hubert,
    "hubert_conformer": lambda: hubert(conformer),
    "ms_hubert": ms_hubert,
    "data2vec": data2vec,
    "data2vec2": data2vec2,
    "ehmam": ehmam,
}


def assemble(method: str, masker: str, **options) -> MaskedSpeechModel:
    torch.manual_seed(0)
    parts = METHODS[method]()
    parts["masker"] = registry.MASKERS[masker](**MASKERS[masker])
    if "predicted_loss" in parts["masker"].needs and method != "ehmam":
        parts = with_ranking(parts)
    if "teacher" in parts:
        predictors = [
            o.loss.predictor for o in parts["objectives"] if isinstance(o.loss, RankingLoss)
        ]
        parts["teacher"] = EMATeacher(
            parts["encoder"], predictors[0] if predictors else None, top=2, **parts["teacher"]
        )
    return MaskedSpeechModel(frame_shift_ms=40, total_updates=10, **parts, **options)


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    frames_B = torch.tensor(N_FRAMES)
    labels = [torch.randint(n, (3, N_FRAMES[0], 1), generator=generator) for n in LABEL_SIZES]
    return {
        "speech": torch.randn(3, int(SPEECH_LENGTHS[0]), generator=generator),
        "speech_lengths": SPEECH_LENGTHS,
        "confidence": torch.rand(3, N_FRAMES[0], generator=generator),
        "confidence_lengths": frames_B,
        "labels": torch.cat(labels, 2),
        "labels_lengths": frames_B,
    }


def test_no_masker_is_left_out():
    assert set(MASKERS) == set(registry.MASKERS)


@pytest.mark.parametrize("masker", MASKERS)
@pytest.mark.parametrize("method", METHODS)
def test_one_training_step(method, masker):
    model = assemble(method, masker).train()
    given = batch()
    if method in ("hubert", "hubert_conformer"):
        given["labels"] = given["labels"][..., :1]
    model.updates += 5  # half of the way: easy and hard spans
    loss, stats, weight = model(**given, generator=torch.Generator().manual_seed(2))
    loss.backward()

    assert torch.isfinite(loss)
    assert all(torch.isfinite(value).all() for value in stats.values())
    for name, p in model.named_parameters():
        if name.startswith("teacher."):
            assert p.grad is None and not p.requires_grad, name
        else:
            assert p.grad is not None and torch.isfinite(p.grad).all(), name
            # only differences of predicted losses count: a constant learns nothing
            assert p.grad.any() or name.endswith("predictor.out.bias"), name

    span = MASKERS[masker]["span"]
    frames_B = model.latents(given["speech"], SPEECH_LENGTHS)[2]
    n_frames = int(torch.minimum(frames_B, given["labels_lengths"]).sum())
    masked = float(stats["masked_fraction"]) * n_frames
    assert abs(masked - FRACTION * n_frames) <= 3 * span
    rows = {"ms_hubert": 2, "data2vec2": 2, "ehmam": 2}.get(method, 1)  # an utterance has
    assert weight.item() == pytest.approx(masked * rows, abs=0.5)

    before = {k: v.clone() for k, v in model.state_dict().items() if k.startswith("teacher.")}
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())
    model.after_update()
    if before:
        assert model.teacher.followed == 6
        moved = [not torch.equal(model.state_dict()[k], v) for k, v in before.items()]
        assert any(moved)


@pytest.mark.parametrize("method", METHODS)
def test_an_utterances_loss_counts_as_much_as_its_confidence(method):
    """The losses of frames add up over utterances; each one's share grows with its weight."""
    plain = assemble(method, "random").train()
    weighted = assemble(method, "random", utterance_weight="confidence").train()
    given = batch()
    if method in ("hubert", "hubert_conformer"):
        given["labels"] = given["labels"][..., :1]

    def losses(model, confidence_B) -> torch.Tensor:
        """By objective, (number of them,)."""
        torch.manual_seed(3)  # dropout
        given["confidence"] = torch.tensor(confidence_B)[:, None].expand(3, N_FRAMES[0])
        stats = model(**given, generator=torch.Generator().manual_seed(2))[1]
        return torch.stack([stats[f"loss_{o.name}"] for o in model.objectives])

    of_frames = [o.name not in ("diversity", "penalty", "ranking") for o in plain.objectives]
    assert any(of_frames)
    shares = [losses(weighted, row) for row in torch.eye(3).tolist()]
    assert ((torch.stack(shares)[:, of_frames] > 0).sum(0) >= 2).all()
    whole, unweighted = losses(weighted, [1.0, 1.0, 1.0]), losses(plain, [0.3, 0.5, 0.9])
    torch.testing.assert_close(whole, unweighted)
    torch.testing.assert_close(sum(shares)[of_frames], whole[of_frames])
    got = losses(weighted, [0.3, 0.5, 0.9])
    expected = 0.3 * shares[0] + 0.5 * shares[1] + 0.9 * shares[2]
    torch.testing.assert_close(got[of_frames], expected[of_frames])
    others = [not frames for frames in of_frames]
    torch.testing.assert_close(got[others], whole[others])


@pytest.mark.parametrize("masker", MASKERS)
@pytest.mark.parametrize("method", ["wav2vec2", "hubert", "ms_hubert", "data2vec", "ehmam"])
def test_utterances_without_a_frame_teach_nothing(method, masker):
    """Shorter than the wave CNN's field, a whole batch of them."""
    model, given = assemble(method, masker).train(), batch()
    given |= {"speech": given["speech"][:, :300], "speech_lengths": torch.tensor([100, 50, 300])}
    given |= {"confidence": given["confidence"][:, :1], "labels": given["labels"][:, :1]}
    given |= {f"{name}_lengths": torch.zeros(3).long() for name in ("confidence", "labels")}
    if method == "hubert":
        given["labels"] = given["labels"][..., :1]
    loss, stats, weight = model(**given, generator=torch.Generator().manual_seed(2))
    loss.backward()
    assert weight == 0
    assert all(torch.isfinite(value).all() for value in (loss, *stats.values()))
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


WAITS = {"item", "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal"}


@pytest.mark.parametrize("method", [name for name in METHODS if name != "w2vbert"])
def test_a_step_asks_nothing_of_the_device(method):
    """Operations for which a GPU would have to tell the host something, and so to wait. (The
    log-Mel frontend of w2v-BERT and of the conformers is ESPnet's own.)"""
    masker = "easy_to_hard" if method == "ehmam" else "inverse_block"
    model, given = assemble(method, masker).train(), batch()
    given["labels"] = given["labels"] if method == "ms_hubert" else given["labels"][..., :1]
    if method in ("hubert_conformer", "w2v2_cfr"):
        features = model.latents(given["speech"], given["speech_lengths"])
        model.latents = lambda *args: features
    with torch.autograd.profiler.profile() as profile:
        model(**given, generator=torch.Generator().manual_seed(2))[0].backward()
        model.after_update()
    assert not WAITS & {event.name.removeprefix("aten::") for event in profile.function_events}
