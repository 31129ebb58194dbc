"""Our weights under the names of transformers' and torchaudio's models, without copying them."""

import torch
from torch import Tensor, nn

LAYER = {
    "attention.out": "attention.out_proj",
    "norm_attention": "layer_norm",
    "ff.0": "feed_forward.intermediate_dense",
    "ff.3": "feed_forward.output_dense",
    "norm_ff": "final_layer_norm",
}


def randomise(*modules: nn.Module) -> None:
    """Weights far enough from their start that no part can be forgotten unseen; quick at BASE."""
    torch.manual_seed(0)
    for module in modules:
        for name, p in module.named_parameters():
            if "norm" in name and name.endswith("weight"):
                p.data.uniform_(0.5, 1.5)
            elif p.dim() == 1:
                p.data.uniform_(-0.3, 0.3)
            elif "gain" in name:
                p.data.uniform_(0.5, 2.0)
            else:
                p.data.uniform_(-1, 1).mul_((3 / p[0].numel()) ** 0.5)


def encoder_weights(encoder: nn.Module) -> dict[str, Tensor]:
    """Keys below transformers' `encoder.` and torchaudio's `encoder.transformer.`."""
    named = {}
    for name, tensor in encoder.state_dict().items():
        head, _, rest = name.partition(".")
        if head == "norm":
            named[f"layer_norm.{rest}"] = tensor
        elif head == "layers":
            index, _, rest = rest.partition(".")
            stem, _, kind = rest.rpartition(".")
            if stem == "attention.qkv":
                for which, part in zip("qkv", tensor.chunk(3), strict=True):
                    named[f"layers.{index}.attention.{which}_proj.{kind}"] = part
            else:
                named[f"layers.{index}.{LAYER[stem]}.{kind}"] = tensor
    positions = encoder.positions
    if hasattr(positions, "gain_11K"):
        named["pos_conv_embed.conv.bias"] = positions.bias_D.data
        named["pos_conv_embed.conv.parametrizations.weight.original0"] = positions.gain_11K.data
        named["pos_conv_embed.conv.parametrizations.weight.original1"] = (
            positions.direction_DIK.data
        )
    return named


def wave_weights(frontend: nn.Module) -> dict[str, Tensor]:
    """Keys below `feature_extractor.` of both."""
    return {
        name.replace("blocks", "conv_layers").replace("norm", "layer_norm"): tensor
        for name, tensor in frontend.state_dict().items()
    }


def model_weights(frontend, preencoder, encoder, projection: str, below: str) -> dict[str, Tensor]:
    """A whole model; `projection` and `below` are the peer's names for its parts."""
    named = {f"feature_extractor.{k}": v for k, v in wave_weights(frontend).items()}
    named |= {f"{projection}.layer_{k}": v for k, v in preencoder.state_dict().items()}
    for kind in ("weight", "bias"):
        named[f"{projection}.projection.{kind}"] = getattr(encoder.embed[0], kind).data
    return named | {f"{below}.{k}": v for k, v in encoder_weights(encoder).items()}
