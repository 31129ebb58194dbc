"""LM weights and word scores that wav2vec 2.0 tuned: Tables 7 and 8 (appendix B).

`librispeech_…`: pre-trained on LibriSpeech (Table 7); `librivox_…`: on LibriVox (Table 8). Then the
labelled amount, then the LM: the official 4-gram, or the Transformer.
"""

from __future__ import annotations

from espnet_ext.config import UserError

_AMOUNTS = ("10m", "1h", "10h", "100h", "960h")
_TABLES = {
    "librispeech": {
        "4gram": ((3.23, -0.26), (2.90, -1.62), (2.46, -0.59), (2.15, -0.52), (1.74, 0.52)),
        "transformer": ((1.20, -1.39), (1.15, -2.08), (1.06, -2.32), (0.87, -1.00), (0.92, -0.86)),
    },
    "librivox": {
        "4gram": ((3.86, -1.18), (3.09, -2.33), (2.12, -0.90), (2.15, -0.52), (1.57, -0.64)),
        "transformer": ((1.47, -2.82), (1.33, -0.69), (0.94, -1.05), (0.87, -1.00), (0.90, -0.31)),
    },
}

PUBLISHED: dict[str, tuple[float, float]] = {
    f"{speech}_{amount}_{lm}": values
    for speech, table in _TABLES.items()
    for lm, rows in table.items()
    for amount, values in zip(_AMOUNTS, rows, strict=True)
}
"""name -> (lm_weight, word_score)"""


def published(names: list[str], source: str) -> list[tuple[float, float]]:
    """The points of these names, each once.

    Raises:
        UserError: a name that is none; `source` says where it stood.
    """
    for name in names:
        if name not in PUBLISHED:
            raise UserError(f"{source}: {name!r} is none of {', '.join(PUBLISHED)}")
    return list(dict.fromkeys(PUBLISHED[name] for name in names))
