"""Our conformer against ESPnet's on the same weights, and against explicit loops."""

import pytest
import torch
from espnet2.legacy.nets.pytorch_backend.conformer.convolution import ConvolutionModule
from espnet2.legacy.nets.pytorch_backend.conformer.encoder_layer import EncoderLayer
from espnet2.legacy.nets.pytorch_backend.conformer.swish import Swish
from espnet2.legacy.nets.pytorch_backend.transformer.attention import (
    RelPositionMultiHeadedAttention,
)
from espnet2.legacy.nets.pytorch_backend.transformer.embedding import RelPositionalEncoding
from espnet2.legacy.nets.pytorch_backend.transformer.positionwise_feed_forward import (
    PositionwiseFeedForward,
)

from espnet_ext.encoder.conformer import (
    ConformerLayer,
    ContextConformer,
    relative_sinusoids,
    shift_to_absolute,
)

DIM, HEADS, FF = 16, 4, 24
SIZES = {"tiny": (DIM, HEADS, FF, 5), "paper": (1024, 8, 4096, 5)}  # Ask2Mask §3.2


def espnet_layer(dim: int, heads: int, ff_dim: int, kernel: int) -> EncoderLayer:
    """A macaron layer whose every parameter and statistic is random, so that none can hide."""

    def feed_forward():
        return PositionwiseFeedForward(dim, ff_dim, 0.0, Swish())

    layer = EncoderLayer(
        dim,
        RelPositionMultiHeadedAttention(heads, dim, 0.0),
        feed_forward(),
        feed_forward(),
        ConvolutionModule(dim, kernel, Swish()),
        dropout_rate=0.0,
    )
    for name, tensor in layer.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if "norm" in name else tensor.normal_(0, 1.2 / dim**0.5)
    return layer.eval()


def with_weights_of(theirs: EncoderLayer, *sizes: int) -> ConformerLayer:
    ours = ConformerLayer(*sizes, "batch", dropout=0.0, inner_dropout=0.0)
    w = theirs.state_dict()
    renamed = {"conv.norm.num_batches_tracked": w["conv_module.norm.num_batches_tracked"]}
    for our_name, their_name in {
        "ff1.0": "norm_ff_macaron",
        "ff1.1": "feed_forward_macaron.w_1",
        "ff1.4": "feed_forward_macaron.w_2",
        "norm_attention": "norm_mha",
        "attention.out": "self_attn.linear_out",
        "conv.norm_in": "norm_conv",
        "conv.depthwise": "conv_module.depthwise_conv",
        "conv.norm": "conv_module.norm",
        "ff2.0": "norm_ff",
        "ff2.1": "feed_forward.w_1",
        "ff2.4": "feed_forward.w_2",
        "norm": "norm_final",
    }.items():
        for kind in ("weight", "bias", "running_mean", "running_var"):
            if f"{their_name}.{kind}" in w:
                renamed[f"{our_name}.{kind}"] = w[f"{their_name}.{kind}"]
    for kind in ("weight", "bias"):
        renamed[f"attention.qkv.{kind}"] = torch.cat(
            [w[f"self_attn.linear_{x}.{kind}"] for x in "qkv"]
        )
        for i in (1, 2):  # theirs are convolutions of width 1
            pointwise = w[f"conv_module.pointwise_conv{i}.{kind}"]
            renamed[f"conv.pointwise{i}.{kind}"] = pointwise.squeeze(-1)
    renamed["attention.position.weight"] = w["self_attn.linear_pos.weight"]
    renamed["attention.bias_u_HK"] = w["self_attn.pos_bias_u"]
    renamed["attention.bias_v_HK"] = w["self_attn.pos_bias_v"]
    ours.load_state_dict(renamed)
    return ours.eval()


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_a_layer_equals_espnets_on_the_same_weights(size):
    torch.manual_seed(0)
    dim = SIZES[size][0]
    theirs = espnet_layer(*SIZES[size])
    ours = with_weights_of(theirs, *SIZES[size])
    x_BTD = torch.randn(3, 19, dim)
    lengths_B = torch.tensor([19, 11, 2])
    keep_BT = torch.arange(19) < lengths_B[:, None]

    # ESPnet multiplies by sqrt(D) where it makes positions, before the first layer: not the layer's
    _, positions_1PD = RelPositionalEncoding(dim, 0.0)(x_BTD)
    (expected_BTD, _), _ = theirs((x_BTD, positions_1PD), keep_BT[:, None])
    positions_PD = relative_sinusoids(19, dim)
    torch.testing.assert_close(positions_PD, positions_1PD[0])
    got_BTD = ours(x_BTD, positions_PD, ~keep_BT, ~keep_BT[:, None, None])

    error = (got_BTD - expected_BTD)[keep_BT].norm() / expected_BTD[keep_BT].norm()
    assert error <= 1e-5


def test_shift_reads_query_i_key_j_at_offset_i_minus_j():
    n = 5
    by_offset_BHTP = torch.randn(3, 2, n, 2 * n - 1)
    for x in (by_offset_BHTP, by_offset_BHTP[1:]):  # the slice does not begin its storage
        got = shift_to_absolute(x)
        for i in range(n):
            for j in range(n):
                assert torch.equal(got[:, :, i, j], x[:, :, i, (n - 1) - (i - j)])


def conformer(**options) -> ContextConformer:
    torch.manual_seed(1)
    sizes = {"output_size": DIM, "num_layers": 2, "heads": HEADS, "ff_dim": FF, "kernel": 3}
    return ContextConformer(8, **sizes | options).eval()


@pytest.mark.parametrize("context", [0, 8, 9])
def test_attention_context_is_a_band_of_the_attention_mask(context):
    net = conformer(num_layers=1, attention_context=context)
    x_BTD, n_frames = torch.randn(2, 10, 8), 10
    lengths_B = torch.tensor([10, 6])
    pad_BT = torch.arange(n_frames) >= lengths_B[:, None]
    hide_B1TT = torch.zeros(2, 1, n_frames, n_frames, dtype=torch.bool)
    for i in range(n_frames):
        for j in range(n_frames):
            hide_B1TT[:, 0, i, j] = pad_BT[:, j] | (abs(i - j) > context)
    expected_BTD = net.layers[0](
        net.embed(x_BTD), relative_sinusoids(n_frames, DIM), pad_BT, hide_B1TT
    )
    got_BTD = net.hidden(net.embed(x_BTD), lengths_B)[0]
    torch.testing.assert_close(got_BTD[~pad_BT], expected_BTD[~pad_BT])
    assert torch.isfinite(got_BTD).all()


def test_an_utterance_does_not_depend_on_its_batch():
    net = conformer(attention_context=4)
    lengths_B = torch.tensor([23, 9, 1])
    x_BTD = torch.randn(3, 23, 8)
    layers = net.hidden(net.embed(x_BTD), lengths_B)
    last_BTD, out_lengths_B, _ = net(x_BTD, lengths_B)
    assert torch.equal(last_BTD, layers[-1])
    assert torch.equal(out_lengths_B, lengths_B)
    for row, length in enumerate(lengths_B):
        alone = net.hidden(net.embed(x_BTD[row : row + 1, :length]), length[None])
        assert len(alone) == len(layers) == 2
        for together_BTD, alone_1TD in zip(layers, alone, strict=True):
            torch.testing.assert_close(
                together_BTD[row, :length], alone_1TD[0], rtol=1e-4, atol=1e-5
            )


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel 4 is even"):
        conformer(kernel=4)
