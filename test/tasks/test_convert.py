"""Models of transformers to ours and back, and ours to transformers."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Model,
)

from espnet_ext.config import UserError
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.tasks.checkpoints.convert import from_hugging_face, to_hugging_face

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "num_conv_pos_embedding_groups": 4,
    "conv_dim": [6] * 7,
    "hidden_dropout": 0.05,
    "layerdrop": 0.0,
}
KERNEL = {"num_conv_pos_embeddings": 8}
LARGE = KERNEL | {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
MODELS = {
    "wav2vec2": (Wav2Vec2Model, Wav2Vec2Config(**SIZES, **KERNEL)),
    "wav2vec2_large": (Wav2Vec2Model, Wav2Vec2Config(**SIZES, **LARGE)),
    "hubert": (HubertModel, HubertConfig(**SIZES, **KERNEL)),
    "data2vec": (Data2VecAudioModel, Data2VecAudioConfig(**SIZES, conv_pos_kernel_size=5)),
    "with_head": (Wav2Vec2ForCTC, Wav2Vec2Config(**SIZES, **KERNEL)),
}


def saved(name: str, path):
    """A random model of transformers', with its preprocessor, on disk."""
    model_class, config = MODELS[name]
    torch.manual_seed(0)
    model = model_class(config).eval()
    for p in model.parameters():
        p.data += 0.1 * torch.randn_like(p)
    model.save_pretrained(path)
    whole = name in ("wav2vec2_large", "data2vec")
    Wav2Vec2FeatureExtractor(do_normalize=whole, return_attention_mask=whole).save_pretrained(path)
    return getattr(model, "wav2vec2", model)


@torch.no_grad()
def hidden_of_ours(exp, wav_BS):
    conf = yaml.safe_load((exp / "config.yaml").read_text())
    state = torch.load(exp / "latest.pth", weights_only=True)
    frontend = WaveCNN(**conf["frontend_conf"])
    preencoder = LatentNorm(frontend.output_size())
    encoder = ContextTransformer(frontend.output_size(), **conf["encoder_conf"])
    for name, part in (("frontend", frontend), ("preencoder", preencoder), ("encoder", encoder)):
        part.eval().load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
        )
    latents, lengths_B = preencoder(*frontend(wav_BS, torch.full((len(wav_BS),), wav_BS.shape[1])))
    return encoder.hidden(encoder.embed(latents), lengths_B)


@torch.no_grad()
def hidden_of_theirs(model, wav_BS, normalised: bool):
    if normalised:  # what their feature extractor does beforehand
        wav_BS = torch.nn.functional.layer_norm(wav_BS, wav_BS.shape[1:])
    out = model(wav_BS, output_hidden_states=True)
    return [*out.hidden_states[1:-1], out.last_hidden_state]


