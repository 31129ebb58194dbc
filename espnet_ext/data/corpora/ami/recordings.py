"""Which files AMI's mirror has for a meeting, and where those of a microphone lie."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.corpora.ami.nxt import Speaker
from espnet_ext.data.corpora.ami.splits import FIVE_HEADSETS, LOST_ARRAYS
from espnet_ext.data.findings import Findings
from espnet_ext.data.headers import Sound
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes, find_enhanced

CHANNELS = range(1, 9)  # of Array1
# IS1009a.wav, IS1009a_MDM8.wav
ENHANCED = re.compile(r"(?P<meeting>[A-Z]{2}\d{4}[a-z]?)(_[A-Za-z]+\d*)?\.(wav|flac)")


def mirror_files(meeting: str, mic: str) -> list[str]:
    """Names of a meeting's recordings on the mirror: its headsets, or one array's microphones."""
    if mic == "ihm":
        return [f"{meeting}.Headset-{n}.wav" for n in range(4 + (meeting in FIVE_HEADSETS))]
    channels = CHANNELS if mic == "mdm" else CHANNELS[:1]
    return [f"{meeting}.Array1-{n:02d}.wav" for n in channels if meeting not in LOST_ARRAYS]


def first_channels(
    utts: list[Utterance], sounds: dict[str, Sound], notes: Notes
) -> list[Utterance]:
    """Read one channel where a file has several: Kaldi picks one, lhotse leaves the meeting out."""
    several = {utt.wav for utt in utts if sounds[utt.wav].channels > 1}
    for wav in sorted(several):
        notes.add("recordings of several channels, of which the first is read", wav)
    return [replace(u, wav=f"{u.wav}#channel=1") if u.wav in several else u for u in utts]


class Recordings:
    """Where each meeting's audio is, whether it exists or not.

    Args:
        mic: ihm, sdm or mdm.
        enhanced: for mdm, a folder with one file a meeting.
        wanted: False where only the annotation is to be read.

    Raises:
        UserError: `src` has no audio tree, or `enhanced` has no file of a meeting.
    """

    def __init__(
        self, src: Path, mic: str, enhanced: Path | None, wanted: bool, findings: Findings
    ):
        self.mic, self.wanted = mic, wanted
        self.tree = src / "amicorpus"
        self.enhanced: dict[str, Path] = {}
        if enhanced:
            self.enhanced = find_enhanced(
                enhanced, ENHANCED, lambda name: name["meeting"], "IS1009a_MDM8.wav", findings
            )
        needs_tree = mic != "mdm" or not enhanced
        if wanted and needs_tree and not self.tree.is_dir():
            raise UserError(
                f"{self.tree}: no such folder; expected amicorpus/ES2011a/audio/… under SRC, or "
                "pass --annotation_only true"
            )

    def path(self, meeting: str, speaker: Speaker) -> Path:
        """The file that an utterance of this speaker is cut from."""
        if self.mic == "mdm":
            return self.enhanced.get(meeting, Path(f"{meeting}_MDM8.wav"))
        name = f"{meeting}.Headset-{speaker.channel}.wav"
        if self.mic == "sdm":
            name = f"{meeting}.Array1-01.wav"
        return self.tree / meeting / "audio" / name

    def label(self, speaker: Speaker) -> str:
        """H00 to H04, SDM or MDM: the second part of Kaldi's recording ids."""
        return f"H{speaker.channel:02d}" if self.mic == "ihm" else self.mic.upper()

    def array(self, meeting: str) -> list[Path]:
        """The microphones to enhance."""
        return [self.tree / meeting / "audio" / name for name in mirror_files(meeting, "mdm")]

    def are_there(self, meeting: str, speakers: dict[str, Speaker]) -> bool:
        """Whether every file that this meeting's utterances need exists; True if none is wanted."""
        if not self.wanted:
            return True
        if self.mic == "mdm" and not self.enhanced:
            return all(path.is_file() for path in self.array(meeting))
        return all(self.path(meeting, speaker).is_file() for speaker in speakers.values())
