"""Real speech, laid out as the corpora lie on disk: a few speakers, seconds, their exact format.

One file per corpus, with `lay_out(folder)`; the shell tests run it as a program:

    PYTHONPATH=test python -m corpora.librispeech FOLDER

The speech and its texts are mini_an4's, seven utterances of CMU's AN4 (16 kHz) that every ESPnet
installation carries.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from espnet_ext.data.corpora.mini_an4 import LINE, installed_archive

RATE = 16000


@cache
def clips() -> list[tuple[str, np.ndarray]]:
    """(text, int16 samples_N) of each utterance, in the order of their names."""
    texts, sounds = {}, {}
    with tarfile.open(installed_archive()) as packed:
        for member in packed:
            if member.name.endswith(".sph"):
                raw = io.BytesIO(packed.extractfile(member).read())
                sounds[Path(member.name).stem] = soundfile.read(raw, dtype="int16")[0]
            elif member.name.endswith(".transcription"):
                for line in packed.extractfile(member).read().decode().splitlines():
                    found = LINE.fullmatch(line.strip())
                    name = f"{found['utt']}-{found['spk']}-{found['take']}"
                    texts[name] = re.sub(r"[^A-Z' ]", "", found["text"])
    return [(texts[name], sounds[name]) for name in sorted(texts)]


def clip(number: int) -> tuple[str, np.ndarray]:
    """Clip `number`, counting round and round."""
    return clips()[number % len(clips())]


def speech(dur_sec: float, first: int = 0) -> np.ndarray:
    """int16 samples_N of clips one after another, from clip `first` on, cut at `dur_sec`."""
    wanted, parts = round(dur_sec * RATE), []
    while sum(map(len, parts)) < wanted:
        parts.append(clip(first + len(parts))[1])
    return np.concatenate([*parts, np.zeros(0, np.int16)])[:wanted]


def write_flac(path: Path, samples_N: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples_N, RATE, format="FLAC", subtype="PCM_16")


def run(lay_out: Callable[[Path], object]) -> None:
    """`python -m corpora.NAME FOLDER`."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    lay_out(Path(sys.argv[1]))


def copy_to_damage(laid_out: Path, to: Path) -> Path:
    """A copy of a layout; its audio is linked, not copied."""
    for path in sorted(laid_out.rglob("*")):
        new = to / path.relative_to(laid_out)
        if path.is_dir():
            new.mkdir(parents=True)
        elif path.suffix in (".wav", ".flac"):
            os.link(path, new)
        else:
            new.write_bytes(path.read_bytes())
    return to
