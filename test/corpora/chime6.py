"""CHiME-6: a party for each set, four guests, worn and array microphones, enhanced utterances."""

import json
from pathlib import Path

import numpy as np
import soundfile

from corpora import RATE, clip, run

SESSIONS = {  # session: (set, guests)
    "S03": ("train", ("P09", "P10", "P11", "P12")),
    "S02": ("dev", ("P05", "P06", "P07", "P08")),
    "S01": ("eval", ("P01", "P02", "P03", "P04")),
}
UTTERANCES = 5  # of each guest
HUNDREDTH = RATE // 100  # samples; times have two decimals
ARRAYS, CHANNELS = ("U01", "U02"), 4


def lay_out(folder: Path) -> Path:
    """Make folder/CHiME6/{audio,transcriptions} and folder/enhanced."""
    root, number = folder / "CHiME6", 0
    for session, (name, guests) in SESSIONS.items():
        entries, at_cs = [], 100
        worn: dict[str, list[tuple[int, np.ndarray]]] = {guest: [] for guest in guests}
        for turn in range(UTTERANCES):
            for guest in guests:
                text, samples_N = clip(number)
                end_cs = at_cs + len(samples_N) // HUNDREDTH
                entry = {
                    "end_time": hms(end_cs),
                    "start_time": hms(at_cs),
                    "words": spoken(text, number),
                    "speaker": guest,
                    "session_id": session,
                }
                if name != "train":
                    entry |= {
                        "ref": ARRAYS[number % 2],
                        "location": ("kitchen", "living")[turn % 2],
                    }
                entries.append(entry)
                worn[guest].append((at_cs, samples_N))
                path = (
                    folder / f"enhanced/audio/{name}/{guest}_{session}-{at_cs:07d}-{end_cs:07d}.wav"
                )
                write_wav(path, samples_N[: (end_cs - at_cs) * HUNDREDTH])
                number += 1
                at_cs = end_cs - 25  # guests interrupt each other
        path = root / f"transcriptions/{name}/{session}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries, indent=4))
        write_audio(root / "audio" / name, session, worn, at_cs + 200)
    return folder


def spoken(text: str, number: int) -> str:
    """The words as CHiME-6's transcribers write, with events here and there."""
    before = ("", "[laughs] ", "[noise] ")[number % 3]
    after = "" if number % 4 else " [inaudible 0:00:01.50]"
    return f"{before}{text.capitalize()}, mhm.{after}"


def hms(time_cs: int) -> str:
    """125 -> 0:00:01.25"""
    return f"0:{time_cs // 6000:02d}:{time_cs % 6000 / 100:05.2f}"


def write_audio(
    folder: Path, session: str, worn: dict[str, list[tuple[int, np.ndarray]]], dur_cs: int
) -> None:
    """Two channels for each guest, the right one softer, and arrays of four that hear everybody."""
    room_N = np.zeros(dur_cs * HUNDREDTH, np.int32)
    for guest, said in worn.items():
        own_N = np.zeros_like(room_N)
        for at_cs, samples_N in said:
            start = at_cs * HUNDREDTH
            own_N[start : start + len(samples_N)] += samples_N
        room_N += own_N
        write_wav(folder / f"{session}_{guest}.wav", np.stack([own_N, own_N // 2], axis=1))
    for array in ARRAYS:
        for channel in range(1, CHANNELS + 1):
            write_wav(folder / f"{session}_{array}.CH{channel}.wav", room_N // (2 + channel))


def write_wav(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(samples, -32768, 32767).astype(np.int16), RATE, format="WAV")


if __name__ == "__main__":
    run(lay_out)
