"""TED-LIUM 3 (OpenSLR 51): 2,351 talks in English, 452 hours; CC BY-NC-ND 3.0.

SRC is the folder TEDLIUM_release-3, or one that holds it:

    legacy/train/sph/AaronHuey_2010X.sph, and legacy/train/stm/AaronHuey_2010X.stm with lines like
    AaronHuey_2010X 1 AaronHuey_2010X 16.09 27.00 <o,f0,male> i 'm here to <unk> …

Sets (--sets, in quotes) of the "legacy" split: train of 268,263 lines, dev 507, test 1,155; ids are
AaronHuey_2010X-0001609-0002700 as in Kaldi, the talk is the speaker. Suffixes are joined (`i 'm`:
i'm), {NOISE} and the like left out, and <unk>, words unknown to the makers: --unk keep keeps it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.download import Archive
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes, fit_to_recordings, look_at

NAME = "TEDLIUM_release-3"
URL = f"https://www.openslr.org/resources/51/{NAME}.tgz"
SHA256 = "ad1e454d14d1ad550bc2564c462d87c7a7ec83d4dc2b9210f22ab4973b9eccdb"
SETS = {"train": 268_263, "dev": 507, "test": 1_155}  # lines: TFDS and icefall, ESPnet's results
UNSCORED = "ignore_time_segment_in_scoring"
AGAIN = "fetch it again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=list(SETS), help="which, in quotes")
    parser.add_argument("--unk", choices=("drop", "keep"), default="drop")
    parser.add_argument("--complete", type=str2bool, default=True, help="assert the counts")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def archives(src: Path, options: argparse.Namespace) -> list[Archive]:
    """One archive, of some 50 GB, has all sets."""
    return [Archive(URL, src if src.name == NAME else src / NAME, NAME, f"sha256:{SHA256}")]


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set; raises UserError for all that is missing or damaged."""
    if unknown := [name for name in options.sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    legacy = (src / NAME if (src / NAME).is_dir() else src) / "legacy"
    if not legacy.is_dir():
        raise UserError(f"{src}: no legacy/ nor {NAME}/legacy/; expected TED-LIUM 3, {AGAIN}")
    found, notes, smoke = Findings(src), Notes(), options.size == "smoke"
    print(f"{'set':<8}{'utterances':>11}{'hours':>9}  published")
    for name in options.sets:
        utts = talks(legacy / name, options.unk == "keep", found, notes)
        texts = (path.read_text("utf-8", "replace") for path in legacy.glob(f"{name}/stm/*.stm"))
        lines = sum(UNSCORED not in line for text in texts for line in text.splitlines())
        if options.complete and not smoke and lines != SETS[name]:
            found.add("sets of another size", f"{lines:,}, published are {SETS[name]:,}", AGAIN)
        total, sum_sec = write_set(dst / name, islice(utts, 12) if smoke else utts, found)
        print(f"{name:<8}{total:>11,}{sum_sec / 3600:>9.2f}  {SETS[name]:,}")
    found.raise_any()
    print(*notes.lines(), sep="\n")


def talks(folder: Path, unk: bool, found: Findings, notes: Notes) -> Iterator[Utterance]:
    """The utterances of a set, one talk after another."""
    stms = sorted((folder / "stm").glob("*.stm"))
    if not stms:
        found.add("sets that are not there", folder / "stm", AGAIN)
    for sph in sorted({p.stem for p in (folder / "sph").glob("*.sph")} - {p.stem for p in stms}):
        found.add("talks without an stm", folder / f"sph/{sph}.sph", AGAIN)
    for stm in stms:
        wav = str(folder / f"sph/{stm.stem}.sph")
        yield from fit_to_recordings(read_stm(stm, wav, unk, found), look_at([wav], found), notes)


def read_stm(path: Path, wav: str, unk: bool, found: Findings) -> Iterator[Utterance]:
    """The utterances of a talk that have a word."""
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        try:
            talk, _, _, start, end, _, *words = line.split(None, 6)
            start_cs, end_cs = round(100 * float(start)), round(100 * float(end))
        except (ValueError, OverflowError):
            talk, start_cs, end_cs = "", 0, 0
        if talk != path.stem or not 0 <= start_cs < end_cs:
            found.add("lines of an stm that are no stretch of its talk", f"{path}:{number}", AGAIN)
        elif text := normalise("".join(words), unk):
            utt, dur_sec = f"{talk}-{start_cs:07d}-{end_cs:07d}", (end_cs - start_cs) / 100
            yield Utterance(utt, talk, wav, dur_sec, text, talk, start_cs / 100, end_cs / 100)


def normalise(words: str, unk: bool) -> str:
    """As this module's docstring has it; may be empty."""
    words = re.sub(rf"\(\S*\)|\{{\w+\}}|<sil>|{UNSCORED}" + ("" if unk else "|<unk>"), " ", words)
    words = re.sub(r" +'(?=(s|m|d|t|ll|re|ve|clock)\b)", "'", " ".join(words.split()))
    return words if re.search(r"\w", words) else ""
