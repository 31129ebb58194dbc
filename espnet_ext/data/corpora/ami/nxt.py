"""NXT, the format of AMI's annotation: who sat where, the words with their times, and the turns.

    corpusResources/meetings.xml
        <meeting observation="ES2011a"><speaker nxt_agent="A" channel="0" global_name="FEE041"/>…
    words/ES2011a.A.words.xml
        <w nite:id="ES2011a.A.words2" starttime="34.56" endtime="37.14">go</w>
        <w nite:id="ES2011a.A.words3" starttime="37.14" endtime="37.14" punc="true">.</w>
    segments/ES2011a.A.segments.xml
        <segment nite:id="ES2011a.sync.4" transcriber_start="33.802" transcriber_end="44.656">
        <nite:child href="ES2011a.A.words.xml#id(ES2011a.A.words0)..id(ES2011a.A.words18)"/>

A turn is what NXT calls a segment: a stretch of words, laughs, coughs and gaps of one speaker. As
in NXT it begins with the earliest and ends with the latest time among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from xml.parsers import expat

from espnet_ext.config import UserError
from espnet_ext.data.findings import Findings
from espnet_ext.data.meetings import Notes

NITE_ID = "nite:id"
RANGE = re.compile(r"(?P<file>[^#]+)#id\((?P<first>[^)]+)\)(?:\.\.id\((?P<last>[^)]+)\))?")
NOT_WORDS = {  # other elements of the words layer; all of them may bound a turn
    "vocalsound": "laughs, coughs and the like",
    "nonvocalsound": "noises",
    "disfmarker": "disfluencies",
    "gap": "what could not be understood",
    "transformerror": "errors of the transcription tool",
}


@dataclass(slots=True)
class Element:
    """One XML element, with its text and what it holds."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a punctuation mark. `time` is the text of its start, empty where it has none."""

    text: str
    time: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """Where somebody sat: the headset's number, and the name that is the same in every meeting."""

    channel: int
    name: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The words and punctuation marks of one turn, and the time it takes."""

    tokens: list[Token]
    start_sec: float
    end_sec: float


def read_xml(path: Path) -> Element:
    """The root of an XML file, in plain memory: a document type, and so any entity, is refused.

    Raises:
        UserError: no such file, one that is cut off or malformed, or one with a document type.
    """
    top = Element("", {})
    open_elements = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def text(data: str) -> None:
        open_elements[-1].text += data

    def refuse(*_: object) -> None:
        raise UserError(
            f"{path}: declares a document type; AMI's files have none, so it is refused"
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; unpack the annotation again") from None
    except expat.ExpatError as err:
        raise UserError(
            f"{path}: not whole or no XML ({err}); unpack the annotation again"
        ) from None
    return top.children[0]


def read_speakers(annotation: Path) -> dict[str, dict[str, Speaker]]:
    """Meeting -> agent (A to E) -> speaker, from corpusResources/meetings.xml.

    Raises:
        UserError: unreadable, or a speaker without channel or name.
    """
    path = annotation / "corpusResources/meetings.xml"
    meetings: dict[str, dict[str, Speaker]] = {}
    for meeting in read_xml(path).children:
        agents = meetings.setdefault(meeting.attributes.get("observation", ""), {})
        for speaker in meeting.children:
            try:
                agents[speaker.attributes["nxt_agent"]] = Speaker(
                    int(speaker.attributes["channel"]), speaker.attributes["global_name"]
                )
            except (KeyError, ValueError) as err:
                raise UserError(f"{path}: {speaker.attributes}: no {err}; expected AMI's") from None
    return meetings


def read_turns(
    annotation: Path, meeting: str, agent: str, findings: Findings, notes: Notes
) -> Iterator[Turn]:
    """The turns of one speaker that have words, in file order.

    Faults go to `findings`; what the release is known to have, words without times for example, is
    counted in `notes`.
    """
    words_path = annotation / f"words/{meeting}.{agent}.words.xml"
    segments_path = annotation / f"segments/{meeting}.{agent}.segments.xml"
    try:
        elements = read_xml(words_path).children
        segments = read_xml(segments_path).children
    except UserError as err:
        kind, _, mend = str(err).partition(": ")[2].partition("; ")
        findings.add(f"annotation files: {kind}", str(err).partition(": ")[0], mend)
        return
    place = {element.attributes.get(NITE_ID, ""): at for at, element in enumerate(elements)}
    count_elements(elements, words_path, notes)
    for segment in segments:
        child = segment.children[0] if segment.children else segment
        found = RANGE.fullmatch(child.attributes.get("href", ""))
        first = place.get(found["first"], -1) if found else -1
        last = place.get(found["last"] or found["first"], -1) if found else -1
        if first < 0 or last < first:
            where = f"{segments_path} {segment.attributes.get(NITE_ID)}"
            findings.add("segments that point at no words", where, "unpack the annotation again")
            continue
        where = f"{words_path} {found['first']}"
        turn = make_turn(elements[first : last + 1], where, findings, notes)
        if turn and turn.start_sec < 0:
            findings.add("turns that begin before 0", where, "unpack the annotation again")
        elif turn and turn.end_sec <= turn.start_sec:
            notes.add("left out: turns without a length, or that end before they begin", where)
        elif turn:
            yield turn


def count_elements(elements: list[Element], path: Path, notes: Notes) -> None:
    """Note what is no word, and words without times."""
    for element in elements:
        where = f"{path} {element.attributes.get(NITE_ID)}"
        if element.tag == "w":
            if "starttime" not in element.attributes or "endtime" not in element.attributes:
                notes.add("words without a time, which stay in their turn", where)
        elif element.tag in NOT_WORDS:
            notes.add(f"{element.tag}: {NOT_WORDS[element.tag]}, no part of the text", where)
        else:
            notes.add(f"unknown element <{element.tag}>, no part of the text", where)


def make_turn(elements: list[Element], where: str, findings: Findings, notes: Notes) -> Turn | None:
    """Join elements to a turn; None where no word among them, or no time, is known.

    A word or mark without a time takes the end of what came before: Kaldi leaves out a turn whose
    marks are not all timed.
    """
    starts, ends, tokens = [], [], []
    before = ""
    for element in elements:
        start, end = (element.attributes.get(name, "") for name in ("starttime", "endtime"))
        try:
            starts += [seconds(start)] if start else []
            ends += [seconds(end)] if end else []
        except ValueError:
            findings.add("times that are no numbers", where, "unpack the annotation again")
            return None
        if element.tag == "w":
            tokens += [Token(text, start or before) for text in element.text.split()]
        before = end or start or before
    if not tokens:
        return None
    if not starts or not ends:
        notes.add("left out: turns in which nothing has a time", where)
        return None
    return Turn(tokens, min(starts), max(ends))


def seconds(time: str) -> float:
    """Raises ValueError for what is no time: `soon`, `nan`, `inf`."""
    if not isfinite(time_sec := float(time)):
        raise ValueError(time)
    return time_sec
