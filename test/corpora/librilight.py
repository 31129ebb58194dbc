"""Libri-light: three readers in small, medium and large, a book each, recordings of 20 to 130 s."""

import json
from pathlib import Path

from corpora import run, speech, write_flac

BOOK = "sea_fairies_0812_librivox_64kb_mp3"
# subset, reader -> file name: seconds, stretches of voice
RECORDINGS = {
    ("small", "100"): {
        "01_baum_sea_fairies_64kb": (
            130.0,
            [[0.4, 12.32], [13.0, 21.6], [21.6, 70.0], [75.0, 129]],
        ),
        "02_baum_sea_fairies_64kb": (20.0, [[0.2, 1.0], [9.5, 19.9]]),
    },
    ("small", "1001"): {"chapter 1, part_a": (65.5, [[0.0, 3.0], [4.0, 65.4]])},
    ("medium", "10"): {"a_64kb": (99.9, [[0.5, 30.0], [31.0, 62.0], [63.0, 99.0]])},
    ("large", "9"): {"b_64kb": (40.25, []), "c_64kb": (35.0, [[1.0, 34.5]])},
}


def lay_out(folder: Path) -> Path:
    """Make folder/{small,medium,large}."""
    for first, ((subset, reader), files) in enumerate(RECORDINGS.items()):
        for name, (dur_sec, voice) in files.items():
            path = folder / subset / reader / BOOK / f"{name}.flac"
            write_flac(path, speech(dur_sec, first))
            note = {
                "speaker": reader,
                "book_meta": {"id": "319", "title": "The Sea Fairies", "genre": ["Literature"]},
                "snr": 5.391,
                "voice_activity": voice,
            }
            path.with_suffix(".json").write_text(json.dumps(note))
    return folder


if __name__ == "__main__":
    run(lay_out)
