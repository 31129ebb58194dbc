"""n-best lists: one file a set, and the choice among them by another language model.

utterance, rank, score, acoustic score, LM score, words, TAB between them:

    utt-1<TAB>1<TAB>-10.2501<TAB>-7.9012<TAB>-1.6745<TAB>HELLO WORLD
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.decode.search import Hypothesis


def nbest_lines(utt: str, hyps: Sequence[Hypothesis]) -> list[str]:
    """An utterance's lines, best first."""
    return [
        f"{utt}\t{rank}\t{hyp.score:.4f}\t{hyp.am_score:.4f}\t{hyp.lm_score:.4f}"
        f"\t{' '.join(hyp.words)}\n"
        for rank, hyp in enumerate(hyps, 1)
    ]


def read_nbest(path: str | Path) -> dict[str, list[Hypothesis]]:
    """utterance -> hypotheses, in the file's order (without their tokens).

    Raises:
        UserError: a line that is not as `nbest_lines` writes it.
    """
    lists: dict[str, list[Hypothesis]] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        try:
            utt, _, score, am_score, lm_score, words = line.split("\t")
            hyp = Hypothesis(tuple(words.split()), float(am_score), float(lm_score), float(score))
        except ValueError:
            raise UserError(
                f"{path}:{number}: not an n-best line; expected six columns, TAB between them"
            ) from None
        lists.setdefault(utt, []).append(hyp)
    return lists


def rescore(
    hyps: Sequence[Hypothesis], log_probs: Iterable[float], weight: float
) -> list[Hypothesis]:
    """Add `weight` times another LM's log-probability to each score; best first.

    Ties keep the order of the search. `lm_score` stays that of the search's LM.
    """
    scored = [
        dataclasses.replace(hyp, score=hyp.score + weight * log_prob)
        for hyp, log_prob in zip(hyps, log_probs, strict=True)
    ]
    return sorted(scored, key=lambda hyp: -hyp.score)
