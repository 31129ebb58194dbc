"""How long spans are: one length for all, or drawn (wav2vec 2.0 app. A, Table 5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

KINDS = ("static", "uniform", "poisson", "normal")


class SpanLengths(torch.nn.Module):
    """Draws whole span lengths of at least one frame, by a table of cumulative probabilities.

    A table, because torch's samplers differ in what they take a generator for, and because the
    longest span must be known beforehand: tails are cut where less than 1e-4 is left.

    Args:
        kind: `static` (all `span` long), `uniform` (from span - spread to span + spread), `poisson`
            (of mean span), `normal` (of mean span and standard deviation `spread`, rounded; below
            one frame is one, as in the public code, so the mean rises a little).
        span: frames. spread: frames; only for `uniform` and `normal`.

    Attributes:
        longest: frames of the longest span. mean: expected frames.

    Raises:
        ValueError: an unknown kind, a spread that is missing or has no meaning.
    """

    def __init__(self, kind: str, span: int, spread: int | None = None):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"masker_conf: lengths {kind!r} is not one of {', '.join(KINDS)}")
        if (spread is not None) != (kind in ("uniform", "normal")):
            raise ValueError("masker_conf: `spread` goes with lengths uniform and normal, only")
        if spread is not None and not spread > 0:
            raise ValueError(f"masker_conf: spread {spread}; more than 0 frames is expected")
        if kind == "uniform" and (spread >= span or spread != int(spread)):
            raise ValueError(
                f"masker_conf: spread {spread}; whole frames, fewer than span {span} are expected"
            )
        self.static = kind == "static"
        cumulative_M = _CUMULATIVE[kind](span, spread)
        self.longest = len(cumulative_M)
        self.mean = float(self.longest - cumulative_M[:-1].sum())  # sum of P(length > m)
        self.register_buffer("cumulative_M", cumulative_M.float(), persistent=False)

    def forward(self, uniform: Tensor) -> Tensor:
        """Lengths, whole numbers from 1 to `longest`, by draws from [0, 1) of any shape."""
        return 1 + torch.searchsorted(self.cumulative_M, uniform.contiguous(), right=True)


def _static(span: int, _) -> Tensor:
    return (torch.arange(1, span + 1) == span).double()


def _uniform(span: int, spread: int) -> Tensor:
    length_M = torch.arange(1, span + spread + 1, dtype=torch.float64)
    return ((length_M - (span - spread) + 1) / (2 * spread + 1)).clamp(min=0)


def _poisson(span: int, _) -> Tensor:
    length_M = torch.arange(20 + 3 * span, dtype=torch.float64)
    log_p_M = length_M * math.log(span) - span - torch.lgamma(length_M + 1)
    return _cut(log_p_M.exp().cumsum(0)[1:])  # a span of no frames becomes one of one


def _normal(span: int, spread: float) -> Tensor:
    length_M = torch.arange(1, span + math.ceil(5 * spread) + 1, dtype=torch.float64)
    return _cut(torch.special.ndtr((length_M + 0.5 - span) / spread))


def _cut(cumulative_M: Tensor) -> Tensor:
    longest = int((cumulative_M < 1 - 1e-4).sum()) + 1
    return torch.cat([cumulative_M[: longest - 1], cumulative_M.new_ones(1)])


_CUMULATIVE = {"static": _static, "uniform": _uniform, "poisson": _poisson, "normal": _normal}
