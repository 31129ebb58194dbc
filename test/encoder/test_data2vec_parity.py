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
from espnet_ext.tasks.checkpoints.hf_layout import from_hf

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
    weights, _ = from_hf(w, "data2vec")
    for name, part in (("preencoder.", norm), ("encoder.", encoder)):
        part.load_state_dict(
            {k.removeprefix(name): v for k, v in weights.items() if k.startswith(name)}
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
