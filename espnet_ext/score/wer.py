"""Align words, count errors, and say so as Kaldi's compute-wer does.

Two alignments are on offer; the %WER line always says Kaldi's unless asked otherwise.

`kaldi`   fewest errors (substitution, insertion and deletion cost 1 each), by kaldialign. Where
          alignments tie, kaldialign splits the errors into ins/del/sub just as compute-wer does
          (insertion before deletion before substitution). Kaldi's own per_utt comes from another
          program, align-text, which breaks ties the other way, so there the two may disagree on
          the split; ours come from one alignment and always add up.
`sclite`  NIST's weights: substitution 4, insertion 3, deletion 3. The cheapest alignment may then
          have more errors than need be: for `x y z a b` heard as `a b p q r`, three deletions and
          three insertions (cost 18) beat five substitutions (cost 20). Measured on 10,000 random
          pairs of up to 24 words: a higher total on 34 of them at 43 % WER, on 237 at 70 %.
          Three substitutions cost as much as four gaps, so the total also hangs on how ties are
          broken. Going back from the end, sclite takes the diagonal, else an insertion, else a
          deletion. kaldialign's `sclite_mode` takes an insertion first: the same cost, another
          total on 191 and 927 of those pairs. Hence `align_sclite`, which gives sclite's number of
          each kind of error on every pair tried; the tests show it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import kaldialign
import numpy as np

GAP = -1  # stands opposite an inserted or deleted word

Pairs = list[tuple[int, int]]
"""(reference word, hypothesis word) columns of an alignment; words are non-negative ints."""


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Errors over some utterances. Counts add; a rate is derived when printed, never averaged."""

    subs: int = 0
    ins: int = 0
    dels: int = 0
    words: int = 0  # of the reference
    utts: int = 0
    wrong_utts: int = 0

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        if not isinstance(other, ErrorCounts):
            return NotImplemented
        return ErrorCounts(
            self.subs + other.subs,
            self.ins + other.ins,
            self.dels + other.dels,
            self.words + other.words,
            self.utts + other.utts,
            self.wrong_utts + other.wrong_utts,
        )

    @property
    def errors(self) -> int:
        return self.subs + self.ins + self.dels

    def rate_line(self, name: str = "WER", n_absent: int = 0) -> str:
        """`%WER 12.33 [ 56 / 454, 10 ins, 20 del, 26 sub ]`; Kaldi marks `[PARTIAL]` if absent."""
        counts = f"{self.errors} / {self.words}, {self.ins} ins, {self.dels} del, {self.subs} sub"
        partial = " [PARTIAL]" if n_absent else ""
        return f"%{name} {percent(self.errors, self.words)} [ {counts} ]{partial}"

    def sentence_line(self) -> str:
        """`%SER 45.00 [ 9 / 20 ]`"""
        rate = percent(self.wrong_utts, self.utts)
        return f"%SER {rate} [ {self.wrong_utts} / {self.utts} ]"


def percent(part: int, whole: int) -> str:
    """Two decimals, rounded through float32 as Kaldi does; `undefined` where `whole` is 0."""
    return f"{np.float32(100.0 * part / whole):.2f}" if whole else "undefined"


def align_kaldi(ref: Sequence[int], hyp: Sequence[int]) -> Pairs:
    """The alignment with the fewest errors; see the top of this file."""
    # kaldialign's Python layer would map the words to ints once more: its core takes ours.
    return kaldialign._kaldialign.align(ref, hyp, GAP, False)


def align_sclite(ref: Sequence[int], hyp: Sequence[int]) -> Pairs:
    """The alignment with the least cost under sclite's weights, ties broken as sclite does.

    O(len(ref) * len(hyp)) in plain Python: about 0.1 ms for 20 words.
    """
    rows = [[3 * j for j in range(len(hyp) + 1)]]
    for i, word in enumerate(ref, 1):
        above, row = rows[-1], [3 * i]
        for j, said in enumerate(hyp):
            row.append(
                min(above[j] + (0 if word == said else 4), above[j + 1] + 3, row[j] + 3),
            )
        rows.append(row)
    pairs: Pairs = []
    i, j = len(ref), len(hyp)
    while i or j:
        cost = rows[i][j]
        if i and j and cost == rows[i - 1][j - 1] + (0 if ref[i - 1] == hyp[j - 1] else 4):
            i, j = i - 1, j - 1
            pairs.append((ref[i], hyp[j]))
        elif j and cost == rows[i][j - 1] + 3:
            j -= 1
            pairs.append((GAP, hyp[j]))
        else:
            i -= 1
            pairs.append((ref[i], GAP))
    pairs.reverse()
    return pairs


Aligner = Callable[[Sequence[int], Sequence[int]], Pairs]
ALIGNMENTS: dict[str, Aligner] = {
    "kaldi": align_kaldi,
    "sclite": align_sclite,
}


def count_errors(pairs: Pairs) -> ErrorCounts:
    """Counts of one utterance."""
    ins = sum(ref == GAP for ref, _ in pairs)
    dels = sum(hyp == GAP for _, hyp in pairs)
    wrong = sum(ref != hyp for ref, hyp in pairs)
    return ErrorCounts(wrong - ins - dels, ins, dels, len(pairs) - ins, 1, int(wrong > 0))


def word_errors(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> int:
    """Fewest errors of all utterances: (words said, words heard) of each."""
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__  # an unseen word gets the next int
    errors = 0
    for said, heard in pairs:
        if said != heard:
            ref, hyp = ([ids[word] for word in words] for words in (said, heard))
            errors += count_errors(align_kaldi(ref, hyp)).errors
    return errors
