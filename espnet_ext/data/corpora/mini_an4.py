"""mini_an4: seven real utterances of CMU's AN4 that every ESPnet installation carries.

SRC is a `downloads.tar.gz` as in ESPnet's egs3/mini_an4, or `-` for the installed one. It is
unpacked beside DST, under downloads/mini_an4; its NIST sphere files (16 kHz, mono) are read in
place.

    etc/an4_train.transcription           <s> MARCH THIRD NINETEEN TWENTY EIGHT </s> (cen8-fbbh-b)
    wav/an4_clstk/fbbh/cen8-fbbh-b.sph

Utterance ids begin with the speaker: fbbh-cen8-b.
"""

from __future__ import annotations

import argparse
import importlib.resources
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

import soundfile

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir

OBTAIN = "it comes with espnet 202611: give - for SRC"
SETS = {"train": "an4_clstk", "test": "an4test_clstk"}
LINE = re.compile(r"(?:<s> )?(?P<text>.+?)(?: </s>)? \((?P<utt>\w+)-(?P<spk>\w+)-(?P<take>\w+)\)")


def installed_archive() -> Path:
    """The archive in the installed espnet wheel; its package is not imported.

    Raises:
        UserError: espnet is not installed, or is one without mini_an4.
    """
    try:
        recipes = Path(str(importlib.resources.files("egs3")))
        archive = recipes / "mini_an4/esp2_asr/downloads.tar.gz"
    except ModuleNotFoundError:
        archive = None
    if archive is None or not archive.is_file():
        raise UserError("mini_an4: not in this Python's espnet; expected espnet 202611")
    return archive


def unpack(archive: Path, dst: Path) -> Path:
    """Unpack (0.4 MB, so each time anew), under a temporary name first; returns the folder `an4`.

    Raises:
        UserError: no such archive, or one that is damaged or holds something else.
    """
    dst.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dst.parent, prefix=".mini_an4.") as partial:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(partial, filter="data")
        except (OSError, EOFError, tarfile.TarError) as err:
            raise UserError(f"{archive}: cannot be unpacked ({err})") from None
        if not (Path(partial) / "downloads/an4/etc").is_dir():
            raise UserError(f"{archive}: expected downloads/an4/etc in it")
        shutil.rmtree(dst, ignore_errors=True)
        (Path(partial) / "downloads").rename(dst)
    return dst / "an4"


def read_set(an4: Path, name: str) -> list[Utterance]:
    """The utterances of `train` or `test`.

    Raises:
        UserError: a malformed transcription line, or one without its audio.
    """
    path = an4 / f"etc/an4_{name}.transcription"
    utts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = LINE.fullmatch(line.strip())
        if not found:
            raise UserError(f"{path}:{number}: {line!r}; expected `WORDS (utt-spk-take)`")
        speaker = found["spk"]
        wav = an4 / f"wav/{SETS[name]}/{speaker}/{found['utt']}-{speaker}-{found['take']}.sph"
        try:
            sound = soundfile.info(wav)
        except (OSError, soundfile.LibsndfileError):
            raise UserError(f"{wav}: cannot be read; named in {path}:{number}") from None
        utt = f"{speaker}-{found['utt']}-{found['take']}"
        utts.append(Utterance(utt, speaker, str(wav), sound.duration, found["text"]))
    return utts


def prepare(src: Path, dst: Path, options: argparse.Namespace | None = None) -> None:
    """Write DST/train (5 utterances) and DST/test (2).

    Raises:
        UserError: see `installed_archive`, `unpack` and `read_set`.
    """
    archive = installed_archive() if src == Path("-") else src
    an4 = unpack(archive, dst.parent / "downloads/mini_an4")
    for name in SETS:
        utts = read_set(an4, name)
        write_data_dir(dst / name, utts)
        minutes = sum(utt.dur_sec for utt in utts) / 60
        print(f"{dst / name}: {len(utts)} utterances, {minutes:.2f} minutes")
