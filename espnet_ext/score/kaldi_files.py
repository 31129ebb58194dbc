"""Files that scoring reads and writes, in Kaldi's formats.

    text      en-allison-hello HELLO WORLD        (reference and hypothesis; words may be absent)
    utt2spk   en-allison-hello en-allison
    per_utt   en-allison-hello ref  HELLO  WORLD
              en-allison-hello hyp  HELLO   ***
              en-allison-hello op     C      D
              en-allison-hello #csid 1 0 0 1

Words are split at ASCII white space alone, as Kaldi and sclite do, and counted as ints: the reader
maps each word once, and the aligner never sees a string.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.score.wer import GAP, ErrorCounts, Pairs

GAP_TEXT = "***"  # what Kaldi's score files print for GAP
WIDEST_WORD = 16  # in `ops`, Kaldi lets longer words stick out


class Vocabulary:
    """Words and their ints, in order of appearance."""

    def __init__(self) -> None:
        self._ids: defaultdict[bytes, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__  # an unseen word gets the next int
        self._lines: dict[bytes, list[int]] = {}

    def encode(self, words: Iterable[bytes]) -> list[int]:
        return list(map(self._ids.__getitem__, words))

    def encode_line(self, line: bytes) -> list[int]:
        """`encode` of its words. The same line again (a right hypothesis) is the same list."""
        if line not in self._lines:
            self._lines[line] = self.encode(line.split())
        return self._lines[line]

    def words(self) -> list[str]:
        return [word.decode() for word in self._ids]


def read_text(
    path: Path,
    vocabulary: Vocabulary,
    unit: str = "word",
    change: Callable[[list[str], str], list[str]] | None = None,
) -> dict[str, list[int]]:
    """Utterance -> its words (or characters) as ints of `vocabulary`, in file order.

    `change` maps the words of an utterance, and the `file:line` that they stand in, to those that
    count (`rules.py`).

    With `unit="char"` words fall into characters as in Kaldi's CER: spaces between words do not
    count, and `[noise]` or `<unk>` stay whole. (ESPnet's CER counts spaces.)

    Raises:
        UserError: no such file; a line that is empty, not UTF-8, or repeats an id; the word `***`.
    """
    texts: dict[str, list[int]] = {}
    gap = GAP_TEXT.encode()
    for number, utt, line in _rows(path, texts):
        if unit != "char" and not change and gap not in line:  # the quick way
            texts[utt] = vocabulary.encode_line(line)
            continue
        words = line.split()
        if change:
            changed = change([word.decode() for word in words], f"{path}:{number}")
            words = [word.encode() for word in changed]
        if unit == "char":
            words = [char for word in words for char in _characters(word)]
        elif gap in words:
            raise UserError(f"{path}:{number}: score files print {GAP_TEXT} for a gap; rename it")
        texts[utt] = vocabulary.encode(words)
    return texts


def read_utt2spk(path: Path) -> dict[str, str]:
    """Utterance -> speaker.

    Raises:
        UserError: no such file, or a line that is not `utterance speaker`, or repeats an id.
    """
    speakers: dict[str, str] = {}
    for number, utt, line in _rows(path, speakers):
        words = line.split()
        if len(words) != 1:
            raise UserError(f"{path}:{number}: expected `utterance speaker`")
        speakers[utt] = words[0].decode()
    return speakers


def _rows(path: Path, seen: dict) -> Iterator[tuple[int, str, bytes]]:
    """Line number, id and rest of each line; the caller puts every id into `seen`."""
    try:
        handle = path.open("rb")
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected lines of `utterance words`") from None
    with handle:
        for number, line in enumerate(handle, 1):
            try:
                if not line.isascii():
                    line.decode()
            except UnicodeDecodeError:
                raise UserError(f"{path}:{number}: not UTF-8; save the file as UTF-8") from None
            fields = line.split(None, 1)
            if not fields:
                raise UserError(f"{path}:{number}: empty line; remove it")
            utt = fields[0].decode()
            if utt in seen:
                first = list(seen).index(utt) + 1
                raise UserError(f"{path}:{number}: {utt} is also in line {first}; keep one")
            yield number, utt, fields[1] if len(fields) > 1 else b""


def _characters(word: bytes) -> list[bytes]:
    if (word[:1], word[-1:]) in ((b"[", b"]"), (b"<", b">")):
        return [word]
    return [char.encode() for char in word.decode()]


class Columns(dict[tuple[int, int], tuple[str, str, str]]):
    """(ref, hyp) -> the cells of that column in `per_utt`: ref, hyp, and one of C, S, I, D.

    A column looks the same wherever it stands, so each is made once: that is most of the speed.
    """

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self.words = [*words, GAP_TEXT]  # GAP is -1: the last one
        self.letters = [_centre("C", len(word)) for word in self.words]

    def __missing__(self, pair: tuple[int, int]) -> tuple[str, str, str]:
        ref, hyp = pair
        letter = "C" if ref == hyp else "I" if ref == GAP else "D" if hyp == GAP else "S"
        ref_word, hyp_word = self.words[ref], self.words[hyp]
        width = max(len(ref_word), len(hyp_word))
        self[pair] = tuple(_centre(text, width) for text in (ref_word, hyp_word, letter))
        return self[pair]


def _centre(text: str, width: int) -> str:
    right = (width - len(text)) // 2  # an odd space goes to the left, as in Kaldi
    return text.rjust(width - right).ljust(width)


def per_utt_block(utt: str, pairs: Pairs, columns: Columns) -> tuple[str, list[int], Pairs]:
    """The four lines of an utterance in `per_utt`, [correct, subs, ins, dels], the wrong pairs.

    Every column is written as if the word were right, then those that are not: most words are.
    """
    words, letters = columns.words, columns.letters
    refs = [words[i] for i, _ in pairs]
    hyps = refs.copy()
    ops = [letters[i] for i, _ in pairs]
    wrong: Pairs = []
    kinds = ""
    for place in [place for place, (ref, hyp) in enumerate(pairs) if ref != hyp]:
        pair = pairs[place]
        refs[place], hyps[place], ops[place] = cells = columns[pair]
        wrong.append(pair)
        kinds += cells[2]
    csid = [len(pairs) - len(wrong), *map(kinds.count, "SID")]
    return _block(utt, "  ".join(refs), "  ".join(hyps), "  ".join(ops), csid), csid, wrong


def right_block(utt: str, words: list[int], columns: Columns) -> tuple[str, list[int]]:
    """`per_utt_block` of an utterance without error."""
    text = "  ".join([columns.words[i] for i in words])
    csid = [len(words), 0, 0, 0]
    return _block(utt, text, text, "  ".join([columns.letters[i] for i in words]), csid), csid


def _block(utt: str, ref: str, hyp: str, op: str, csid: list[int]) -> str:
    return (
        f"{utt} ref  {ref}\n{utt} hyp  {hyp}\n{utt} op   {op}\n"
        f"{utt} #csid {csid[0]} {csid[1]} {csid[2]} {csid[3]}\n"
    )


def per_spk_lines(counts: dict[str, ErrorCounts]) -> Iterator[str]:
    """Kaldi's per_spk: counts (`raw`) and percentages (`sys`) by speaker, then their SUM."""
    width = max(15, *map(len, counts))
    titles = ("#SENT", "#WORD", "Corr", "Sub", "Ins", "Del", "Err", "S.Err")
    yield f"{'SPEAKER':<{width}} id " + "".join(f" {title:>10}" for title in titles) + "\n"
    for speaker, count in [
        *sorted(counts.items()),
        ("SUM", sum(counts.values(), ErrorCounts())),
    ]:
        correct = count.words - count.subs - count.dels
        ours = (correct, count.subs, count.ins, count.dels, count.errors)
        raw = (count.utts, count.words, *ours, count.wrong_utts)
        yield f"{speaker:<{width}} raw" + "".join(f" {n:10d}" for n in raw) + "\n"
        if count.words:  # as in Kaldi, no percentages of nothing
            rates = [100 * n / count.words for n in ours] + [100 * count.wrong_utts / count.utts]
            yield (
                f"{speaker:<{width}} sys {count.utts:10d} {count.words:10d}"
                + "".join(f" {rate:10.2f}" for rate in rates)
                + "\n"
            )


def ops_lines(ops: Counter[tuple[int, int]], words: list[str]) -> Iterator[str]:
    """Kaldi's ops: how often each word came out as which; by kind, then most frequent first."""
    words = [*words, GAP_TEXT]
    rows = []
    for (ref, hyp), count in ops.items():
        kind = "correct" if ref == hyp else "insertion" if ref == GAP else "deletion"
        if ref != hyp and GAP not in (ref, hyp):
            kind = "substitution"
        rows.append((kind, -count, words[ref], words[hyp]))
    rows.sort()
    width = min(WIDEST_WORD, max((max(len(row[2]), len(row[3])) for row in rows), default=0))
    digits = max((len(str(-row[1])) for row in rows), default=0)
    for kind, minus_count, ref_word, hyp_word in rows:
        yield f"{kind:<14}{ref_word:>{width}}    {hyp_word:>{width}}    {-minus_count:{digits}d}\n"
