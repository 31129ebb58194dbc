"""The most frequent errors of a scored set, as wav2vec 2.0's Table 11 lists them.

ops  substitution          AND              IN     12
     deletion                A             ***      9
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.score.kaldi_files import GAP_TEXT

KINDS = ("substitution", "deletion", "insertion")


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often `ref` came out as `hyp`. An insertion has no `ref`, a deletion no `hyp`."""

    kind: str
    ref: str
    hyp: str
    count: int


def most_frequent(score_dir: Path, n: int = 10) -> dict[str, list[Confusion]]:
    """The `n` most frequent errors of each kind, from SCORE_DIR/ops; ties in alphabetical order.

    Raises:
        UserError: no such file, or a line that is not `kind ref hyp count`.
    """
    path = score_dir / "ops"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected what score_wer --out wrote") from None
    found: dict[str, list[Confusion]] = {kind: [] for kind in KINDS}
    for number, line in enumerate(lines, 1):
        try:
            kind, ref, hyp, count = line.split(" ")[0], *line.split()[1:]
            ref, hyp = ("" if word == GAP_TEXT else word for word in (ref, hyp))
            confusion = Confusion(kind, ref, hyp, int(count))
        except ValueError:
            raise UserError(
                f"{path}:{number}: expected `kind ref hyp count`; score again"
            ) from None
        if kind in found:
            found[kind].append(confusion)
    for errors in found.values():
        errors.sort(key=lambda error: (-error.count, error.ref, error.hyp))
    return {kind: errors[:n] for kind, errors in found.items()}
