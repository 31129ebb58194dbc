"""A pre-training step of wav2vec 2.0 from its published conf against transformers' own."""

import functools

import pytest
import torch
from audit import ROOT, build
from transformer_peers import randomise
from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

from espnet_ext.config import compose
from espnet_ext.loss.contrastive import draw_distractors
from espnet_ext.loss.masked import MaskedFrames
from espnet_ext.masking.spans import Masker
from espnet_ext.tasks.checkpoints.hf_layout import to_hf

OURS = {  # where in the conf -> what is smaller there
    "tiny": {
        ("frontend_conf",): {"channels": 12},
        ("encoder_conf",): {"output_size": 16, "num_layers": 3, "heads": 4, "ff_dim": 24}
        | {"pos_kernel": 8, "pos_groups": 4},
        ("targets", "quantiser", "conf"): {"entries": 80, "dim": 12},
        ("losses", "contrastive", "conf"): {"dim": 10},
    },
    "base": {},
}
THEIRS = {
    "tiny": {"conv_dim": [12] * 7, "hidden_size": 16, "num_hidden_layers": 3}
    | {"num_attention_heads": 4, "intermediate_size": 24, "num_conv_pos_embeddings": 8}
    | {"num_conv_pos_embedding_groups": 4, "num_codevectors_per_group": 80}
    | {"codevector_dim": 12, "proj_codevector_dim": 10},
    "base": {},
}
HEADS = {  # what only pre-training has, which conversion leaves out
    "targets.quantiser.logits": "quantizer.weight_proj",
    "objectives.0.loss.project_context": "project_hid",
    "objectives.0.loss.project_target": "project_q",
}
CODEWORDS = "targets.quantiser.codewords_GVC"
B, SAMPLES, T = 2, 9600, 29
MASK_BT = torch.rand((B, T), generator=torch.Generator().manual_seed(0)) < 0.5


class GivenMask(Masker):
    def __init__(self):
        super().__init__(fraction=0.9)

    def forward(self, lengths_B, max_length, **given):
        return MASK_BT


def our_model(size: str):
    """In evaluation, for its dropout, but for the quantiser, whose noise is drawn from seed 1; the
    distractors are drawn from seed 2."""
    conf, _ = compose(ROOT / "egs2/librispeech/ssl1/conf/wav2vec2_base.yaml")
    for place, smaller in OURS[size].items():
        functools.reduce(dict.__getitem__, place, conf).update(smaller)
    model = build(conf, "ssl").to_empty(device="cpu").eval()
    randomise(model)
    quantiser, contrastive, penalty = (
        model.targets["quantiser"],
        model.objectives[0],
        model.objectives[2],
    )
    torch.nn.init.normal_(quantiser.codewords_GVC)
    penalty.weight = 0.0  # theirs has none
    model.updates.fill_(1000)
    model.masker = GivenMask()
    quantiser.train().dropout.eval()
    quantiser.register_forward_pre_hook(lambda *_: torch.manual_seed(1) and None)
    contrastive.loss.register_forward_pre_hook(lambda *_: torch.manual_seed(2) and None)
    return model


def under_their_names(named: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    network = {f"wav2vec2.{name}": tensor for name, tensor in to_hf(named).items()}
    heads = {
        f"{theirs}.{kind}": named[f"{ours}.{kind}"]
        for ours, theirs in HEADS.items()
        for kind in ("weight", "bias")
    }
    return network | heads | {"quantizer.codevectors": named[CODEWORDS].flatten(0, 1)[None]}


def their_model(size: str, ours) -> Wav2Vec2ForPreTraining:
    with torch.device("meta"):
        model = Wav2Vec2ForPreTraining(Wav2Vec2Config(**THEIRS[size]))
    weights = {k: v.clone() for k, v in under_their_names(ours.state_dict()).items()}
    missing, unexpected = model.load_state_dict(weights, strict=False, assign=True)
    assert missing == unexpected == []
    model.eval().quantizer.train()
    model.quantizer.temperature = float(ours.targets["quantiser"].temperature(ours.updates))
    model.quantizer.register_forward_pre_hook(lambda *_: torch.manual_seed(1) and None)
    return model.requires_grad_()


def their_negatives(n: int) -> torch.Tensor:
    """Our distractors as their places in the flattened batch; frames that are not masked have 0."""
    masked = MaskedFrames.of(MASK_BT, T)
    torch.manual_seed(2)
    drawn_BKN = draw_distractors(masked, n)
    negatives_BTN = torch.zeros((B, T, n), dtype=torch.long)
    for b, k in masked.valid_BK.nonzero().tolist():
        frames_N = masked.index_BK[b, drawn_BKN[b, k]]
        assert MASK_BT[b, frames_N].all()
        negatives_BTN[b, masked.index_BK[b, k]] = b * T + frames_N
    return negatives_BTN


def error(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float(((got - expected).norm() / expected.norm()).detach())


@pytest.mark.parametrize("size", OURS)
def test_context_codes_losses_and_gradients_equal_transformers(size):
    ours = our_model(size)
    theirs = their_model(size, ours)
    seen = {}
    ours.targets["quantiser"].register_forward_hook(lambda m, args, out: seen.update(out))
    contrastive = ours.objectives[0].loss
    contrastive.register_forward_pre_hook(lambda m, args: seen.update(hidden_BTD=args[0]))
    wav_BS = torch.randn((B, SAMPLES), generator=torch.Generator().manual_seed(3))
    loss, stats, weight = ours(wav_BS, torch.full((B,), SAMPLES))
    out = theirs(
        wav_BS,
        mask_time_indices=MASK_BT,
        sampled_negative_indices=their_negatives(contrastive.distractors),
    )
    n_masked = int(MASK_BT.sum())
    assert weight == n_masked
    # theirs tells equal codes by their vectors, in which the straight-through sum leaves rounding
    codes = [tuple(code) for code in seen["codes_BTG"][MASK_BT].tolist()]
    assert len(set(codes)) == n_masked
    context_BTC = contrastive.project_context(seen["hidden_BTD"])
    vectors_BTC = contrastive.project_target(seen["vectors_BTC"])
    assert error(context_BTC, out.projected_states) <= 1e-4
    assert error(vectors_BTC, out.projected_quantized_states) <= 1e-4
    assert error(stats["prob_perplexity"], out.codevector_perplexity) <= 1e-4
    assert error(stats["loss_contrastive"], out.contrastive_loss / n_masked) <= 1e-4
    assert error(stats["loss_diversity"], out.diversity_loss / n_masked) <= 1e-4
    assert error(loss, out.loss / n_masked) <= 1e-4

    loss.backward()
    (out.loss / n_masked).backward()
    gradients = under_their_names({name: p.grad for name, p in ours.named_parameters()})
    rounding = 1e-6 * torch.nn.utils.get_total_norm([p.grad for p in theirs.parameters()])
    for name, p in theirs.named_parameters():
        scale = 0.1 if "feature_extractor" in name else 1.0  # of the gradient into our CNN
        gap = (gradients[name] - scale * p.grad).norm()
        assert gap <= 1e-3 * scale * p.grad.norm() + rounding, name
