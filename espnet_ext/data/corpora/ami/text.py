"""From a turn of AMI to utterances, as Kaldi's s5b recipe cuts and normalises them.

Cutting (a turn is what a transcriber marked, up to minutes long):
 1. After each full stop and question mark. A piece lasts from the mark before it (or the turn's
    start) to its own mark (or the turn's end).
 2. A piece of more than 30 tokens, marks inside it counted, is cut at the comma nearest in time to
    its middle, and each part again. Where another mark (`!`, `:`) is nearer, or no comma lies
    strictly inside, it stays whole.
 3. Times are cut down to 10 ms; a piece that then has no length is left out.
Normalising:
 4. Upper case. Marks go. Hyphens are spaces: ANTI-TRUST -> ANTI TRUST.
 5. Letters spelt out keep a full stop each: L_C_D_ -> L. C. D.
 6. MM HMM -> MM-HMM and UH HUH -> UH-HUH: one word each. Other words stay as they are, uh and um,
    broken-off and mispronounced ones included. A piece without a word is left out.

Where we differ from Kaldi, which works on text that NXT prints:
 - A mark inside a word (`know.`) is a space here. There a full stop cuts, and shifts the times of
   all that follows in the turn; `UM,I` loses both words.
 - Marks without a time: see `nxt.make_turn`; there the turn is left out.
 - Of two marks at the same time the first one counts; there, whichever a hash gives.
Kept, though odd: cutting looks at a turn's marks in the order of their times as text, 99.1 after
100.3, and stops at one that ends the piece. It decides where some turns are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from espnet_ext.data.corpora.ami.nxt import Token, Turn

STOPS = {".", "?"}
OTHER_MARKS = {",", "!", ":"}
MAX_TOKENS = 30


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one utterance will be. Times in hundredths of a second, as utterance ids have them."""

    start_cs: int
    end_cs: int
    text: str


def utterances(turn: Turn) -> Iterator[Stretch]:
    """Cut and normalise a turn; pieces without words or without length are left out."""
    for tokens, start_sec, end_sec in cut_turn(turn):
        # Kaldi cuts the product down too: 8.04 * 100 is 803.99…, and the id says 0000803
        stretch = Stretch(int(start_sec * 100), int(end_sec * 100), normalise(tokens))
        if stretch.text and stretch.start_cs < stretch.end_cs:
            yield stretch


def cut_turn(turn: Turn) -> Iterator[tuple[list[Token], float, float]]:
    """Pieces of a turn: their tokens, start and end in seconds."""
    marks = [token for token in turn.tokens if token.text in OTHER_MARKS and token.time]
    piece: list[Token] = []
    begin_sec = turn.start_sec
    for token in turn.tokens:
        if token.text not in STOPS:
            piece.append(token)
            continue
        end_sec = float(token.time) if token.time else begin_sec
        yield from cut_piece(piece, begin_sec, end_sec, marks)
        piece, begin_sec = [], end_sec
    yield from cut_piece(piece, begin_sec, turn.end_sec, marks)


def cut_piece(
    tokens: list[Token], start_sec: float, end_sec: float, marks: list[Token]
) -> Iterator[tuple[list[Token], float, float]]:
    """Cut at commas until each part has at most 30 tokens, or no comma is left."""
    comma = None
    if len(tokens) > MAX_TOKENS:
        comma = middle_mark(marks, start_sec, end_sec)
    at = next((i for i, token in enumerate(tokens) if token is comma), None)
    if at is None or comma.text != ",":
        yield tokens, start_sec, end_sec
        return
    middle_sec = float(comma.time)
    yield from cut_piece(tokens[:at], start_sec, middle_sec, marks)
    yield from cut_piece(tokens[at + 1 :], middle_sec, end_sec, marks)


def middle_mark(marks: list[Token], start_sec: float, end_sec: float) -> Token | None:
    """The mark of the turn nearest to the middle of a stretch, if one lies strictly inside."""
    middle_sec = (start_sec + end_sec) / 2
    best, least_sec = None, abs(middle_sec - start_sec)
    for mark in sorted(marks, key=lambda mark: mark.time):  # as text: see above
        time_sec = float(mark.time)
        if time_sec == end_sec:
            break
        if time_sec != start_sec and abs(middle_sec - time_sec) < least_sec:
            best, least_sec = mark, abs(middle_sec - time_sec)
    return best


def normalise(tokens: list[Token]) -> str:
    """The words of a piece, by the rules above; empty where it has none.

    >>> normalise([Token(text, "") for text in ("Mm", "-", "hmm", ",", "T_V_s", "know.")])
    'MM-HMM T. V. S KNOW'
    """
    words = [token.text for token in tokens if token.text not in OTHER_MARKS]
    text = re.sub(r"[.,?!:-]", " ", " ".join(words).upper()).replace("_", ". ")
    text = " ".join(text.split())
    return text.replace("MM HMM", "MM-HMM").replace("UH HUH", "UH-HUH")
