"""Asterisk's prompts: a few of each voice as G.722, the English script, and lists of the sets."""

import gzip
from pathlib import Path

import av
import numpy as np

from corpora import run
from espnet_ext.data.corpora import asterisk

SCRIPT = """; Core Asterisk Sounds in English

hello: Hello there world.
goodbye: Goodbye there world.
thanks: Thank you, world.
weasels: Weasels there, world.
digits/500: 500
beep: [this is a simple beep tone]
lost: Never recorded.
"""
SPLITS = {"train": ["hello"], "dev": ["goodbye"], "test": ["thanks"], "test_open": ["weasels"]}


def lay_out(folder: Path) -> Path:
    """Make folder/{usr,splits}; the sounds are tones."""
    for voice, _ in asterisk.VOICES.values():
        for path in ("hello", "beep", "silence/1"):
            write_g722(folder / "usr/share/asterisk/sounds" / voice / f"{path}.g722")
    for path in ("goodbye", "thanks", "weasels", "digits/500"):
        write_g722(folder / f"usr/share/asterisk/sounds/en_US_f_Allison/{path}.g722")
    # empty in the release, too
    (folder / "usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU/is.g722").touch()
    script = folder / asterisk.TEXT
    script.parent.mkdir(parents=True)
    script.write_bytes(gzip.compress(SCRIPT.encode()))
    for name, paths in SPLITS.items():
        (folder / "splits").mkdir(exist_ok=True)
        (folder / "splits" / name).write_text("".join(f"en-allison-{p}\n" for p in paths))
    return folder


def arguments(src: Path, dst: Path) -> list[str]:
    """The lists, and where the decoded prompts go."""
    return ["--splits", str(src / "splits"), "--audio_dir", str(dst / "flac")]


def write_g722(path: Path, dur_sec: float = 1.0) -> None:
    """A tone with two short silent ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave_N = (8000 * np.sin(np.arange(int(16000 * dur_sec)) * 0.2)).astype(np.int16)
    with av.open(str(path), "w", format="g722") as out:
        stream = out.add_stream("g722", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave_N[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        out.mux([*stream.encode(frame), *stream.encode(None)])


if __name__ == "__main__":
    run(lay_out)
