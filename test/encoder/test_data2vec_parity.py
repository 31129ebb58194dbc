"""Our transformer with a stack of position convolutions against transformers' data2vec."""

import pytest
import torch
from transformers import Data2VecAudioConfig
from transformers.models.data2vec.modeling_data2vec_audio import Data2VecAudioModel

from espnet_ext.encoder.teacher import EMATeacher
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.targets.given import Given
from espnet_ext.targets.teacher_average import TeacherAverage

SIZES = {
    "tiny": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    | {"intermediate_size": 48, "num_conv_pos_embedding_groups": 4, "conv_dim": [24] * 7},
    "base": {},
}


def theirs(size: str) -> Data2VecAudioModel:
    """Every parameter random, norms too, so that none can hide."""
    config = Data2VecAudioConfig(**SIZES[size], attn_implementation="eager")
    model = Data2VecAudioModel(config).eval()
    generator = torch.Generator().manual_seed(0)
    for name, p in model.named_parameters():
        if "norm" in name:
            p.data.add_(0.3 * torch.randn(p.shape, generator=generator))
        elif name.endswith("bias"):
            p.data.copy_(0.1 * torch.randn(p.shape, generator=generator))
    return model


def ours(model: Data2VecAudioModel) -> tuple[LatentNorm, ContextTransformer]:
    config, w = model.config, model.state_dict()
    norm = LatentNorm(config.conv_dim[-1])
    encoder = ContextTransformer(
        config.conv_dim[-1],
        config.hidden_size,
        config.num_hidden_layers,
        heads=config.num_attention_heads,
        ff_dim=config.intermediate_size,
        pos_kernel=config.conv_pos_kernel_size,
        pos_depth=config.num_conv_pos_embeddings,
        pos_groups=config.num_conv_pos_embedding_groups,
    )
    renamed = {}
    for kind in ("weight", "bias"):
        renamed[f"embed.0.{kind}"] = w[f"feature_projection.projection.{kind}"]
        renamed[f"norm.{kind}"] = w[f"encoder.layer_norm.{kind}"]
        for i in range(config.num_conv_pos_embeddings):
            their_name = f"encoder.pos_conv_embed.layers.{i}.conv.{kind}"
            renamed[f"positions.convs.{i}.{kind}"] = w[their_name]
        for i in range(config.num_hidden_layers):
            here, there = f"layers.{i}", f"encoder.layers.{i}"
            renamed[f"{here}.attention.qkv.{kind}"] = torch.cat(
                [w[f"{there}.attention.{x}_proj.{kind}"] for x in "qkv"]
            )
            renamed[f"{here}.attention.out.{kind}"] = w[f"{there}.attention.out_proj.{kind}"]
            renamed[f"{here}.norm_attention.{kind}"] = w[f"{there}.layer_norm.{kind}"]
            renamed[f"{here}.ff.0.{kind}"] = w[f"{there}.feed_forward.intermediate_dense.{kind}"]
            renamed[f"{here}.ff.3.{kind}"] = w[f"{there}.feed_forward.output_dense.{kind}"]
            renamed[f"{here}.norm_ff.{kind}"] = w[f"{there}.final_layer_norm.{kind}"]
    encoder.load_state_dict(renamed)
    norm.norm.load_state_dict(
        {kind: w[f"feature_projection.layer_norm.{kind}"] for kind in ("weight", "bias")}
    )
    return norm.eval(), encoder.eval()


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_hidden_states_and_targets_equal_transformers_data2vec(size):
    model = theirs(size)
    norm, encoder = ours(model)
    features_BTF = model.feature_extractor(torch.randn(2, 8000)).transpose(1, 2)
    outputs, added = [], []
    for layer in model.encoder.layers:
        layer.final_layer_norm.register_forward_hook(lambda module, args, out: outputs.append(out))
        layer.feed_forward.register_forward_hook(lambda module, args, out: added.append(out))
    last_BTD = model.encoder(model.feature_projection(features_BTF)[0]).last_hidden_state
    assert torch.equal(outputs[-1], last_BTD)

    lengths_B = torch.full((2,), features_BTF.shape[1])
    latents_BTF, _ = norm(features_BTF, lengths_B)
    x_BTD = encoder.embed(latents_BTF)
    for tap, theirs_L in (("layer", outputs), ("ffn", added)):
        for got_BTD, expected_BTD in zip(
            encoder.hidden(x_BTD, lengths_B, tap=tap), theirs_L, strict=True
        ):
            assert (got_BTD - expected_BTD).norm() <= 1e-4 * expected_BTD.norm()

    # what the student is to say, from the teacher's feed-forwards (fairseq's data2vec)
    top = min(8, len(encoder.layers))
    shown = EMATeacher(encoder, tap="ffn", top=top)(latents_BTF, lengths_B)
    given = Given(latents_BTF, lengths_B, torch.zeros(()), teacher_layers=shown)
    got_BTD = TeacherAverage(encoder.output_size())(given)["vectors_BTC"]
    normed = [torch.nn.functional.instance_norm(x.transpose(1, 2)) for x in added[-top:]]
    expected_BTD = torch.stack(normed).mean(0).transpose(1, 2)
    assert (got_BTD - expected_BTD).norm() <= 1e-4 * expected_BTD.norm()
