"""Swap against a loop over layers, views, utterances and frames."""

import pytest
import torch

from espnet_ext.encoder.conformer import ContextConformer, relative_sinusoids
from espnet_ext.encoder.swap import SwapViews
from espnet_ext.encoder.transformer import ContextTransformer

INPUT, DIM, LAYERS = 6, 16, 3
LENGTHS = torch.tensor([12, 7])
MASK = torch.zeros(2, 12, dtype=torch.bool)
MASK[0, 3:8] = MASK[1, :2] = MASK[1, 5] = True


def conformer(dropout: float = 0.0, layer_drop: float = 0.0) -> ContextConformer:
    return ContextConformer(
        INPUT, DIM, LAYERS, 2, 24, 3, attention_context=4, dropout=dropout, inner_dropout=dropout
    )


def transformer(dropout: float = 0.0, layer_drop: float = 0.0) -> ContextTransformer:
    return ContextTransformer(
        INPUT,
        DIM,
        LAYERS,
        heads=2,
        ff_dim=24,
        pos_kernel=4,
        pos_groups=2,
        input_dropout=0.0,
        dropout=dropout,
        attention_dropout=dropout,
        layer_drop=layer_drop,
    )


def layers_by_hand(encoder, x_BTD):
    """What stands before the first layer, and each layer as a function of its input alone."""
    pad_BT = torch.arange(x_BTD.shape[1]) >= LENGTHS[:, None]
    if isinstance(encoder, ContextConformer):
        positions_PD = relative_sinusoids(x_BTD.shape[1], DIM)
        frame_T = torch.arange(x_BTD.shape[1])
        far_TT = (frame_T[:, None] - frame_T).abs() > encoder.attention_context
        hide_B1TT = pad_BT[:, None, None] | far_TT
        return x_BTD, [lambda x, f=f: f(x, positions_PD, pad_BT, hide_B1TT) for f in encoder.layers]
    bias_B11T = torch.zeros(len(x_BTD), 1, 1, x_BTD.shape[1]).masked_fill(
        pad_BT[:, None, None], torch.finfo(torch.float32).min
    )
    x_BTD = encoder.norm(x_BTD + encoder.positions(x_BTD, pad_BT[..., None]))
    return x_BTD, [lambda x, f=f: f(x, bias_B11T)[0] for f in encoder.layers]


def swap_by_hand(encoder, view, latents_BTD, dropped=(False,) * LAYERS):
    """Outputs of every layer for the masked and for the unmasked view, run apart."""
    unmasked_BTD = encoder.embed(latents_BTD)
    masked_BTD = unmasked_BTD.clone()
    for row, frame in MASK.nonzero().tolist():
        masked_BTD[row, frame] = view.mask_embedding_D
    one_BTD, layers = layers_by_hand(encoder, masked_BTD)
    two_BTD, _ = layers_by_hand(encoder, unmasked_BTD)
    outputs = []
    for layer, drop in zip(layers, dropped, strict=True):
        if not drop:
            one_BTD, two_BTD = layer(one_BTD), layer(two_BTD)
            for row, frame in MASK.nonzero().tolist():
                kept_D = one_BTD[row, frame].clone()
                one_BTD[row, frame] = two_BTD[row, frame]
                two_BTD[row, frame] = kept_D
        outputs.append((one_BTD.clone(), two_BTD.clone()))
    return outputs


@pytest.mark.parametrize("build", [conformer, transformer])
@torch.no_grad()
def test_swap_equals_a_loop_over_layers_and_frames_on_separate_views(build):
    torch.manual_seed(0)
    encoder, view = build().eval(), SwapViews(DIM)
    latents_BTD = torch.randn(2, 12, INPUT)
    expected = swap_by_hand(encoder, view, latents_BTD)
    valid_BT = torch.arange(12) < LENGTHS[:, None]
    for loss_on in ("both", "masked", "unmasked"):
        view.loss_on = loss_on
        seen = view(encoder, latents_BTD, LENGTHS, MASK)
        assert len(seen.layers) == LAYERS
        for got_BTD, views in zip(seen.layers, expected, strict=True):
            chosen = {"both": views, "masked": views[:1], "unmasked": views[1:]}[loss_on]
            assert torch.equal(seen.mask_BT, torch.cat([MASK] * len(chosen)))
            for part_BTD, expected_BTD in zip(got_BTD.split(2), chosen, strict=True):
                torch.testing.assert_close(
                    part_BTD[valid_BT], expected_BTD[valid_BT], rtol=1e-5, atol=1e-5
                )
    assert not torch.allclose(expected[0][0][valid_BT], expected[0][1][valid_BT])


@torch.no_grad()
def test_a_dropped_layer_is_dropped_for_both_views_and_swaps_nothing():
    torch.manual_seed(1)
    encoder, view = transformer(layer_drop=0.5).train(), SwapViews(DIM)
    latents_BTD = torch.randn(2, 12, INPUT)
    patterns = set()
    for seed in range(6):
        torch.manual_seed(seed)
        dropped = encoder._dropped(None)
        patterns.add(tuple(dropped))
        torch.manual_seed(seed)
        seen = view(encoder, latents_BTD, LENGTHS, MASK)
        for got_BTD, views in zip(
            seen.layers, swap_by_hand(encoder, view, latents_BTD, dropped), strict=True
        ):
            for part_BTD, expected_BTD in zip(got_BTD.split(2), views, strict=True):
                torch.testing.assert_close(part_BTD[0], expected_BTD[0], rtol=1e-5, atol=1e-5)
    assert len(patterns) > 2


@pytest.mark.parametrize("build", [conformer, transformer])
def test_same_dropout_falls_on_the_same_places_of_both_views(build):
    torch.manual_seed(2)
    encoder = build(dropout=0.3).train()
    latents_BTD = torch.randn(2, 12, INPUT)
    nothing_BT = torch.zeros_like(MASK)  # the views differ by their dropout alone
    for same in (True, False):
        view = SwapViews(DIM, same_dropout=same)
        last_BTD = view(encoder, latents_BTD, LENGTHS, nothing_BT).layers[-1]
        one_BTD, two_BTD = last_BTD.split(2)
        assert torch.allclose(one_BTD, two_BTD, atol=1e-6) == same
        again_BTD = view(encoder, latents_BTD, LENGTHS, nothing_BT).layers[-1]
        assert not torch.allclose(last_BTD, again_BTD)  # dropout is drawn, and drawn anew


def test_both_views_learn_and_the_latents_stay():
    torch.manual_seed(3)
    encoder, view = transformer(), SwapViews(DIM)
    latents_BTD = torch.randn(2, 12, INPUT, requires_grad=True)
    before_BTD = latents_BTD.detach().clone()
    view(encoder, latents_BTD, LENGTHS, MASK).layers[-1].square().sum().backward()
    assert torch.equal(latents_BTD, before_BTD)
    assert view.mask_embedding_D.grad.any()
    assert latents_BTD.grad[0].any(-1).all()  # a masked frame is seen in the other view


def test_an_unknown_loss_side_is_refused():
    with pytest.raises(ValueError, match="loss_on 'left' is not masked, unmasked or both"):
        SwapViews(DIM, loss_on="left")
