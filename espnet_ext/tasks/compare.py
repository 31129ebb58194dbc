"""Two systems scored on the same utterances: which is better, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from espnet_ext.analysis.scores import read_counts
from espnet_ext.config import UserError
from espnet_ext.score.bootstrap import paired_bootstrap
from espnet_ext.score.scoring import RATES
from espnet_ext.score.wer import percent

N_RESAMPLES = 10_000

Counts = dict[str, tuple[int, int]]
"""utterance -> (errors, reference words)"""


def compare(a: Path, b: Path, seed: int = 1) -> str:
    """What `compare_wer` prints of two directories that `score_wer` wrote.

    Raises:
        UserError: no `per_utt` with counts; different units, utterances or references.
    """
    counts_a, counts_b = _read(a), _read(b)
    name = _rate_name(a)
    if name != _rate_name(b):
        raise UserError(f"{b}: holds a {_rate_name(b)}, {a} a {name}; score both by one unit")
    _refuse_other_set(a, b, counts_a, counts_b)
    utts = sorted(counts_a)
    errors_a_U, words_U = np.array([counts_a[utt] for utt in utts]).T
    errors_b_U = np.array([counts_b[utt][0] for utt in utts])
    lines = [
        _rate_line(system, name, int(errors_U.sum()), int(words_U.sum()), folder)
        for system, errors_U, folder in (("A", errors_a_U, a), ("B", errors_b_U, b))
    ]
    found = paired_bootstrap(
        errors_a_U, errors_b_U, words_U, np.random.default_rng(seed), N_RESAMPLES
    )
    if found is None:
        why = "one utterance only" if len(utts) < 2 else "no word in the reference"
        return "\n".join([*lines, f"# no bootstrap interval: {why}"])
    low, high = 100 * found.interval.low, 100 * found.interval.high
    return "\n".join(
        [
            *lines,
            f"B - A  {100 * found.difference:+.2f}, 95% interval [ {low:+.2f}, {high:+.2f} ]",
            f"probability that B is better: {100 * found.better:.2f}% "
            f"(that both are equal: {100 * found.equal:.2f}%)",
            f"# paired bootstrap, {found.interval.n_resamples} resamples of {len(utts)} "
            f"utterances, seed {seed}",
        ]
    )


def _read(folder: Path) -> Counts:
    file = folder / "per_utt"
    try:
        return read_counts(file)
    except OSError as err:
        raise UserError(f"{file}: {err.strerror}; expected what score_wer --out wrote") from None
    except ValueError as err:  # no counts, or not UTF-8
        what = "not UTF-8" if isinstance(err, UnicodeDecodeError) else err
        raise UserError(f"{file}: {what}; expected what score_wer --out wrote") from None


def _rate_name(folder: Path) -> str:
    return next((name for name in RATES.values() if (folder / name.lower()).exists()), "WER")


def _rate_line(system: str, name: str, errors: int, words: int, folder: Path) -> str:
    return f"{system}  %{name} {percent(errors, words)} [ {errors} / {words} ]  {folder}"


def _refuse_other_set(a: Path, b: Path, counts_a: Counts, counts_b: Counts) -> None:
    for one, other, missing in (
        (a, b, [utt for utt in counts_a if utt not in counts_b]),
        (b, a, [utt for utt in counts_b if utt not in counts_a]),
    ):
        if missing:
            raise UserError(
                f"{other}/per_utt: {len(missing)} utterances of {one}/per_utt are not in it "
                f"(first: {missing[0]}); score both on the same set"
            )
    for utt, (_, words) in counts_a.items():
        if counts_b[utt][1] != words:
            raise UserError(
                f"{b}/per_utt: the reference of {utt} is {counts_b[utt][1]} long, in {a}/per_utt "
                f"{words}; score both against the same text"
            )
