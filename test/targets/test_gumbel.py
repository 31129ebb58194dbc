"""The quantiser against transformers' and against eq. 1 of wav2vec 2.0 written out."""

import pytest
import torch
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2GumbelVectorQuantizer

from espnet_ext.targets.given import Given
from espnet_ext.targets.gumbel import GumbelQuantiser

LATENT, GROUPS, ENTRIES, DIM = 7, 2, 5, 6


def given(latents_BTD, updates: float, generator: torch.Generator | None = None) -> Given:
    lengths_B = torch.full((len(latents_BTD),), latents_BTD.shape[1])
    return Given(latents_BTD, lengths_B, torch.tensor(updates), generator=generator)


def pair() -> tuple[GumbelQuantiser, Wav2Vec2GumbelVectorQuantizer]:
    torch.manual_seed(0)
    ours = GumbelQuantiser(LATENT, GROUPS, ENTRIES, DIM)
    theirs = Wav2Vec2GumbelVectorQuantizer(
        Wav2Vec2Config(
            num_codevector_groups=GROUPS,
            num_codevectors_per_group=ENTRIES,
            codevector_dim=DIM,
            conv_dim=(LATENT,),
            conv_kernel=(1,),
            conv_stride=(1,),
        )
    )
    theirs.weight_proj.load_state_dict(ours.logits.state_dict())
    theirs.codevectors.data = ours.codewords_GVC.data.flatten(0, 1)[None].clone()
    return ours, theirs


def test_evaluation_takes_the_codewords_that_transformers_takes():
    ours, theirs = (quantiser.eval() for quantiser in pair())
    latents_BTD = torch.randn(3, 11, LATENT)
    out = ours(given(latents_BTD, 0.0))
    expected_BTC, _ = theirs(latents_BTD)
    torch.testing.assert_close(out["vectors_BTC"], expected_BTC)
    for g in range(GROUPS):  # the codes name these codewords
        own_BTC = out["vectors_BTC"].unflatten(-1, (GROUPS, -1))[:, :, g]
        assert torch.equal(own_BTC, ours.codewords_GVC[g][out["codes_BTG"][..., g]])


def test_training_equals_transformers_on_the_same_noise():
    ours, theirs = pair()
    theirs.temperature = float(ours.temperature(torch.tensor(1000.0)))
    latents = [torch.randn(3, 11, LATENT).requires_grad_() for _ in range(2)]
    latents[1].data.copy_(latents[0].data)
    torch.manual_seed(1)
    got_BTC = ours(given(latents[0], 1000.0))["vectors_BTC"]
    torch.manual_seed(1)
    expected_BTC, _ = theirs(latents[1])
    torch.testing.assert_close(got_BTC, expected_BTC)
    toward_BTC = torch.randn(3, 11, DIM)
    (got_BTC * toward_BTC).sum().backward()
    (expected_BTC * toward_BTC).sum().backward()
    torch.testing.assert_close(latents[0].grad, latents[1].grad)
    torch.testing.assert_close(ours.logits.weight.grad, theirs.weight_proj.weight.grad)
    torch.testing.assert_close(ours.codewords_GVC.grad.flatten(0, 1), theirs.codevectors.grad[0])


def test_training_is_a_straight_through_gumbel_softmax():
    """Eq. 1: p = softmax((l + n) / τ); forward the hard choice, backward the gradient of p."""
    quantiser, _ = pair()
    latents_BTD = torch.randn(2, 4, LATENT)
    generator = torch.Generator().manual_seed(2)
    out = quantiser(given(latents_BTD, 0.0, generator))
    toward_BTC = torch.randn(2, 4, DIM)
    (out["vectors_BTC"] * toward_BTC).sum().backward()
    got = quantiser.logits.bias.grad.clone()

    logits = quantiser.logits(latents_BTD).detach().unflatten(-1, (GROUPS, ENTRIES))
    noise = torch.empty(2, 4, GROUPS, ENTRIES).exponential_(generator=generator.manual_seed(2))
    logits.requires_grad_()
    p = ((logits - noise.log()) / 2.0).softmax(-1)
    assert torch.equal(out["codes_BTG"], p.argmax(-1))
    soft_BTC = torch.einsum("btgv,gvc->btgc", p, quantiser.codewords_GVC.detach()).flatten(2)
    (soft_BTC * toward_BTC).sum().backward()
    torch.testing.assert_close(got, logits.grad.sum((0, 1)).flatten())
    torch.testing.assert_close(out["probs_BTGV"], logits.softmax(-1))  # no noise, no temperature


@pytest.mark.parametrize(
    ("updates", "expected"), [(0, 2.0), (1, 1.99999), (100_000, 1.2130599), (400_000, 0.5)]
)
def test_temperature_after_updates(updates, expected):
    quantiser = GumbelQuantiser(LATENT, 1, ENTRIES, DIM)
    assert float(quantiser.temperature(torch.tensor(float(updates)))) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("share", [1.0, 0.25, 0.0])
def test_share_of_the_gradient_reaches_the_latents_and_all_of_it_the_quantiser(share):
    def gradients(latent_grad):
        torch.manual_seed(0)
        quantiser = GumbelQuantiser(LATENT, GROUPS, ENTRIES, DIM, latent_grad=latent_grad)
        latents_BTD = torch.randn(2, 3, LATENT, requires_grad=True)
        out = quantiser(given(latents_BTD, 0.0, torch.Generator().manual_seed(1)))
        (out["vectors_BTC"] ** 2).sum().backward()
        return latents_BTD.grad, quantiser.logits.weight.grad

    whole, kept = gradients(1.0)
    part, also_kept = gradients(share)
    assert torch.allclose(part, share * whole)
    assert torch.equal(kept, also_kept)
    assert whole.abs().sum() > 0


def test_dropout_reaches_the_quantiser_alone_and_only_in_training():
    torch.manual_seed(0)
    quantiser = GumbelQuantiser(LATENT, GROUPS, ENTRIES, DIM, dropout=0.5)
    latents_BTD = torch.ones(2, 50, LATENT)
    read = []
    quantiser.logits.register_forward_hook(lambda module, given, out: read.append(given[0]))
    quantiser(given(latents_BTD, 0.0))
    quantiser.eval()(given(latents_BTD, 0.0))
    assert set(read[0].unique().tolist()) == {0.0, 2.0}
    assert torch.equal(read[1], latents_BTD)
    assert torch.equal(latents_BTD, torch.ones_like(latents_BTD))
