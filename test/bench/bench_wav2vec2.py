"""A training step of wav2vec 2.0 BASE: ours against transformers' `Wav2Vec2ForPreTraining`.

Forward and backward on the same batch, in turn, in one run; each draws its own mask and negatives,
as in training. Both leave out no layer and drop values with the same probabilities, so that they
compute the same things. Ours has the feature penalty besides, theirs has no such loss.

    python test/bench/bench_wav2vec2.py [--utterances 4] [--seconds 10] [--steps 5] [--threads 1]
"""

import argparse
import functools
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining
from transformers.models.wav2vec2.modeling_wav2vec2 import (
    _compute_mask_indices,
    _sample_negative_indices,
)

from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.encoder.views import OneView
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.loss.contrastive import ContrastiveLoss, draw_distractors
from espnet_ext.loss.diversity import DiversityLoss
from espnet_ext.loss.feature_penalty import FeaturePenalty
from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.masking.random import RandomSpans
from espnet_ext.model.ssl import MaskedSpeechModel, Objective
from espnet_ext.targets.features import Features
from espnet_ext.targets.gumbel import GumbelQuantiser

START_PROB, SPAN, DISTRACTORS = 0.065, 10, 100


def our_model() -> MaskedSpeechModel:
    """conf/arch/wave_transformer.yaml with conf/method/wav2vec2.yaml."""
    losses = [
        Objective("contrastive", ContrastiveLoss(768, 256, 256, DISTRACTORS), "quantiser", 0, 1.0),
        Objective("diversity", DiversityLoss(768, 256), "quantiser", 0, 0.1),
        Objective("feature_penalty", FeaturePenalty(), "features", 0, 10.0),
    ]
    return MaskedSpeechModel(
        frontend=WaveCNN(grad_scale=0.1),
        normalize=None,
        preencoder=LatentNorm(512),
        masker=RandomSpans(SPAN, start_prob=START_PROB),
        view=OneView(768),
        encoder=ContextTransformer(512, layer_drop=0.0),
        targets={
            "quantiser": GumbelQuantiser(512, 2, 320, 256, dropout=0.1),
            "features": Features(512),
        },
        objectives=losses,
        frame_shift_ms=20.0,
    ).train()


def their_model() -> Wav2Vec2ForPreTraining:
    config = Wav2Vec2Config(
        activation_dropout=0.0,
        feat_proj_dropout=0.1,
        feat_quantizer_dropout=0.1,
        layerdrop=0.0,
        num_negatives=DISTRACTORS,
        mask_time_prob=START_PROB * SPAN,
        mask_time_length=SPAN,
    )
    return Wav2Vec2ForPreTraining(config).train()


def their_draws(model: Wav2Vec2ForPreTraining, wav_BS: Tensor) -> tuple[Tensor, Tensor]:
    """Mask and negatives, as transformers' pre-training example draws them in its data collator."""
    n_frames = int(model._get_feat_extract_output_lengths(wav_BS.shape[1]))
    shape = (len(wav_BS), n_frames)
    mask = _compute_mask_indices(shape, START_PROB * SPAN, SPAN)
    negatives = _sample_negative_indices(shape, DISTRACTORS, mask)
    return torch.from_numpy(mask), torch.from_numpy(negatives).long()


def their_step(model: Wav2Vec2ForPreTraining, wav_BS: Tensor) -> Tensor:
    mask_BT, negatives_BTN = their_draws(model, wav_BS)
    loss = model(wav_BS, mask_time_indices=mask_BT, sampled_negative_indices=negatives_BTN).loss
    return loss / mask_BT.sum()


def our_step(model: MaskedSpeechModel, wav_BS: Tensor, lengths_B: Tensor) -> Tensor:
    return model(wav_BS, lengths_B)[0]


def our_draws(model: MaskedSpeechModel, wav_BS: Tensor) -> None:
    """Mask and negatives alone."""
    n_frames = (wav_BS.shape[1] - 400) // 320 + 1
    mask_BT = model.masker(torch.full((len(wav_BS),), n_frames), n_frames)
    draw_distractors(MaskedFrames.of(mask_BT, model.masker.max_masked(n_frames)), DISTRACTORS)


def timed(step: Callable[[], Tensor], model: nn.Module) -> float:
    """Seconds of forward, backward and clearing of gradients."""
    began = time.perf_counter()
    step().backward()
    model.zero_grad()
    return time.perf_counter() - began


def quickest(run: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    wav_BS = 0.1 * torch.randn(given.utterances, int(16000 * given.seconds))
    lengths_B = torch.full((given.utterances,), wav_BS.shape[1])
    ours, theirs = our_model(), their_model()
    seconds = {"ours": [], "theirs": []}
    for _ in range(given.steps + 1):  # the first of each warms up
        seconds["ours"].append(timed(lambda: our_step(ours, wav_BS, lengths_B), ours))
        seconds["theirs"].append(timed(lambda: their_step(theirs, wav_BS), theirs))
    own, peer = (min(seconds[who][1:]) for who in ("ours", "theirs"))
    draws = [
        quickest(functools.partial(draw, model, wav_BS), 5)
        for draw, model in ((our_draws, ours), (their_draws, theirs))
    ]
    print(
        f"{given.utterances} utterances of {given.seconds} s, {given.threads} thread(s), ", end=""
    )
    print(f"best of {given.steps}")
    print(f"{'':24s}{'ours':>10s}{'transformers':>14s}{'ratio':>8s}")
    print(f"{'training step, s':24s}{own:10.3f}{peer:14.3f}{own / peer:8.2f}")
    print(
        f"{'mask and negatives, s':24s}{draws[0]:10.4f}{draws[1]:14.4f}{draws[0] / draws[1]:8.2f}"
    )
    print(f"{'  share of the step':24s}{draws[0] / own:10.2%}{draws[1] / peer:14.2%}")


if __name__ == "__main__":
    main()
