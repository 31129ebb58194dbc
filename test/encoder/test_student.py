"""The student against a dense run whose attention is kept from masked frames."""

import pytest
import torch
import torch.nn.functional as F

from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.decoder import ConvDecoder
from espnet_ext.encoder.student import StudentView
from espnet_ext.encoder.transformer import ContextTransformer

INPUT, DIM, N_FRAMES = 6, 16, 12
LENGTHS = torch.tensor([12, 7])
CLONES = 2
DECODER = {"dim": 8, "kernel": 3, "groups": 2, "layers": 3}


def transformer(**options) -> ContextTransformer:
    sizes = {"num_layers": 3, "heads": 2, "ff_dim": 24, "pos_kernel": 3, "pos_groups": 2}
    return ContextTransformer(INPUT, DIM, **sizes | options).eval()


def mask(fraction: float = 0.5) -> torch.Tensor:
    """A mask for each clone; row c * B + b is clone c of utterance b."""
    valid_RT = (torch.arange(N_FRAMES) < LENGTHS[:, None]).repeat(CLONES, 1)
    return valid_RT & (torch.rand(2 * CLONES, N_FRAMES) < fraction)


def dense(encoder: ContextTransformer, latents_BTD, mask_RT):
    """Every frame through every layer; no masked frame is ever a key."""
    shown_RTD = encoder.embed(latents_BTD).repeat(CLONES, 1, 1) * ~mask_RT[..., None]
    pad_RT = torch.arange(N_FRAMES) >= LENGTHS.repeat(CLONES)[:, None]
    x_RTD = shown_RTD + encoder.positions(shown_RTD, pad_RT[..., None])
    bias_RHTT = torch.zeros(1, 1, 1, 1)
    if encoder.alibi is not None:
        bias_RHTT = encoder.alibi(torch.arange(N_FRAMES)[None])
    bias_RHTT = bias_RHTT.masked_fill((mask_RT | pad_RT)[:, None, None], -1e30)
    x_RTD = x_RTD if encoder.norm_first else encoder.norm(x_RTD)
    for layer in encoder.layers:
        x_RTD = layer(x_RTD, bias_RHTT)[0]
    return encoder.norm(x_RTD) if encoder.norm_first else x_RTD


@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True}, {"pos_depth": 2, "alibi": "learned"}],
    ids=["wav2vec2", "norm_first", "data2vec2"],
)
@pytest.mark.parametrize("max_visible", [None, 10])
@torch.no_grad()
def test_what_the_decoder_reads_equals_a_dense_run_with_an_attention_mask(options, max_visible):
    torch.manual_seed(0)
    encoder = transformer(**options)
    view = StudentView(DIM, CLONES, DECODER).eval()
    latents_BTD, mask_RT = torch.randn(2, N_FRAMES, INPUT), mask()
    seen = view(encoder, latents_BTD, LENGTHS, mask_RT, max_visible=max_visible)
    expected_RTD = dense(encoder, latents_BTD, mask_RT)
    valid_RT = (torch.arange(N_FRAMES) < LENGTHS[:, None]).repeat(CLONES, 1)
    visible_RT = valid_RT & ~mask_RT
    assert visible_RT.sum(1).max() <= 10
    assert torch.equal(seen.mask_BT, mask_RT)
    filled_RTD, decoded_RTD = seen.layers
    torch.testing.assert_close(filled_RTD[visible_RT], expected_RTD[visible_RT])
    assert not filled_RTD[~valid_RT].any()
    tokens = filled_RTD[mask_RT]
    assert 0.008 < tokens.std() < 0.012
    assert view.n_layers(encoder) == 2
    alone_RTD = view.decoder(filled_RTD[1:2, :7], ~valid_RT[1:2, :7, None])
    torch.testing.assert_close(decoded_RTD[1:2, :7], alone_RTD)


