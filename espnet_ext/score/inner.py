"""The inner loop of scoring: align every utterance, write its `per_utt` block, count word pairs.

Half the utterances of a good recogniser are right, and need no alignment: their words are looked up
once and their columns are known. The rest go through the aligner. Utterances do not depend on each
other, so several processes may share them: each takes a run of neighbours, and what they give is
put together in the utterances' order, so the files do not depend on how many there were.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from multiprocessing.connection import Connection

import numpy as np

from espnet_ext.score.kaldi_files import Columns, per_utt_block, right_block
from espnet_ext.score.wer import Aligner, Pairs

FEWEST_PER_JOB = 5_000  # utterances: with fewer, another process costs more than it saves


@dataclass(frozen=True)
class Texts:
    """What is to be aligned: words as indices into `words`, by utterance.

    `ready` holds alignments that were made elsewhere (`network.py`).
    """

    refs: dict[str, list[int]]
    hyps: dict[str, list[int]]
    words: list[str]
    ready: dict[str, Pairs]


@dataclass
class Aligned:
    """`per_utt` in pieces, [correct, subs, ins, dels] of each utterance, and counts of pairs."""

    blocks: list[str]
    csid_U4: np.ndarray
    ops: Counter[tuple[int, int]]


def align_all(texts: Texts, utts: Sequence[str], align: Aligner, jobs: int = 1) -> Aligned:
    """Align `utts` in at most `jobs` processes.

    Raises:
        RuntimeError: a process died, as it does where memory runs out.
    """
    jobs = max(1, min(jobs, len(utts) // FEWEST_PER_JOB))
    if jobs == 1:
        return _align_run(texts, utts, align)
    # fork: a child then has the texts without their being copied to it
    context = multiprocessing.get_context("fork")
    bounds = [len(utts) * job // jobs for job in range(jobs + 1)]
    children = []
    for start, end in pairwise(bounds[1:]):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, texts, utts[start:end], align)
        child = context.Process(target=_child, args=arguments, daemon=True)
        child.start()
        theirs.close()
        children.append((child, ours))
    parts = [_align_run(texts, utts[: bounds[1]], align)]
    for child, ours in children:
        parts.append(_receive(ours))
        child.join()
    return _join(parts)


def _align_run(texts: Texts, utts: Sequence[str], align: Aligner) -> Aligned:
    refs, hyps, ready = texts.refs, texts.hyps, texts.ready
    columns = Columns(texts.words)
    matched: list[list[int]] = []
    ops: Counter[tuple[int, int]] = Counter()
    blocks: list[str] = []
    csids: list[int] = []  # flat: a list per utterance would keep the garbage collector busy
    for utt in utts:
        ref, hyp = refs[utt], hyps.get(utt, [])
        if ref == hyp and utt not in ready:
            block, csid = right_block(utt, ref, columns)
            matched.append(ref)
        else:
            pairs = ready[utt] if utt in ready else align(ref, hyp)
            block, csid, wrong = per_utt_block(utt, pairs, columns)
            ops.update(wrong)
            matched.append([i for i, j in pairs if i == j])
        blocks.append(block)
        csids += csid
    ops.update({(i, i): count for i, count in enumerate(_count(matched)) if count})
    return Aligned(blocks, np.array(csids, dtype=np.int64).reshape(-1, 4), ops)


def _count(texts: list[list[int]]) -> list[int]:
    """How often each word stands in them."""
    flat = np.fromiter(chain.from_iterable(texts), np.int64, sum(map(len, texts)))
    return np.bincount(flat).tolist()


def _child(pipe: Connection, texts: Texts, utts: Sequence[str], align: Aligner) -> None:
    part = _align_run(texts, utts, align)
    pairs_K3 = np.array([(*pair, count) for pair, count in part.ops.items()], dtype=np.int64)
    pipe.send_bytes(part.csid_U4.tobytes())
    pipe.send_bytes(pairs_K3.tobytes())
    pipe.send_bytes("".join(part.blocks).encode())


def _receive(pipe: Connection) -> Aligned:
    try:
        csid_U4 = np.frombuffer(pipe.recv_bytes(), dtype=np.int64).reshape(-1, 4)
        pairs_K3 = np.frombuffer(pipe.recv_bytes(), dtype=np.int64).reshape(-1, 3)
        block = pipe.recv_bytes().decode()
    except EOFError:
        raise RuntimeError("a process of scoring died; was there too little memory?") from None
    ops = Counter({(ref, hyp): count for ref, hyp, count in pairs_K3.tolist()})
    return Aligned([block], csid_U4, ops)


def _join(parts: list[Aligned]) -> Aligned:
    blocks = [block for part in parts for block in part.blocks]
    ops = sum((part.ops for part in parts[1:]), parts[0].ops)
    return Aligned(blocks, np.concatenate([part.csid_U4 for part in parts]), ops)
