"""The best of several decodings, chosen on the dev set, and what it gives on the test sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from espnet_ext.analysis.runs import score_file
from espnet_ext.analysis.scores import Score, read_score
from espnet_ext.config import UserError


def best_of(dev: Sequence[Path], tests: Sequence[str]) -> str:
    """Choose among decoded dev sets such as exp/asr_x/decode_a/dev; of a tie the first by name.

    Args:
        tests: names of test sets decoded beside the dev set. Their scores are read after the
            choice, and only those of the chosen decoding.

    Returns:
        A line for the dev set and one for each test set, and how many were compared.

    Raises:
        UserError: nothing to choose from; a score that is missing, or of another reference.
    """
    folders = sorted({folder for folder in dev if folder.is_dir()})
    if not folders:
        raise UserError(
            "--dev: no such decoded set; expected folders such as exp/asr_x/decode_a/dev"
        )
    scores = [_score(folder) for folder in folders]
    for folder, score in zip(folders, scores, strict=True):
        if score.words != scores[0].words:
            raise UserError(
                f"{score_file(folder)}: {score.words} words in the reference, in {folders[0]} "
                f"{scores[0].words}; compare decodings of one set, scored by the same rules"
            )
    chosen = min(range(len(folders)), key=lambda i: scores[i].errors)
    lines = [_line(folders[chosen], scores[chosen])]
    for name in tests:
        folder = folders[chosen].parent / name
        lines.append(_line(folder, _score(folder)))
    lines.append(f"# best of {len(folders)} on {folders[chosen].name}; test sets had no say")
    return "\n".join(lines)


def _score(folder: Path) -> Score:
    file = score_file(folder)
    try:
        return read_score(file)
    except OSError as err:
        raise UserError(f"{file}: {err.strerror}; score {folder} first (stage 9)") from None
    except ValueError as err:
        raise UserError(f"{file}: {err}; score {folder} again (stage 9)") from None


def _line(folder: Path, score: Score) -> str:
    return f"{folder.name}: {score.line}  [{folder}]"