@pytest.mark.parametrize("name", MODELS)
def test_there_and_back_says_the_same_and_loses_no_bit(name, tmp_path):
    theirs = saved(name, tmp_path / "hf")
    exp, back, again = tmp_path / "exp/ssl_x", tmp_path / "back", tmp_path / "exp/ssl_again"
    from_hugging_face(str(tmp_path / "hf"), exp)
    wav_BS = 0.1 * torch.randn(2, 4000)
    normalised = name in ("wav2vec2_large", "data2vec")
    expected = hidden_of_theirs(theirs, wav_BS, normalised)
    for got_BTD, expected_BTD in zip(hidden_of_ours(exp, wav_BS), expected, strict=True):
        assert (got_BTD - expected_BTD).norm() <= 1e-4 * expected_BTD.norm()

    to_hugging_face(exp, back)
    loaded, report = AutoModel.from_pretrained(back, output_loading_info=True)
    assert not any(report.values()), report
    assert type(loaded) is type(theirs)
    before, after = theirs.state_dict(), loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    kept = [*SIZES, "layer_norm_eps", "conv_bias", "num_conv_pos_embeddings", "attention_dropout"]
    assert all(getattr(theirs.config, k) == getattr(loaded.config, k) for k in kept)
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(back)
    assert extractor.do_normalize == extractor.return_attention_mask == normalised

    from_hugging_face(str(back), again)
    states = [torch.load(e / "latest.pth", weights_only=True) for e in (exp, again)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert (exp / "config.yaml").read_bytes() == (again / "config.yaml").read_bytes()


def test_a_head_is_left_out_and_said(tmp_path, capsys):
    saved("with_head", tmp_path / "hf")
    from_hugging_face(str(tmp_path / "hf"), tmp_path / "exp")
    assert "above the network: lm_head" in capsys.readouterr().out


def test_older_pickles_are_read_for_their_weights_alone(tmp_path):
    saved("wav2vec2", tmp_path / "hf")
    weights = load_file(tmp_path / "hf/model.safetensors")
    stem = "encoder.pos_conv_embed.conv."
    for number, letter in ((0, "g"), (1, "v")):
        new = f"{stem}parametrizations.weight.original{number}"
        weights[f"{stem}weight_{letter}"] = weights.pop(new)
    (tmp_path / "hf/model.safetensors").unlink()
    torch.save(weights, tmp_path / "hf/pytorch_model.bin")
    from_hugging_face(str(tmp_path / "hf"), tmp_path / "exp")
    torch.save({"x": print}, tmp_path / "hf/pytorch_model.bin")
    with pytest.raises(UserError, match=r"pytorch_model.bin: not a file of weights alone"):
        from_hugging_face(str(tmp_path / "hf"), tmp_path / "exp")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"hidden_act": "relu"}, "config.json: hidden_act is 'relu'; this network has 'gelu'"),
        ({"model_type": "wavlm"}, "config.json: model_type is 'wavlm'; expected one of wav2vec2"),
        ({"conv_dim": [4, 6]}, r"config.json: conv_dim is \[4, 6\]; expected the same"),
        ({"intermediate_size": 20}, r"ff\.0\.weight has shape \(24, 16\); expected \(20, 16\)"),
        ({"num_hidden_layers": 3}, r"safetensors: no weight encoder.layers.2"),
        ({"num_hidden_layers": 1}, r"does not speak of: encoder.layers.1"),
    ],
)
def test_what_has_no_counterpart_is_named(changed, expected, tmp_path):
    saved("wav2vec2", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(UserError, match=expected):
        from_hugging_face(str(tmp_path), tmp_path / "exp")
    assert not (tmp_path / "exp").exists()


def test_an_adapter_in_a_layer_is_refused(tmp_path):
    saved("wav2vec2", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["encoder.layers.0.adapter_layer.norm.weight"] = torch.ones(16)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"adapter_layer\.norm\.weight has no place"):
        from_hugging_face(str(tmp_path), tmp_path / "exp")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("encoder_conf", "alibi", "learned"), ("encoder_conf", "pos_depth", 5)],
)
def test_a_network_of_ours_that_theirs_is_not_is_named(section, key, value, tmp_path):
    saved("wav2vec2", tmp_path / "hf")
    from_hugging_face(str(tmp_path / "hf"), tmp_path / "exp")
    conf = yaml.safe_load((tmp_path / "exp/config.yaml").read_text())
    conf[section][key] = value
    (tmp_path / "exp/config.yaml").write_text(yaml.safe_dump(conf))
    with pytest.raises(UserError, match=rf"{section}\.{key} is {value!r}; Hugging Face's wav2vec2"):
        to_hugging_face(tmp_path / "exp", tmp_path / "out")


def test_the_tasks_take_it_over(tmp_path):
    """As a pre-training whose layers are clustered, and as the start of a recogniser."""
    from espnet2.torch_utils.load_pretrained_model import load_pretrained_model

    from espnet_ext.tasks.launch import taken_over
    from espnet_ext.tasks.ssl import SSLTask

    saved("wav2vec2", tmp_path / "hf")
    exp = tmp_path / "exp"
    from_hugging_face(str(tmp_path / "hf"), exp)
    model, _ = SSLTask.build_model_from_file(exp / "config.yaml", exp / "latest.pth", "cpu")
    state = torch.load(exp / "latest.pth", weights_only=True)
    assert model.state_dict().keys() == state.keys()
    fresh = torch.nn.ModuleDict(
        {
            "frontend": WaveCNN(6),
            "preencoder": LatentNorm(6),
            "encoder": ContextTransformer(6, 16, 2, 4, 24, pos_kernel=8, pos_groups=4),
        }
    )
    for option in taken_over(exp / "latest.pth"):
        load_pretrained_model(option, fresh, ignore_init_mismatch=False)
    assert all(torch.equal(tensor, state[name]) for name, tensor in fresh.state_dict().items())
