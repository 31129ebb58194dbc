"""From CHiME-6's transcripts and file names to utterances."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.corpora.chime6.sessions import ABSENT_ARRAYS, BAD_WORN, CHIME7_EVAL, SETS
from espnet_ext.data.corpora.chime6.text import PLACEHOLDER, normalise
from espnet_ext.data.corpora.chime6.transcripts import Spoken, read_session
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes, find_enhanced

ENHANCED = re.compile(  # of Kaldi's recipe and of the package gss
    r"(?:(?P<speaker>P\d+)_(?P<session>S\d+)-(?P<start>\d+)-(?P<end>\d+)"
    r"|(?P<session2>S\d+)-(?P<speaker2>P\d+)-(?P<start2>\d+)_(?P<end2>\d+))\.(?:wav|flac)"
)


@dataclass
class Set:
    """One set: its sessions, their utterances, and what the tables beside them say."""

    sessions: list[str]
    utts: list[Utterance] = field(default_factory=list)
    session_of: dict[str, str] = field(default_factory=dict)
    location_of: dict[str, str] = field(default_factory=dict)
    kept: int = 0  # utterances with or without a word
    withheld: bool = False  # whether words are placeholders
    words: Counter[tuple[str, str]] = field(default_factory=Counter)  # by session and location


class Reader:
    """Reads the sets one after another; faults and remarks go to `findings` and `notes`."""

    def __init__(self, root: Path, options: argparse.Namespace, findings: Findings, notes: Notes):
        self.root, self.options, self.findings, self.notes = root, options, findings, notes
        self.channels = options.channels.split(",")
        self.enhanced: dict[str, Path] = {}
        if options.mic == "gss" and options.enhanced and not options.annotation_only:
            such_as = "P05_S02-0004060-0004192.wav"
            self.enhanced = find_enhanced(
                options.enhanced, ENHANCED, enhanced_id, such_as, findings
            )

    def read(self, name: str) -> Set:
        """All utterances of a set, or of its first session there where the size is smoke."""
        folder = self.root / "transcriptions" / name
        there = {path.stem for path in folder.glob("S*.json")}
        for session in sorted(there - set(SETS[name])):
            kind = f"sessions that are not CHiME-6's {name}"
            if name == "eval" and session in CHIME7_EVAL:
                kind = "sessions that CHiME-7's split has in eval, and CHiME-6's in train"
            self.findings.add(kind, folder / f"{session}.json", "put them where CHiME-6 has them")
        sessions = SETS[name]
        if self.options.size == "smoke" or not self.options.complete:
            absent = [session for session in sessions if session not in there]
            sessions = [session for session in sessions if session in there]
            if not sessions:
                raise UserError(f"{folder}: no session of {name}, such as {absent[0]}.json")
            if absent and self.options.size == "full":
                self.notes.add(f"sessions of {name} that are not there", absent[0], len(absent))
        wanted = Set(sessions[:1] if self.options.size == "smoke" else sessions)
        for session in wanted.sessions:
            path = folder / f"{session}.json"
            for spoken in read_session(path, self.options.mic, self.findings, self.notes):
                self.add(name, wanted, spoken)
        return wanted

    def add(self, name: str, wanted: Set, spoken: Spoken) -> None:
        """Make the utterances of what was spoken, one for each channel."""
        options = self.options
        scored = normalise(spoken.words)
        count = len(scored.split())
        if spoken.words == PLACEHOLDER:
            wanted.withheld, count = True, 0
            where = f"{spoken.session} {spoken.speaker} {spoken.start_cs:07d}"
            if options.annotation_only:
                self.notes.add("words withheld by the release: 'placeholder'", where)
            else:
                mend = "use the challenge's transcriptions, or pass --annotation_only true"
                self.findings.add("utterances whose words are withheld", where, mend)
        wanted.kept += 1
        wanted.words[spoken.session, spoken.location] += count
        text = normalise(spoken.words, events=True) if options.events == "keep" else scored
        if not text:
            where = f"{spoken.speaker}_{spoken.session}-{spoken.start_cs:07d}: {spoken.words}"
            self.notes.add("left out: no word beside [events]", where)
            return
        if options.case == "upper":
            text = text.upper()
        for utt in self.utterances(name, spoken, text):
            if utt.utt in wanted.session_of:
                self.findings.add("utterances with the same id", utt.utt, "keep one of them")
                continue
            wanted.utts.append(utt)
            wanted.session_of[utt.utt] = spoken.session
            wanted.location_of[utt.utt] = spoken.location

    def utterances(self, name: str, spoken: Spoken, text: str) -> Iterator[Utterance]:
        """With the ids of Kaldi's recipe."""
        times = f"{spoken.start_cs:07d}-{spoken.end_cs:07d}"
        who, session = spoken.speaker, spoken.session
        start_sec, end_sec = spoken.start_cs / 100, spoken.end_cs / 100
        dur_sec = (spoken.end_cs - spoken.start_cs) / 100
        mic, audio = self.options.mic, self.root / "audio" / name
        if mic == "gss":
            yield from self.enhanced_utterance(f"{who}_{session}-{times}", spoken, text)
            return
        if mic == "worn" and name == "train" and (session, who) in BAD_WORN:
            self.notes.add("left out: microphones that Kaldi leaves out too", f"{who}_{session}")
            return
        if mic == "ref" and not spoken.ref:
            mend = "train has none; choose an array, such as --mic u02"
            self.findings.add("utterances without a reference array", f"{session} {times}", mend)
            return
        array = spoken.ref if mic == "ref" else mic.upper()
        if (session, array) in ABSENT_ARRAYS:
            self.notes.add("left out: arrays that were never recorded", f"{session}_{array}")
            return
        for channel in self.channels:
            if mic == "worn":
                side = "LR"[int(channel) - 1]
                recording, wav = f"{who}_{session}.{side}", audio / f"{session}_{who}.wav"
                utt = f"{who}_{session}_{spoken.location}.{side}-{times}"
                wav = f"{wav}#channel={channel}"
            else:
                recording = f"{session}_{array}.CH{channel}"
                wav = str(audio / f"{recording}.wav")
                utt = f"{who}_{session}_{array}_{spoken.location}.CH{channel}-{times}"
            yield Utterance(utt, who, wav, dur_sec, text, recording, start_sec, end_sec)

    def enhanced_utterance(self, utt: str, spoken: Spoken, text: str) -> Iterator[Utterance]:
        """A file of its own; as a stretch of its session where no audio is wanted."""
        start_sec, end_sec = spoken.start_cs / 100, spoken.end_cs / 100
        whole = Utterance(
            utt, spoken.speaker, "", end_sec - start_sec, text, spoken.session, start_sec, end_sec
        )
        if self.options.annotation_only:
            yield whole
        elif utt in self.enhanced:
            wav = str(self.enhanced[utt])
            yield replace(whole, wav=wav, recording=None, start_sec=None, end_sec=None)
        elif self.options.complete and self.options.size == "full":
            self.findings.add("utterances that are not enhanced", utt, "or pass --complete false")
        else:
            self.notes.add("left out: utterances that are not enhanced", utt)


def enhanced_id(name: re.Match[str]) -> str:
    """P05_S02-0004060-0004192 of either kind of file name."""
    speaker, session, start, end = (
        name[key] or name[f"{key}2"] for key in ("speaker", "session", "start", "end")
    )
    return f"{speaker}_{session}-{int(start):07d}-{int(end):07d}"
