"""Align texts with alternatives, words that need not be said, and fragments, as sclite -F -D does.

    { he is / he has } done      either counts as right; { may stand in one another
    { because / @ }              @: or nothing at all
    (UH) WELL                    UH may be left out, at no loss
    WOR- WORK, -LY TRULY         a fragment: any word that begins, or ends, as it does is right

Each text is a network of arcs, one a word; the cheapest pair of paths through both is sought. Costs
are NIST's: substitution 4, insertion or deletion 3, of a word in parentheses 2, of @ 0.001. Where
paths cost the same, the diagonal comes before an insertion and that before a deletion, and of
several alternatives the first, as in sclite: its counts of each kind come out, but for one in 2,000
random pairs that have @ on both sides.

A word in parentheses counts as a correct word of the reference, said or not (sclite, too: it is in
#C); so does one of the hypothesis. `score_wer` shows it as (UH) on both sides where it was not
said, and a word that matched a fragment as that fragment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.score.kaldi_files import Vocabulary
from espnet_ext.score.wer import GAP, Pairs

NOTHING = "@"
SUBSTITUTE, GAP_COST, OPTIONAL_GAP, NOTHING_GAP = 4000, 3000, 2000, 1

Columns = list[tuple[str | None, str | None]]
"""Reference and hypothesis word of each column; None opposite an inserted or deleted one."""


@dataclass(frozen=True, slots=True)
class Arc:
    word: str
    optional: bool
    before: tuple[int, ...]  # indices of the arcs that may come just before

    @property
    def gap_cost(self) -> int:
        if self.word == NOTHING:
            return NOTHING_GAP
        return OPTIONAL_GAP if self.optional else GAP_COST


@dataclass
class Network:
    """Arc 0 is the start and has no word; every other comes after those it follows."""

    arcs: list[Arc] = field(default_factory=lambda: [Arc("", False, ())])
    ends: tuple[int, ...] = (0,)

    def _add(self, word: str, before: tuple[int, ...]) -> tuple[int, ...]:
        optional = len(word) > 1 and word[0] + word[-1] == "()"  # () too: the glm took its word
        self.arcs.append(Arc(word[1:-1] if optional else word, optional, before))
        return (len(self.arcs) - 1,)


def is_network(words: Sequence[str]) -> bool:
    """Does a text hold anything but plain words?"""
    return any(
        word[0] in "{(-" or word[-1] == "-" or word == NOTHING for word in words if word != "-"
    )


def parse(words: Sequence[str], where: str = "") -> Network:
    """A network from words, of which `{`, `/`, `}`, `@` and `(word)` have a meaning.

    Raises:
        UserError: braces that do not pair, with `where` before the message.
    """
    network = Network()
    at, network.ends = _path(network, words, 0, (0,), where)
    if at < len(words):
        raise UserError(f"{where}: `}}` without `{{` in `{' '.join(words)}`; mend the text")
    return network


def _path(
    network: Network,
    words: Sequence[str],
    at: int,
    ends: tuple[int, ...],
    where: str,
    depth: int = 0,
) -> tuple[int, tuple[int, ...]]:
    """Read words up to the `/` or `}` that closes this alternative, or to the end."""
    while at < len(words) and words[at] != "}" and (words[at] != "/" or not depth):
        if words[at] != "{":
            ends = network._add(words[at], ends)
            at += 1
            continue
        branches: list[int] = []
        closed = False
        while not closed:
            first = at + 1
            at, after = _path(network, words, first, ends, where, depth + 1)
            if at == len(words):
                raise UserError(f"{where}: `{{` without `}}` in `{' '.join(words)}`; mend the text")
            branches += network._add(NOTHING, ends) if at == first else after
            closed = words[at] == "}"
        ends = tuple(branches)
        at += 1
    return at, ends


def align_networks(ref: Network, hyp: Network, fragments: bool = True) -> Columns:
    """The columns of the cheapest alignment; words that match are the same on both sides.

    O(arcs of ref * arcs of hyp) in plain Python.
    """
    same = _matches if fragments else str.__eq__
    costs, backs = _fill(ref.arcs, hyp.arcs, same)
    _, row, column = min(
        ((costs[i][j], i, j) for i in ref.ends for j in hyp.ends), key=lambda end: end[0]
    )
    columns: Columns = []
    while row or column:
        back_row, back_column = backs[row][column]
        said = None if back_column == column else hyp.arcs[column]
        meant = None if back_row == row else ref.arcs[row]
        columns += _column(meant, said, same)
        row, column = back_row, back_column
    columns.reverse()
    return columns


def _fill(
    ref: list[Arc], hyp: list[Arc], same: Callable[[str, str], bool]
) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
    """Cost of the best paths that end with arc i and arc j, and where they came from."""
    costs = [[0] * len(hyp) for _ in ref]
    backs = [[(0, 0)] * len(hyp) for _ in ref]
    for i, meant in enumerate(ref):
        for j, said in enumerate(hyp):
            if not i and not j:
                continue
            best, back = None, (0, 0)
            if i and j:
                best, back = _cheapest(costs, meant.before, said.before)
                best += _pair_cost(meant.word, said.word, same)
            if j:
                cost, came = _cheapest(costs, (i,), said.before)
                if best is None or cost + said.gap_cost < best:
                    best, back = cost + said.gap_cost, came
            if i:
                cost, came = _cheapest(costs, meant.before, (j,))
                if best is None or cost + meant.gap_cost < best:
                    best, back = cost + meant.gap_cost, came
            costs[i][j], backs[i][j] = best, back
    return costs, backs


def _cheapest(
    costs: list[list[int]], rows: tuple[int, ...], columns: tuple[int, ...]
) -> tuple[int, tuple[int, int]]:
    if len(rows) == len(columns) == 1:
        return costs[rows[0]][columns[0]], (rows[0], columns[0])
    cells = ((costs[i][j], (i, j)) for i in rows for j in columns)
    return min(cells, key=lambda cell: cell[0])


def _pair_cost(meant: str, said: str, same: Callable[[str, str], bool]) -> int:
    if meant == said == NOTHING:
        return 1000
    return 0 if same(meant, said) else SUBSTITUTE


def _matches(meant: str, said: str) -> bool:
    """Equal, or the one is a fragment of the other. A hyphen alone is a word."""
    if meant == said:
        return True
    for fragment, word in ((meant, said), (said, meant)):
        if len(fragment) > 1 and fragment[0] == "-":
            return word.endswith(fragment[1:])
        if len(fragment) > 1 and fragment[-1] == "-":
            return word.startswith(fragment[:-1])
    return False


def _column(meant: Arc | None, said: Arc | None, same: Callable[[str, str], bool]) -> Columns:
    """What one step of the way is in the alignment: a column, or none for @."""
    arc = meant or said
    if meant and said:
        if meant.word == said.word == NOTHING:
            return []
        return [(meant.word, meant.word if same(meant.word, said.word) else said.word)]
    if arc.word == NOTHING:
        return []
    if arc.optional:
        return [(f"({arc.word})", f"({arc.word})")]
    return [(meant.word, None) if meant else (None, said.word)]


def align_specials(
    refs: dict[str, list[int]],
    hyps: dict[str, list[int]],
    utts: Iterable[str],
    vocabulary: Vocabulary,
    paths: tuple[Path, Path],
) -> dict[str, Pairs]:
    """Alignments of the utterances that hold more than plain words, as ints of `vocabulary`.

    Args:
        paths: of references and hypotheses, for messages.
    """
    words = vocabulary.words()
    special = {i for i, word in enumerate(words) if is_network([word])}
    ready: dict[str, Pairs] = {}
    for utt in utts:
        sides = refs[utt], hyps.get(utt, [])
        if special.isdisjoint(sides[0]) and special.isdisjoint(sides[1]):
            continue
        ref, hyp = (
            parse([words[i] for i in side], f"{path}: {utt}")
            for side, path in zip(sides, paths, strict=True)
        )
        ready[utt] = [
            tuple(GAP if word is None else vocabulary.encode([word.encode()])[0] for word in column)
            for column in align_networks(ref, hyp)
        ]
    return ready
