"""Our weights under the names of transformers' and torchaudio's models, without copying them."""

import torch
from torch import Tensor, nn

from espnet_ext.tasks.checkpoints.hf_layout import to_hf


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
    named = to_hf({f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()})
    return {k.removeprefix("encoder."): v for k, v in named.items() if k.startswith("encoder.")}


def model_weights(frontend, preencoder, encoder, projection: str, below: str) -> dict[str, Tensor]:
    """A whole model; `projection` and `below` are the peer's names for its parts."""
    parts = {"frontend": frontend, "preencoder": preencoder, "encoder": encoder}
    named = to_hf(
        {f"{part}.{k}": v for part, module in parts.items() for k, v in module.state_dict().items()}
    )
    peers = {"feature_projection.": f"{projection}.", "encoder.": f"{below}."}
    renamed = {}
    for name, tensor in named.items():
        head = next((head for head in peers if name.startswith(head)), "")
        renamed[peers.get(head, "") + name.removeprefix(head)] = tensor
    return renamed
