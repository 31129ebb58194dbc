"""AMI: a meeting for each set, four people, NXT annotation 1.6.2 and the mirror's audio tree."""

import re
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import soundfile

from corpora import RATE, clip, run

ANNOTATION = "ami_public_manual_1.6.2"
# meeting: agent -> (headset, name that is the same in all meetings)
MEETINGS = {
    "ES2002a": {"A": (1, "MEE006"), "B": (0, "FEE005"), "C": (2, "MEE007"), "D": (3, "MEE008")},
    "ES2011a": {"A": (0, "FEE041"), "B": (1, "FEE042"), "C": (2, "MEE043"), "D": (3, "FEE044")},
    "IS1009a": {"A": (0, "FIE088"), "B": (1, "FIE037"), "C": (2, "FIO087"), "D": (3, "FIO089")},
}
TURNS = 3  # of each speaker; two sentences in each, with a laugh between them
MICROPHONES = 8
HEAD = '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>\n'
ROOT = 'xmlns:nite="http://nite.sourceforge.net/"'


def lay_out(folder: Path) -> Path:
    """Make folder/ami_public_manual_1.6.2 and folder/amicorpus."""
    number = 0
    for meeting, speakers in MEETINGS.items():
        sounds: dict[int, list[tuple[float, np.ndarray]]] = {n: [] for n, _ in speakers.values()}
        begin_sec = 0.5
        elements: dict[str, list[list[str]]] = {agent: [] for agent in speakers}
        for _ in range(TURNS):
            for agent, (headset, _) in speakers.items():
                turn = []
                at_sec = begin_sec
                for sentence in range(2):
                    text, samples_N = clip(number)
                    number += 1
                    sounds[headset].append((at_sec, samples_N))
                    turn += sentence_elements(text, at_sec, at_sec + len(samples_N) / RATE)
                    at_sec += len(samples_N) / RATE
                    if sentence == 0:
                        turn.append(element("vocalsound", at_sec, at_sec + 0.2, 'type="laugh"'))
                        at_sec += 0.2
                elements[agent].append(turn)
                begin_sec = at_sec - 0.3  # the next one is quick: their headsets overlap
        write_annotation(folder / ANNOTATION, meeting, elements)
        write_audio(folder / f"amicorpus/{meeting}/audio", meeting, sounds, begin_sec + 1)
    write_meetings(folder / ANNOTATION / "corpusResources/meetings.xml")
    return folder


def element(tag: str, start_sec: float, end_sec: float, more: str = "", text: str = "") -> str:
    """One line of a words file, but for its id."""
    times = f'starttime="{start_sec:.3f}" endtime="{end_sec:.3f}"'
    return f"{tag} @ID@ {times} {more}|{escape(text)}"


def sentence_elements(text: str, start_sec: float, end_sec: float) -> list[str]:
    """Its words, at equal lengths, and a full stop of none."""
    words = text.capitalize().split()
    step_sec = (end_sec - start_sec) / len(words)
    found = [
        element("w", start_sec + i * step_sec, start_sec + (i + 1) * step_sec, "", word)
        for i, word in enumerate(words)
    ]
    return [*found, element("w", end_sec, end_sec, 'punc="true"', ".")]


def write_annotation(root: Path, meeting: str, elements: dict[str, list[list[str]]]) -> None:
    """words/ and segments/ of one meeting, from each speaker's turns.

    The transcribers' times are a little wider than the words, as in the release.
    """
    for folder in ("words", "segments", "corpusResources"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for agent, turns in elements.items():
        words, segments, count = [], [], 0
        for turn in turns:
            first = count
            for item in turn:
                head, text = item.split("|")
                tag = head.split()[0]
                head = head.replace("@ID@", f'nite:id="{meeting}.{agent}.words{count}"').strip()
                words.append(f"   <{head}>{text}</{tag}>" if text else f"   <{head}/>")
                count += 1
            times = [float(time) for time in re.findall(r'time="([\d.]+)"', " ".join(turn))]
            ids = f"id({meeting}.{agent}.words{first})..id({meeting}.{agent}.words{count - 1})"
            segments.append(
                f'   <segment nite:id="{meeting}.sync.{agent}{first}" channel="0" '
                f'transcriber_start="{min(times) - 0.1:.3f}" '
                f'transcriber_end="{max(times) + 0.1:.3f}">\n'
                f'      <nite:child href="{meeting}.{agent}.words.xml#{ids}"/>\n   </segment>'
            )
        for kind, lines in (("words", words), ("segments", segments)):
            head = f'{HEAD}<nite:root nite:id="{meeting}.{agent}.{kind}" {ROOT}>'
            text = "\n".join([head, *lines, "</nite:root>\n"])
            path = root / kind / f"{meeting}.{agent}.{kind}.xml"
            path.write_text(text, encoding="iso-8859-1")


def write_meetings(path: Path) -> None:
    """Who sits where."""
    lines = []
    for meeting, speakers in MEETINGS.items():
        lines.append(f'   <meeting observation="{meeting}" duration="60">')
        lines += [
            f'      <speaker nxt_agent="{agent}" channel="{headset}" global_name="{name}"/>'
            for agent, (headset, name) in speakers.items()
        ]
        lines.append("   </meeting>")
    body = "\n".join(lines)
    path.write_text(f'{HEAD}<nite:root nite:id="meet" {ROOT}>\n{body}\n</nite:root>\n')


def write_audio(
    folder: Path, meeting: str, sounds: dict[int, list[tuple[float, np.ndarray]]], dur_sec: float
) -> None:
    """A headset for each speaker, and microphones that hear all of them, more and more softly."""
    folder.mkdir(parents=True)
    room_N = np.zeros(round(dur_sec * RATE), np.int32)
    for headset, said in sounds.items():
        own_N = np.zeros_like(room_N)
        for at_sec, samples_N in said:
            start = round(at_sec * RATE)
            own_N[start : start + len(samples_N)] += samples_N
        room_N += own_N
        write_wav(folder / f"{meeting}.Headset-{headset}.wav", own_N)
    for microphone in range(1, MICROPHONES + 1):
        write_wav(folder / f"{meeting}.Array1-{microphone:02d}.wav", room_N // (2 + microphone))


def write_wav(path: Path, samples_N: np.ndarray) -> None:
    samples_N = np.clip(samples_N, -32768, 32767).astype(np.int16)
    soundfile.write(path, samples_N, RATE, format="WAV", subtype="PCM_16")


if __name__ == "__main__":
    run(lay_out)
