"""The transformer against transformers' and torchaudio's models on the same weights."""

import pytest
import torch
import torch.nn.functional as F
from torchaudio.models import hubert_base, wav2vec2_model
from transformer_peers import encoder_weights, model_weights, randomise
from transformers import (
    Data2VecAudioConfig,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
)
from transformers.models.data2vec.modeling_data2vec_audio import (
    Data2VecAudioPositionalConvEmbedding,
)

from espnet_ext.encoder.dropout import Dropout
from espnet_ext.encoder.positions import Alibi, ConvStackPositions, alibi_slopes
from espnet_ext.encoder.transformer import ContextTransformer, TransformerLayer
from espnet_ext.encoder.visible import VisibleFrames
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.tasks.checkpoints.hf_layout import to_hf

TINY = {
    "output_size": 16,
    "num_layers": 3,
    "heads": 4,
    "ff_dim": 24,
    "pos_kernel": 8,
    "pos_groups": 4,
}
STACK = {"pos_depth": 3, "pos_kernel": 5}
DRY = {"input_dropout": 0.0, "dropout": 0.0, "attention_dropout": 0.0, "layer_drop": 0.0}


def tiny(**options) -> ContextTransformer:
    encoder = ContextTransformer(8, **TINY | options)
    randomise(encoder)
    return encoder.eval()


