"""The word error rate of a decode conf on cached emissions, for any weights."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.emissions import EmissionsDir
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.decode.conf import DecodeConf
from espnet_ext.score.wer import word_errors
from espnet_ext.tasks.decoding.search import Sources, ctc_search

SHARES_PER_PROCESS = 8  # of the utterances: a process that got the short ones takes another share


@dataclass(frozen=True)
class Task:
    """What to search, with what, and what was said. Every process opens it for itself."""

    conf: DecodeConf
    sources: Sources
    refs: dict[str, str]


class DevRate:
    """`rate(lm_weight, word_score)`, and rescore_weight where an LM rescores: errors over reference
    words, in `nj` processes.

    Closing ends the processes. `n_words` is the number of reference words.

    Raises:
        UserError: emissions and references are not of the same utterances; no reference word.
    """

    def __init__(self, conf: DecodeConf, sources: Sources, ref: Path, nj: int = 1):
        cache, refs = EmissionsDir(sources.emissions), read_dict(ref)
        lacking = sorted(set(refs) ^ set(cache))
        if lacking:
            raise UserError(
                f"{ref}: {len(lacking)} utterances are in only one of it and "
                f"{sources.emissions}; first: {lacking[0]}; do they belong together?"
            )
        self.n_words = sum(len(text.split()) for text in refs.values())
        if not self.n_words:
            raise UserError(f"{ref}: no word in any reference; there is nothing to tune on")
        utts = list(refs)
        n_shares = 1 if nj == 1 else min(len(utts), nj * SHARES_PER_PROCESS)
        self._shares = [utts[share::n_shares] for share in range(n_shares)]
        task = Task(conf, sources, refs)
        self._pool = None
        if nj == 1:
            _open(task)
        else:
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # each search is one thread
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(nj, context, initializer=_open, initargs=(task,))

    def __call__(self, *weights: float) -> float:
        jobs = [(share, weights) for share in self._shares]
        errors = sum(map(_errors, jobs) if self._pool is None else self._pool.map(_errors, jobs))
        return errors / self.n_words

    def __enter__(self) -> DevRate:
        return self

    def __exit__(self, *_) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


_opened: dict[str, object] = {}  # of this process


def _open(task: Task) -> None:
    cache = EmissionsDir(task.sources.emissions)
    search = ctc_search(task.conf, cache.tokens, cache.pieces_of, task.sources, "cpu")
    _opened.update(cache=cache, search=search, refs=task.refs)


def _errors(job: tuple[list[str], tuple[float, ...]]) -> int:
    utts, weights = job
    cache, search, refs = (_opened[name] for name in ("cache", "search", "refs"))
    return word_errors(
        (refs[utt].split(), list(search(cache[utt], *weights)[0].words)) for utt in utts
    )
