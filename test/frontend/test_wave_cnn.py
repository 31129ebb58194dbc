"""The wave CNN against transformers', its field and rate, and utterances alone against batches."""

import pytest
import torch
import torch.nn.functional as F
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2FeatureEncoder

from espnet_ext.frontend.norm_gelu import NormGelu
from espnet_ext.frontend.wave_cnn import WaveCNN, normalise
from espnet_ext.tasks.checkpoints.hf_layout import to_hf

CHANNELS = 6
LENGTHS = [4000, 2600, 401]
OF_BASE = {"norm": "group", "conv_bias": False}
OF_LARGE = {"norm": "layer", "conv_bias": True, "normalise_wave": True}


def wave_cnn(**options) -> WaveCNN:
    torch.manual_seed(0)
    net = WaveCNN(CHANNELS, **options)
    for name, p in net.named_parameters():
        if "norm" in name:
            p.data += 0.3 * torch.randn_like(p)
    return net


def ragged() -> tuple[torch.Tensor, torch.Tensor]:
    """Padding holds noise, not zeros."""
    torch.manual_seed(1)
    return 0.1 * torch.randn(len(LENGTHS), max(LENGTHS)) + 0.05, torch.tensor(LENGTHS)


@pytest.mark.parametrize("options", [OF_BASE, OF_LARGE | {"normalise_wave": False}])
def test_features_and_gradients_equal_transformers(options):
    ours = wave_cnn(**options)
    config = Wav2Vec2Config(
        conv_dim=[CHANNELS] * 7, feat_extract_norm=options["norm"], conv_bias=options["conv_bias"]
    )
    theirs = Wav2Vec2FeatureEncoder(config)
    named = to_hf({f"frontend.{name}": tensor for name, tensor in ours.state_dict().items()})
    theirs.load_state_dict({k.removeprefix("feature_extractor."): v for k, v in named.items()})
    wav_BS = ragged()[0]
    got_BTF, frames_B = ours(wav_BS, torch.full((3,), 4000))
    expected_BTF = theirs(wav_BS).transpose(1, 2)
    assert frames_B.tolist() == [expected_BTF.shape[1]] * 3
    assert (got_BTF - expected_BTF).norm() / expected_BTF.norm() < 1e-6
    toward_BTF = torch.randn_like(got_BTF)
    (got_BTF * toward_BTF).sum().backward()
    (expected_BTF * toward_BTF).sum().backward()
    for name, p in theirs.named_parameters():
        own = ours.get_parameter(
            name.replace("conv_layers", "blocks").replace("layer_norm", "norm")
        )
        assert (own.grad - p.grad).norm() / p.grad.norm() < 1e-5, name


@pytest.mark.parametrize("options", [OF_BASE, OF_LARGE])
def test_an_utterance_does_not_depend_on_its_batch(options):
    wav_BS, lengths_B = ragged()
    together, apart = wave_cnn(**options), wave_cnn(**options)
    features_BTF, frames_B = together(wav_BS, lengths_B)
    for row, (length, frames) in enumerate(zip(lengths_B, frames_B, strict=True)):
        alone_1TF, alone_frames = apart(wav_BS[row : row + 1, :length], length[None])
        assert alone_frames == frames == alone_1TF.shape[1]
        torch.testing.assert_close(features_BTF[row, :frames], alone_1TF[0], rtol=1e-4, atol=1e-5)
        alone_1TF.square().sum().backward()
        features_BTF[row, :frames].square().sum().backward(retain_graph=True)
    for own, p in zip(together.parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(own.grad, p.grad, rtol=1e-3, atol=1e-4)


def test_norm_ignores_padding_on_the_way_back():
    """Every gradient of the hand-written backward, against group norm of each utterance alone."""
    torch.manual_seed(2)
    norm = NormGelu(4)
    norm.weight.data.uniform_(0.5, 1.5)
    norm.bias.data.normal_()
    x_BCT, lengths_B = torch.randn(2, 4, 9) + 3.0, torch.tensor([9, 5])
    toward_BCT = torch.randn(2, 4, 9)
    inputs = [x_BCT.clone().requires_grad_() for _ in range(2)]
    out_BCT = norm(inputs[0].clone(), lengths_B)
    got = torch.autograd.grad((out_BCT * toward_BCT).sum(), [inputs[0], norm.weight, norm.bias])
    alone = [
        F.gelu(F.group_norm(inputs[1][b : b + 1, :, :n], 4, norm.weight, norm.bias))
        for b, n in enumerate(lengths_B.tolist())
    ]
    total = sum((y * toward_BCT[b, :, : y.shape[2]]).sum() for b, y in enumerate(alone))
    expected = torch.autograd.grad(total, [inputs[1], norm.weight, norm.bias])
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not got[0][1, :, 5:].any()


def test_a_frame_sees_25_ms_and_the_next_begins_20_ms_later():
    net = wave_cnn(**OF_LARGE | {"normalise_wave": False})
    assert (net.field_samples, net.hop_samples, net.frame_shift_ms) == (400, 320, 20.0)
    wav_BS = (0.1 * torch.randn(1, 16000)).requires_grad_()
    features_BTF, frames_B = net(wav_BS, torch.tensor([16000]))
    assert frames_B.item() == features_BTF.shape[1] == 49  # 49 Hz: the paper's rate
    for t in (0, 1, 48):
        (grad_BS,) = torch.autograd.grad(features_BTF[0, t].sum(), wav_BS, retain_graph=True)
        seen = grad_BS[0].nonzero()[:, 0]
        assert (int(seen[0]), int(seen[-1])) == (320 * t, 320 * t + 399)


def test_waveform_is_normalised_over_its_own_samples():
    wav_BS, lengths_B = ragged()
    got_BS = normalise(wav_BS, lengths_B)
    for row, length in enumerate(LENGTHS):
        expected_S = F.layer_norm(wav_BS[row, :length], (length,))  # as fairseq does it
        torch.testing.assert_close(got_BS[row, :length], expected_S)
        assert not got_BS[row, length:].any()


@pytest.mark.parametrize("options", [OF_BASE, OF_LARGE])
def test_an_utterance_shorter_than_the_field_has_no_frames_and_does_no_harm(options):
    net = wave_cnn(**options)
    features_BTF, frames_B = net(torch.zeros(2, 399), torch.tensor([399, 0]))
    assert frames_B.tolist() == [0, 0]
    assert features_BTF.shape == (2, 1, CHANNELS)
    features_BTF.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_gradient_into_the_blocks_is_scaled():
    def gradient(scale):
        net = wave_cnn(grad_scale=scale)
        net(*ragged())[0].square().sum().backward()
        return net.blocks[3].conv.weight.grad

    torch.testing.assert_close(gradient(0.1), 0.1 * gradient(1.0))
    assert not any(p.requires_grad for p in wave_cnn(grad_scale=0.0).parameters())


def test_a_conf_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="frontend_conf: 7 kernels and 2 strides"):
        WaveCNN(strides=[5, 2])
    with pytest.raises(ValueError, match="frontend_conf: norm 'batch'"):
        WaveCNN(norm="batch")