def error(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float(((got - expected).norm() / expected.norm()).detach())


def peer_config(config_class, norm_first: bool, **sizes):
    return config_class(
        do_stable_layer_norm=norm_first,
        feat_extract_norm="layer" if norm_first else "group",
        conv_bias=norm_first,
        apply_spec_augment=False,
        **sizes,
    )


def built(model_class, config, weights):
    """The peer with our weights, not copies; it is never drawn at random, which takes seconds."""
    with torch.device("meta"):
        model = model_class(config)
    missing, unexpected = model.load_state_dict(weights, strict=False, assign=True)
    assert not unexpected
    assert missing in ([], ["masked_spec_embed"])
    return model.eval()


def ours_and_weights(norm_first: bool, channels: int, projection: str, below: str, **sizes):
    wave = {"norm": "layer", "conv_bias": True} if norm_first else {}
    with torch.device("meta"):  # as above
        parts = (
            WaveCNN(channels, **wave),
            LatentNorm(channels),
            ContextTransformer(channels, norm_first=norm_first, **sizes),
        )
    parts = tuple(part.to_empty(device="cpu").eval() for part in parts)
    randomise(*parts)
    return parts, model_weights(*parts, projection, below)


def hidden_states(parts, wav_BS):
    frontend, preencoder, encoder = parts
    with torch.no_grad():
        features_BTF, lengths_B = frontend(wav_BS, torch.full((len(wav_BS),), wav_BS.shape[1]))
        latents_BTD, lengths_B = preencoder(features_BTF, lengths_B)
        return features_BTF, latents_BTD, encoder.hidden(encoder.embed(latents_BTD), lengths_B)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize(
    ("config_class", "model_class"), [(Wav2Vec2Config, Wav2Vec2Model), (HubertConfig, HubertModel)]
)
def test_hidden_states_equal_transformers(config_class, model_class, norm_first):
    parts, weights = ours_and_weights(norm_first, 6, "feature_projection", "encoder", **TINY)
    config = peer_config(
        config_class,
        norm_first,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=24,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4,
        conv_dim=[6] * 7,
    )
    theirs = built(model_class, config, weights)
    wav_BS = torch.randn(2, 8000)
    features_BTF, latents_BTD, layers = hidden_states(parts, wav_BS)
    with torch.no_grad():
        out = theirs(wav_BS, output_hidden_states=True)
        expected_BTF = theirs.feature_extractor(wav_BS).transpose(1, 2)
    assert error(features_BTF, expected_BTF) < 1e-5
    if model_class is Wav2Vec2Model:
        assert error(latents_BTD, out.extract_features) < 1e-5
    for own_BTD, their_BTD in zip(layers[:-1], out.hidden_states[1:-1], strict=True):
        assert error(own_BTD, their_BTD) < 1e-5
    assert error(layers[-1], out.last_hidden_state) < 1e-5


@pytest.mark.parametrize("norm_first", [False, True])
def test_hidden_states_equal_torchaudio(norm_first):
    names = ("encoder.feature_projection", "encoder.transformer")
    parts, weights = ours_and_weights(norm_first, 6, *names, **TINY)
    with torch.device("meta"):
        theirs = wav2vec2_model(
            extractor_mode="layer_norm" if norm_first else "group_norm",
            extractor_conv_layer_config=[(6, 10, 5)] + 4 * [(6, 3, 2)] + 2 * [(6, 2, 2)],
            extractor_conv_bias=norm_first,
            encoder_embed_dim=16,
            encoder_pos_conv_kernel=8,
            encoder_pos_conv_groups=4,
            encoder_num_layers=3,
            encoder_num_heads=4,
            encoder_ff_interm_features=24,
            encoder_layer_norm_first=norm_first,
            encoder_layer_drop=0.0,
            encoder_dropout=0.0,
            encoder_projection_dropout=0.0,
            encoder_attention_dropout=0.0,
            encoder_ff_interm_dropout=0.0,
            aux_num_out=None,
        )
    theirs.load_state_dict(weights, assign=True)
    wav_BS = torch.randn(2, 8000)
    _, _, layers = hidden_states(parts, wav_BS)
    with torch.no_grad():
        out, _ = theirs.eval().extract_features(wav_BS)  # the last without its norm
        last_BTD, _ = theirs(wav_BS)
    for own_BTD, their_BTD in zip(layers, [*out[:-1], last_BTD], strict=True):
        assert error(own_BTD, their_BTD) < 1e-5


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_ragged_batch_equals_transformers(norm_first):
    encoder = tiny(norm_first=norm_first)
    config = peer_config(
        Wav2Vec2Config,
        norm_first,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=24,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4,
    )
    weights = {f"encoder.{k}": v for k, v in encoder_weights(encoder).items()}
    with torch.device("meta"):
        theirs = Wav2Vec2Model(config)
    theirs.load_state_dict(weights, strict=False, assign=True)
    x_BTD, lengths_B = torch.randn(3, 19, 16), torch.tensor([19, 12, 3])
    keep_BT = torch.arange(19) < lengths_B[:, None]
    got_BTD = encoder.hidden(x_BTD, lengths_B)[-1]
    expected_BTD = theirs.eval().encoder(x_BTD.clone(), attention_mask=keep_BT).last_hidden_state
    assert error(got_BTD[keep_BT], expected_BTD[keep_BT]) < 1e-5


def test_base_equals_transformers_and_torchaudio():
    """wav2vec 2.0 BASE and HuBERT BASE differ in names only."""
    parts, weights = ours_and_weights(False, 512, "feature_projection", "encoder")
    wav_BS = torch.randn(1, 9600)
    features_BTF, _, layers = hidden_states(parts, wav_BS)
    for config_class, model_class in ((Wav2Vec2Config, Wav2Vec2Model), (HubertConfig, HubertModel)):
        theirs = built(model_class, peer_config(config_class, False), weights)
        with torch.no_grad():
            out = theirs(wav_BS, output_hidden_states=True)
            expected_BTF = theirs.feature_extractor(wav_BS).transpose(1, 2)
        assert error(features_BTF, expected_BTF) <= 1e-4
        for own_BTD, their_BTD in zip(layers, out.hidden_states[1:], strict=True):
            assert error(own_BTD, their_BTD) <= 1e-4

    weights = model_weights(*parts, "encoder.feature_projection", "encoder.transformer")
    with torch.device("meta"):
        theirs = hubert_base()
    theirs.load_state_dict(weights, assign=True)
    with torch.no_grad():
        out, _ = theirs.eval().extract_features(wav_BS)
    for own_BTD, their_BTD in zip(layers, out, strict=True):
        assert error(own_BTD, their_BTD) <= 1e-4


def test_stack_of_positions_equals_transformers_data2vec():
    ours = ConvStackPositions(16, kernel=19, depth=5, groups=4)
    randomise(ours)
    config = Data2VecAudioConfig(
        hidden_size=16, conv_pos_kernel_size=19, num_conv_pos_embedding_groups=4
    )
    theirs = Data2VecAudioPositionalConvEmbedding(config)
    named = to_hf({f"encoder.positions.{k}": v for k, v in ours.state_dict().items()})
    theirs.load_state_dict({k.removeprefix("encoder.pos_conv_embed."): v for k, v in named.items()})
    x_BTD = torch.randn(2, 30, 16)
    got_BTD = ours(x_BTD, torch.zeros(2, 30, 1, dtype=torch.bool))
    assert error(got_BTD, theirs(x_BTD)) < 1e-5


@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True}, STACK | {"alibi": "fixed"}, STACK | {"alibi": "learned"}],
    ids=str,
)
def test_an_utterance_does_not_depend_on_its_batch(options):
    encoder = tiny(**options)
    x_BTD, lengths_B = torch.randn(3, 23, 8), torch.tensor([23, 9, 0])
    layers = encoder.hidden(encoder.embed(x_BTD), lengths_B)
    last_BTD, out_lengths_B, _ = encoder(x_BTD, lengths_B)
    assert torch.equal(last_BTD, layers[-1])
    assert torch.equal(out_lengths_B, lengths_B)
    assert torch.isfinite(last_BTD).all()  # a row without a single frame, too
    for row in (0, 1):
        length = lengths_B[row]
        alone = encoder.hidden(encoder.embed(x_BTD[row : row + 1, :length]), length[None])
        for together_BTD, alone_1TD in zip(layers, alone, strict=True):
            torch.testing.assert_close(
                together_BTD[row, :length], alone_1TD[0], rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("options", [{}, STACK | {"alibi": "learned"}], ids=str)
@pytest.mark.parametrize("norm_first", [False, True])
def test_visible_frames_are_those_of_a_run_in_which_nothing_else_is_attended_to(
    options, norm_first
):
    encoder = tiny(norm_first=norm_first, **options)
    x_BTD, lengths_B = torch.randn(2, 12, 16), torch.tensor([12, 9])
    shown_BT = torch.rand(2, 12) < 0.5
    shown_BT[1, 9:] = False
    count_B = shown_BT.sum(1)
    index_BK = shown_BT.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    index_BK = index_BK[:, : count_B.max()]
    visible = VisibleFrames(index_BK, torch.arange(index_BK.shape[1]) < count_B[:, None])

    pad_BT = torch.arange(12) >= lengths_B[:, None]
    dense_BTD = x_BTD + encoder.positions(x_BTD, pad_BT[..., None])
    dense_BTD = dense_BTD if norm_first else encoder.norm(dense_BTD)
    bias = (
        torch.zeros(2, 4, 12, 12)
        if encoder.alibi is None
        else encoder.alibi(torch.arange(12)[None])
    )
    bias = bias.masked_fill(~shown_BT[:, None, None], -torch.inf)
    outs = encoder.hidden(x_BTD, lengths_B, visible=visible)
    taps = encoder.hidden(x_BTD, lengths_B, tap="ffn", visible=visible)
    assert len(outs) == len(taps) == 3
    for layer, out_BKD, tap_BKD in zip(encoder.layers, outs, taps, strict=True):
        dense_BTD, added_BTD = layer(dense_BTD, bias)
        last = norm_first and layer is encoder.layers[-1]
        expected_BTD = encoder.norm(dense_BTD) if last else dense_BTD
        for got_BKD, whole_BTD in ((out_BKD, expected_BTD), (tap_BKD, added_BTD)):
            assert error(got_BKD[visible.valid_BK], whole_BTD[shown_BT]) < 1e-5


def test_ffn_tap_is_what_the_feed_forward_adds():
    encoder = tiny()
    x_BTD, lengths_B = torch.randn(2, 7, 16), torch.tensor([7, 5])
    heard = []
    for layer in encoder.layers:
        layer.ff.register_forward_hook(lambda module, given, out: heard.append((given[0], out)))
    layers = encoder.hidden(x_BTD, lengths_B)
    before = heard[:3]
    taps = encoder.hidden(x_BTD, lengths_B, tap="ffn")
    for layer, out_BTD, tap_BTD, (before_BTD, _) in zip(
        encoder.layers, layers, taps, before, strict=True
    ):
        torch.testing.assert_close(tap_BTD, layer.ff(before_BTD))
        torch.testing.assert_close(out_BTD, layer.norm_ff(before_BTD + tap_BTD))
    with pytest.raises(ValueError, match="tap 'attention'"):
        encoder.hidden(x_BTD, lengths_B, tap="attention")


def test_a_hook_after_a_layer_changes_what_the_next_one_reads():
    encoder = tiny()
    x_BTD, lengths_B = torch.randn(2, 7, 16), torch.tensor([7, 7])
    plain = encoder.hidden(x_BTD, lengths_B)
    hooked = encoder.hidden(x_BTD, lengths_B, after_layer=lambda y_BTD: y_BTD.flip(0))
    assert torch.equal(hooked[0], plain[0].flip(0))
    torch.testing.assert_close(hooked[1], plain[1])  # twice turned round


def test_layer_drop_leaves_out_layers_as_the_generator_says():
    encoder = tiny(**DRY | {"layer_drop": 0.5}).train()
    x_BTD, lengths_B = torch.randn(1, 5, 16), torch.tensor([5])
    start_BTD = encoder.norm(x_BTD + encoder.positions(x_BTD, torch.zeros(1, 5, 1).bool()))
    for seed in range(4):
        dropped = torch.rand(3, generator=torch.Generator().manual_seed(seed)) < 0.5
        layers, taps = (
            encoder.hidden(x_BTD, lengths_B, tap=tap, generator=torch.Generator().manual_seed(seed))
            for tap in ("layer", "ffn")
        )
        before_BTD = start_BTD
        for out_BTD, tap_BTD, drop in zip(layers, taps, dropped, strict=True):
            assert torch.allclose(out_BTD, before_BTD) == bool(drop)
            assert tap_BTD.any() != bool(drop)
            before_BTD = out_BTD
    encoder.eval()
    assert torch.equal(*(encoder.hidden(x_BTD, lengths_B)[-1] for _ in range(2)))


def test_alibi_slopes_and_distances_by_hand():
    assert alibi_slopes(8).tolist() == [2.0**-n for n in range(1, 9)]
    assert alibi_slopes(12).tolist()[8:] == pytest.approx([2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5])
    alibi = Alibi(8, learned=True)
    alibi.scale_H.data[:2] = torch.tensor([3.0, -1.0])
    bias_BHKK = alibi(torch.tensor([[4, 9, 0]]))
    assert bias_BHKK[0, 0].tolist() == [[0, -7.5, -6], [-7.5, 0, -13.5], [-6, -13.5, 0]]
    assert not bias_BHKK[0, 1].any()  # a scale below 0 counts as 0
    assert bias_BHKK[0, 2, 0, 1] == -5 / 8
    assert Alibi(8, learned=False).scale_H is None


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_keeps_the_expectation_and_drops_the_same_on_the_way_back(p):
    torch.manual_seed(3)
    dropout = Dropout(p)
    x = torch.ones(300, 1001, requires_grad=True)
    y = dropout(x)
    y.sum().backward()
    assert torch.equal(x.grad, y)
    assert float((y == 0).float().mean()) == pytest.approx(p, abs=0.005)
    assert float(y.detach().max()) == pytest.approx(1 / (1 - p), rel=1e-4)
    assert dropout.eval()(x) is x


def test_attention_with_dropout_averages_to_attention_without():
    torch.manual_seed(4)
    layer = TransformerLayer(16, 4, 24, False, 0.0, 0.2, 0.0)
    randomise(layer)
    x_BTD = torch.randn(1, 6, 16)
    bias = torch.zeros(1, 1, 1, 6)
    bias[..., 4:] = torch.finfo(torch.float32).min
    expected_BTD = layer.eval().attention(x_BTD, bias)
    with torch.no_grad():
        got_BTD = layer.train().attention(x_BTD.expand(20000, -1, -1), bias)
    assert error(got_BTD.mean(0), expected_BTD[0]) < 0.02
    assert error(got_BTD[0], expected_BTD[0]) > 0.02


def test_weights_start_as_berts():
    torch.manual_seed(5)
    encoder = ContextTransformer(64, 64, 1, heads=4, ff_dim=128)
    layer = encoder.layers[0]
    for linear in (layer.attention.qkv, layer.attention.out, layer.ff[0], layer.ff[3]):
        assert float(linear.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
        assert not linear.bias.any()
    positions = encoder.positions
    assert float(positions.direction_DIK.detach().std()) == pytest.approx(
        (4 / (128 * 64)) ** 0.5, rel=0.05
    )
    norms_11K = positions.direction_DIK.norm(dim=(0, 1), keepdim=True)
    torch.testing.assert_close(positions.gain_11K.data, norms_11K)
    assert float(encoder.embed[0].weight.detach().abs().max()) == pytest.approx(64**-0.5, rel=0.01)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"heads": 5}, "output_size 16 is not a multiple of heads 5"),
        ({"pos_groups": 3}, "output_size 16 is not a multiple of pos_groups 3"),
        ({"pos_depth": 2, "pos_kernel": 4}, "pos_kernel 4 is even"),
        ({"alibi": "yes"}, "alibi 'yes' is not none"),
    ],
)
def test_a_conf_that_cannot_be_is_refused(options, expected):
    with pytest.raises(ValueError, match=f"encoder_conf: .*{expected}"):
        tiny(**options)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_close_and_finite(dtype):
    encoder = tiny(alibi="learned")
    x_BTD, lengths_B = torch.randn(3, 9, 16), torch.tensor([9, 4, 0])
    exact_BTD = encoder.hidden(x_BTD, lengths_B)[-1]
    with torch.autocast("cpu", dtype):
        half_BTD = encoder.hidden(x_BTD, lengths_B)[-1]
        dropped_BTD = encoder.train().hidden(x_BTD, lengths_B)[-1]
    assert F.cosine_similarity(half_BTD.float()[0], exact_BTD[0]).min() > 0.99
    assert torch.isfinite(half_BTD).all()  # a row without a single frame, too
    assert torch.isfinite(dropped_BTD).all()
