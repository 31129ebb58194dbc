"""CHiME-6's transcripts: one JSON file a session.

    {"session_id": "S02", "speaker": "P05", "start_time": "0:00:40.60", "end_time": "0:00:41.92",
     "words": "[laughs] It's the blue, I think.", "ref": "U02", "location": "kitchen"}

`ref`, the array nearest to the speaker, and `location` are in dev and eval. Times are H:MM:SS.ss,
seconds (the forced alignment) or, in CHiME-5, one for each device: {"original": …, "U01": …, "P05":
…}. CHiME-5's arrays are not synchronised: its times of another device would be off by seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from espnet_ext.data.findings import Findings
from espnet_ext.data.meetings import Notes

TIME = re.compile(r"(?:(\d+):(\d+):)?(\d+(?:\.\d*)?)")
NO_LOCATION = "NOLOCATION"
NAME = re.compile(r"[A-Za-z0-9]+")  # parts of utterance ids
MEND = "fetch the transcriptions again"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance. Times in hundredths of a second, cut down, as Kaldi's ids have them."""

    session: str
    speaker: str
    start_cs: int
    end_cs: int
    words: str
    location: str
    ref: str | None


def hundredths(time: Any, device: str) -> int:
    """`0:01:10.05`, `70.05` or a time for each device -> 7005.

    Raises:
        ValueError: another format, or a dict without this device.
    """
    if isinstance(time, dict):
        if device not in time:
            raise ValueError(f"no time of {device}")
        time = time[device]
    found = TIME.fullmatch(str(time))
    if not found:
        raise ValueError(f"{time!r}, expected H:MM:SS.ss")
    hours, minutes, seconds = found.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60
    return int((whole + Decimal(seconds)) * 100)


def read_session(path: Path, mic: str, findings: Findings, notes: Notes) -> Iterator[Spoken]:
    """The utterances of a session that have a transcript and a length.

    Args:
        mic: `worn`, `gss`, `ref` or an array such as `u02`: whose times count, where each device
            has its own.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        findings.add("transcripts that are not there", f"{path} ({err.strerror})", MEND)
        return
    except (ValueError, RecursionError) as err:
        findings.add("damaged transcripts", f"{path} ({err})", MEND)
        return
    if not isinstance(entries, list) or not entries:
        findings.add("damaged transcripts", f"{path} (no list of utterances)", MEND)
        return
    for number, entry in enumerate(entries):
        where = f"{path} utterance {number}"
        try:
            if isinstance(entry["start_time"], dict):
                notes.add("times for each device: CHiME-5's, whose arrays are not in step", where)
            spoken = make_spoken(entry, mic)
        except (KeyError, TypeError, ValueError) as err:
            what = f"{where} ({type(err).__name__}: {err})"
            findings.add("utterances that cannot be read", what, MEND)
            continue
        if spoken.session != path.stem:
            findings.add("utterances of another session", f"{where}, {spoken.session}", MEND)
        elif "[redacted]" in spoken.words:
            notes.add("left out: [redacted]", where)
        elif spoken.end_cs <= spoken.start_cs:
            notes.add("left out: no length, or an end before the start", where)
        else:
            yield spoken


def make_spoken(entry: dict[str, Any], mic: str) -> Spoken:
    """One entry of the list.

    Raises:
        KeyError, TypeError, ValueError: it lacks something, or has a malformed time.
    """
    ref, location = entry.get("ref"), entry.get("location", NO_LOCATION)
    for value in (entry["speaker"], location, ref or NO_LOCATION):
        if not NAME.fullmatch(value):
            raise ValueError(f"{value!r}, expected letters and digits")
    if not isinstance(entry["words"], str):
        raise TypeError(f"words are {entry['words']!r}")
    device = {"worn": "original", "gss": "original", "ref": ref}.get(mic, mic.upper())
    return Spoken(
        entry["session_id"],
        entry["speaker"],
        hundredths(entry["start_time"], device),
        hundredths(entry["end_time"], device),
        entry["words"],
        location.upper(),
        ref,
    )