@torch.no_grad()
def test_frames_beyond_the_bound_are_neither_shown_nor_predicted():
    torch.manual_seed(1)
    encoder, view = transformer(), StudentView(DIM, CLONES, DECODER).eval()
    latents_BTD = torch.randn(2, N_FRAMES, INPUT)
    mask_RT = torch.zeros(4, N_FRAMES, dtype=torch.bool)
    mask_RT[:, 2] = True
    view.decoder_noise = 0.0
    seen = view(encoder, latents_BTD, LENGTHS, mask_RT, max_visible=5)
    shown_RT = seen.layers[0].any(-1)
    assert shown_RT[0].nonzero().flatten().tolist() == [0, 1, 3, 4, 5]
    assert torch.equal(seen.mask_BT, mask_RT)
    everywhere_RT = torch.ones(4, N_FRAMES, dtype=torch.bool)
    nothing_seen = view(encoder, latents_BTD, LENGTHS, everywhere_RT, max_visible=5)
    assert all(torch.isfinite(x).all() for x in nothing_seen.layers)


def test_each_clone_learns_under_its_own_mask():
    torch.manual_seed(2)
    encoder, view = transformer(), StudentView(DIM, CLONES, DECODER)
    latents_BTD = torch.randn(2, N_FRAMES, INPUT, requires_grad=True)
    mask_RT = mask()
    seen = view(encoder, latents_BTD, LENGTHS, mask_RT)
    seen.layers[1][mask_RT].square().sum().backward()
    for part in (encoder, view):
        assert all(p.grad.any() for p in part.parameters())
    hidden_everywhere_BT = mask_RT.view(CLONES, 2, N_FRAMES).all(0)
    assert hidden_everywhere_BT.any()
    assert torch.equal(latents_BTD.grad.any(-1)[0], ~hidden_everywhere_BT[0])


def test_the_generator_draws_the_noise():
    encoder, view = transformer(), StudentView(DIM, CLONES, DECODER, position_noise=0.1).eval()
    latents_BTD, mask_RT = torch.randn(2, N_FRAMES, INPUT), mask()

    def run(seed):
        generator = torch.Generator().manual_seed(seed)
        return view(encoder, latents_BTD, LENGTHS, mask_RT, generator=generator).layers[1]

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))


def test_decoder_by_hand():
    torch.manual_seed(5)
    decoder = ConvDecoder(4, dim=2, kernel=3, groups=2, layers=2)
    x_BTD = torch.randn(1, 5, 4)
    got_BTD = decoder(x_BTD, torch.zeros(1, 5, 1, dtype=torch.bool))
    x_TD, y_TD = x_BTD[0], None
    for conv in decoder.convs:
        padded = torch.cat([torch.zeros(1, x_TD.shape[1]), x_TD, torch.zeros(1, x_TD.shape[1])])
        width = x_TD.shape[1] // 2  # of a group
        y_TD = torch.stack(
            [
                torch.stack(
                    [
                        (padded[t : t + 3, c * width : (c + 1) * width].T * conv.weight[c]).sum()
                        + conv.bias[c]
                        for c in range(2)
                    ]
                )
                for t in range(5)
            ]
        )
        y_TD = F.gelu(F.layer_norm(y_TD, (2,)))
        x_TD = y_TD + x_TD if x_TD.shape == y_TD.shape else y_TD
    torch.testing.assert_close(got_BTD[0], decoder.out(x_TD), rtol=1e-4, atol=1e-5)


def test_an_encoder_that_must_see_all_frames_is_refused():
    view = StudentView(DIM, CLONES, DECODER)
    with pytest.raises(ValueError, match="ContextConformer cannot leave out frames"):
        view.n_layers(ContextConformer(INPUT, DIM, 1, 2, 24, 3))


@pytest.mark.parametrize("options", [{"clones": 0}, {"decoder": {"groups": 5}}])
def test_confs_without_sense_are_refused(options):
    with pytest.raises(ValueError, match="view_conf"):
        StudentView(DIM, **options)
