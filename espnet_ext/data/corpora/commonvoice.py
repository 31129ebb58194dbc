"""Common Voice: sentences that volunteers read and others checked; CC0. English by default.

SRC is the folder of a language, or of a release; the tables are separated by tabs, without quoting:

    en/clips/common_voice_en_10000.mp3
    en/validated.tsv
                client_id  path                      sentence                up_votes  down_votes  …
                0f01…      common_voice_en_10000.mp3  It's a well-known fact.  2         0         …

Sets (--sets, in quotes): train, dev and test are the makers' tables, with one recording of a
sentence. train_validated is all of validated.tsv but the speakers of dev and test. Clips are read
in place, brought to 16 kHz.

Utterance 0f01…-common_voice_en_10000: 16 of the 128 digits of the speaker's id, and the clip.
English is normalised by `espnet_ext/data/english.py`; sentences with digits or other alphabets are
left out of training, in dev and test they stay. Other languages keep their sentences as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import soundfile

from espnet_ext.config import UserError
from espnet_ext.data.english import is_spelt_out, normalise
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes
from espnet_ext.data.walk import in_order

OBTAIN = (
    "its makers ask for consent first: fetch it from commonvoice.mozilla.org and unpack it, so "
    "that SRC/en has clips and validated.tsv"
)
TABLES = {"train": "train", "dev": "dev", "test": "test", "train_validated": "validated"}
SMOKE_UTTERANCES = 12
RATE = 16000

type Fault = tuple[str, str, str]  # kind, example, how to mend


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    sets = ["train", "dev", "test"]
    parser.add_argument("--sets", type=str.split, default=sets, help="which, in quotes")
    parser.add_argument("--language", default="en", help="its folder in a release")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set; raises UserError for all that is missing or damaged."""
    if unknown := [name for name in options.sets if name not in TABLES]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(TABLES)}")
    root = src / options.language if (src / options.language).is_dir() else src
    if not (root / "clips").is_dir():
        raise UserError(f"{src}: no clips/ nor {options.language}/clips/; {OBTAIN}")
    found, notes = Findings(src), Notes()
    tested = set()
    for name in ("dev", "test"):  # a table that is also a set has its faults counted there
        faults = Findings(src) if name in options.sets else found
        tested |= {row["client_id"] for row in rows(root, name, faults)}
    print(f"{'set':<16}{'utterances':>11}{'hours':>9}")
    for name in options.sets:
        utts = utterances(root, name, tested, options, found, notes)
        utts = islice(utts, SMOKE_UTTERANCES) if options.size == "smoke" else utts
        total, sum_sec = write_set(dst / name, utts, found)
        print(f"{name:<16}{total:>11,}{sum_sec / 3600:>9.2f}")
    found.raise_any()
    print("\n".join(notes.lines()))


def rows(root: Path, table: str, found: Findings) -> Iterator[dict[str, str]]:
    """The rows of a table, by the names in its first line."""
    path = root / f"{table}.tsv"
    try:
        handle = path.open("rb")
    except OSError:
        found.add("tables that are not there", path, "unpack the release again")
        return
    names: list[str] = []
    with handle:
        for number, line in enumerate(handle, 1):
            try:
                columns = line.decode("utf-8").rstrip("\r\n").split("\t")
            except UnicodeDecodeError:
                found.add(
                    "lines that are not UTF-8", f"{path}:{number}", "unpack the release again"
                )
                continue
            if not names:
                names = columns
                continue
            row = dict(zip(names, columns, strict=False))
            if row.get("client_id") and row.get("path") and "sentence" in row:
                yield row
            else:
                kind = "rows without client_id, path and sentence"
                found.add(kind, f"{path}:{number}", "unpack the release again")


def utterances(
    root: Path,
    name: str,
    tested: set[str],
    options: argparse.Namespace,
    found: Findings,
    notes: Notes,
) -> Iterator[Utterance]:
    """The clips of a set, in the order of its table."""
    train = name.startswith("train")
    english = options.language == "en"

    def wanted() -> Iterator[tuple[str, str, str]]:
        for row in rows(root, TABLES[name], found):
            sentence = " ".join(row["sentence"].split())
            text = normalise(sentence) if english else sentence
            if train and row["client_id"] in tested:
                if name == "train":
                    mend = "take the tables of one release"
                    found.add("speakers of train in dev or test", row["client_id"][:16], mend)
                notes.add("left out: clips of speakers of dev or test", row["path"])
            elif not text:
                notes.add("left out: sentences without a word", f"{row['path']}: {sentence}")
            elif train and english and not is_spelt_out(text):
                notes.add("left out of training: digits, other alphabets", text)
            else:
                yield row["client_id"][:16], row["path"], text

    for utt, fault in in_order(partial(read_clip, root / "clips"), wanted(), options.nj):
        if fault:
            found.add(*fault)
        if utt:
            yield utt


def read_clip(clips: Path, wanted: tuple[str, str, str]) -> tuple[Utterance | None, Fault | None]:
    """An utterance, or what is wrong with its clip."""
    speaker, name, text = wanted
    path = clips / (name if name.endswith(".mp3") else f"{name}.mp3")
    again = "unpack the release again"
    try:
        if path.stat().st_size == 0:
            return None, ("empty clips", str(path), again)
        with soundfile.SoundFile(path) as sound:
            frames, own = sound.frames * RATE // sound.samplerate, sound.samplerate
    except FileNotFoundError:
        return None, ("clips that are not there", str(path), again)
    except soundfile.LibsndfileError:
        return None, ("clips that cannot be decoded", str(path), again)
    wav = str(path) if own == RATE else f"{path}#channel=1#rate={RATE}"
    utt = f"{speaker}-{path.stem}"
    return Utterance(utt, speaker, wav, frames / RATE, text), None
