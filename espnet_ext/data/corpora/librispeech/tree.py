"""LibriSpeech on disk: folders, speakers, and the utterances of a chapter."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.findings import Findings
from espnet_ext.data.headers import flac_header
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.walk import folders

SAMPLE_RATE = 16000
AGAIN = "fetch and unpack the archive again"
UTTERANCE = re.compile(r"\d+-\d+-\d+")

type Fault = tuple[str, str, str]  # kind, example, how to mend


@dataclass(frozen=True, slots=True)
class Chapter:
    """A folder of one reader and one chapter.

    `wanted`: these utterances alone. `whole`: each transcript must have its audio.
    """

    path: str
    speaker: str
    chapter: str
    wanted: frozenset[str] | None = None
    whole: bool = True


def chapters(folder: Path, whole: bool = True) -> Iterator[Chapter]:
    """SPEAKER/CHAPTER folders, in the order of utterance ids."""
    for speaker in folders(folder):
        for chapter in folders(folder / speaker):
            yield Chapter(f"{folder}/{speaker}/{chapter}", speaker, chapter, whole=whole)


def read_speakers(path: Path) -> dict[str, tuple[str, str]]:
    """SPEAKERS.TXT as speaker -> (gender in Kaldi's letters, subset).

    Raises:
        UserError: no such file, or a line of another form.
    """
    # ;ID  |SEX| SUBSET           |MINUTES| NAME
    # 14   | F | train-clean-360  | 25.03 | Kristin LeMoine
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", None) or "not UTF-8"
        raise UserError(f"{path}: {why}; it comes with every archive, {AGAIN}") from None
    table = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith(";"):
            continue
        columns = [column.strip() for column in line.split("|", 4)]
        if len(columns) != 5 or columns[1] not in ("F", "M"):
            raise UserError(f"{path}:{number}: {line!r}; expected `ID | SEX | SUBSET | MIN | NAME`")
        table[columns[0]] = (columns[1].lower(), columns[2])
    return table


def read_chapter(chapter: Chapter, plain: bool) -> tuple[list[Utterance], list[Fault]]:
    """The utterances of a chapter, in order, and what is wrong with it.

    Args:
        plain: speaker ids are those of SPEAKERS.TXT; else `speaker-chapter`, as in Kaldi.
    """
    faults: list[Fault] = []
    name = f"{chapter.speaker}-{chapter.chapter}"
    texts = _transcripts(f"{chapter.path}/{name}.trans.txt", faults)
    with os.scandir(chapter.path) as entries:
        audio = {entry.name[:-5] for entry in entries if entry.name.endswith(".flac")}
    if chapter.wanted is not None:
        texts = {utt: text for utt, text in texts.items() if utt in chapter.wanted}
        audio &= chapter.wanted
        texts |= dict.fromkeys(chapter.wanted - texts.keys() - audio)  # missed below
    if chapter.whole:
        faults += [
            ("transcripts without a FLAC file", f"{chapter.path}/{utt}.flac", AGAIN)
            for utt in sorted(texts.keys() - audio)
        ]
    utts = []
    for utt in sorted(audio):
        path = f"{chapter.path}/{utt}.flac"
        text = texts.get(utt)
        if not utt.startswith(name + "-") or not UTTERANCE.fullmatch(utt):
            faults.append(("FLAC files of another chapter", path, "move them to their folder"))
        elif text is None:
            faults.append(("FLAC files without a transcript", path, AGAIN))
        elif not any(map(str.isalpha, text)):
            faults.append(("transcripts without a word", f"{name}.trans.txt: {utt} {text}", AGAIN))
        else:
            sound = flac_header(path)
            if wrong := _wrong(sound):
                faults.append((wrong, sound.detail or path, AGAIN))
            speaker = chapter.speaker if plain else name
            utts.append(Utterance(utt, speaker, path, sound.frames / SAMPLE_RATE, text))
    return utts, faults


def _wrong(sound) -> str | None:
    if sound.fault:
        return {"audio_empty": "empty FLAC files"}.get(sound.fault, "unreadable FLAC files")
    if (sound.rate, sound.channels) != (SAMPLE_RATE, 1):
        return f"FLAC files that are not {SAMPLE_RATE} Hz mono"
    return None


def _transcripts(path: str, faults: list[Fault]) -> dict[str, str]:
    # 1089-134686-0000 HE HOPED THERE WOULD BE STEW FOR DINNER TURNIPS AND CARROTS AND …
    texts: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8") as lines:  # noqa: PTH123 (300,000 files, see probe)
            for line in lines:
                utt, _, text = line.strip().partition(" ")
                if utt in texts:
                    faults.append(("utterances with two transcripts", f"{path}: {utt}", AGAIN))
                texts[utt] = " ".join(text.upper().split())
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", None) or "not UTF-8"
        faults.append(("chapters without a readable transcript file", f"{path} ({why})", AGAIN))
    return texts


def check_speakers(
    root: Path,
    subsets: list[str],
    speakers: dict[str, tuple[str, str]],
    found: Findings,
    complete: bool,
) -> None:
    """Hold the speakers' folders of the subsets against SPEAKERS.TXT, and against each other.

    Args:
        complete: every speaker of a subset must be there.
    """
    place: dict[str, str] = {}
    for subset in subsets:
        here = set(folders(root / subset))
        for speaker in sorted(here):
            where = str(root / subset / speaker)
            if speaker in place:
                found.add(
                    "speakers in two subsets, so perhaps in training and test",
                    f"{where} is in {place[speaker]} too",
                    "remove the copy",
                )
            elif speakers.get(speaker, ("", ""))[1] != subset:
                listed = speakers[speaker][1] if speaker in speakers else "not listed"
                found.add(
                    "speakers that SPEAKERS.TXT has elsewhere",
                    f"{where} ({listed})",
                    "move them, or take the SPEAKERS.TXT of this corpus",
                )
            place[speaker] = subset
        listed = {speaker for speaker, (_, its) in speakers.items() if its == subset}
        if complete and listed - here:
            found.add(
                f"speakers of {subset} that are not there",
                root / subset / min(listed - here),
                f"{AGAIN}, or pass --complete false for a part of the corpus",
                count=len(listed - here),
            )
