"""TIMIT (LDC93S1): 6,300 read sentences of 630 speakers, every phone marked by hand.

SRC is the folder with TRAIN and TEST, or one that holds it; names in upper or lower case:

    TRAIN/DR1/FCJF0/SI1027.WAV     NIST SPHERE, or RIFF (also named SI1027.WAV.wav)
    TRAIN/DR1/FCJF0/SI1027.PHN     0 3050 h#          first sample, one past the last, phone
                                   3050 4559 sh

Sets (--sets, in quotes), without the two sentences SA that all speakers read:

    train        3,696 utterances, 462 speakers
    dev            400 utterances, 50 speakers of TEST
    test           192 utterances, the core test set: 24 speakers, two men and a woman a dialect
    test_full    1,344 utterances, all of TEST, dev and test included

An utterance is SPEAKER_SENTENCE (FCJF0_SI1027) in upper case, its text the phones of its PHN file:
48 (--phones; 61 or 39 instead), as Kaldi trains on. References and hypotheses are folded to 39 when
they are scored: the core test set then has 7,215 phones, silences included, dev 15,057.
Glottal stops `q` are left out, repeats stay, as in Kaldi. Each set also has a spk2gender.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.timit.phones import ALL, fold
from espnet_ext.data.corpora.timit.published import SETS, SPEAKERS
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.headers import probe
from espnet_ext.data.kaldi_dir import Utterance, write_table
from espnet_ext.data.meetings import spread
from espnet_ext.data.walk import in_order

OBTAIN = (
    "it is LDC93S1 (catalog.ldc.upenn.edu); unpack it, so that SRC holds TRAIN and TEST with "
    "folders such as TRAIN/DR1/FCJF0"
)
AGAIN = "copy it from the disc again"
SMOKE_UTTERANCES = 12
SPEAKER = re.compile(r"[FM][A-Z]{2}[A-Z0-9]\d", re.IGNORECASE)
SENTENCE = re.compile(r"(S[AIX]\d+)\.(WAV|PHN)(\.WAV)?", re.IGNORECASE)

type Fault = tuple[str, str, str]  # kind, example, how to mend


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a speaker; a path is None where its file is missing."""

    speaker: str
    name: str
    wav: str | None
    phn: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument(
        "--sets", type=str.split, default=["train", "dev", "test"], help="which, in quotes"
    )
    parser.add_argument("--phones", type=int, choices=(61, 48, 39), default=48)
    parser.add_argument(
        "--complete", type=str2bool, default=True, help="every speaker and utterance must be there"
    )
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: all that is missing, damaged or in the wrong place, or another number of
            utterances or phones than is published.
    """
    if unknown := [name for name in options.sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    found, halves = Findings(src), {}
    for half in dict.fromkeys(SETS[name][0] for name in options.sets):
        halves[half] = find_speakers(src, half, found, options.complete)
    if len(halves) == 2:
        for speaker in sorted(halves["TRAIN"].keys() & halves["TEST"].keys()):
            where = f"{halves['TRAIN'][speaker]} and {halves['TEST'][speaker]}"
            found.add("speakers in TRAIN and in TEST", where, "remove the copy")
    print(
        f"{'set':<10}{'speakers':>9}{'utterances':>11}{'hours':>7}{'phones of 39':>13}  published"
    )
    for name in options.sets:
        write(name, halves[SETS[name][0]], dst / name, options, found)
    found.raise_any()


def find_speakers(src: Path, half: str, found: Findings, complete: bool) -> dict[str, Path]:
    """Speaker, in upper case -> folder, of TRAIN or TEST.

    Raises:
        UserError: no such half under SRC.
    """
    outer = [src, *folders_called("TIMIT", src)]
    places = [*outer, *(inner for place in outer[1:] for inner in folders_called("TIMIT", place))]
    halves = [folder for place in places for folder in folders_called(half, place)]
    if not halves:
        raise UserError(f"{src}: no folder {half}, nor in TIMIT; {OBTAIN}")
    return speakers_in(halves[0], half, found, complete)


def folders_called(name: str, place: Path) -> list[Path]:
    """In upper or lower case."""
    return [path for path in sorted(place.glob("*/")) if path.name.upper() == name]


def speakers_in(folder: Path, half: str, found: Findings, complete: bool) -> dict[str, Path]:
    """The speakers' folders of TRAIN or TEST."""
    speakers = {
        path.name.upper(): path
        for region in sorted(folder.iterdir())
        if re.fullmatch(r"DR[1-8]", region.name.upper()) and region.is_dir()
        for path in sorted(region.iterdir())
        if SPEAKER.fullmatch(path.name)
    }
    if complete and len(speakers) != SPEAKERS[half]:
        kind = f"{half} with another number of speakers than is published"
        mend = f"{AGAIN}, or pass --complete false for a part of the corpus"
        found.add(kind, f"{folder} has {len(speakers)}, published are {SPEAKERS[half]}", mend)
    return speakers


def write(
    name: str,
    speakers: dict[str, Path],
    path: Path,
    options: argparse.Namespace,
    found: Findings,
) -> None:
    """One set, and its line of the table."""
    _, wanted, utterances, phones = SETS[name]
    own = {who: speakers[who] for who in sorted(wanted or speakers) if who in speakers}
    if options.complete:
        for who in sorted({*(wanted or ())} - {*own}):
            found.add(f"speakers of {name} that are not there", who, AGAIN)
    sentences = [s for who, folder in own.items() for s in sentences_in(who, folder)]
    sentences = [s for s in sentences if not s.name.startswith("SA")]
    if options.size == "smoke":
        sentences = spread(sentences, SMOKE_UTTERANCES)
    asserted = options.complete and options.size == "full"
    total_39 = 0

    def counted() -> Iterator[Utterance]:
        nonlocal total_39
        for utt, count_39 in read(sentences, options, found):
            total_39 += count_39
            yield utt
        if asserted and not found and phones not in (None, total_39):
            kind = f"set {name} with another number of phones than is published"
            found.add(kind, f"{total_39:,}, published are {phones:,}", AGAIN)

    total, sum_sec = write_set(path, counted(), found, utterances if asserted else None)
    shown = f"{utterances:,} utterances" + (f", {phones:,} phones" if phones else "")
    row = f"{name:<10}{len(own):>9}{total:>11,}{sum_sec / 3600:>7.2f}{total_39:>13,}"
    print(f"{row}  {shown}")
    if not found:
        there = {sentence.speaker for sentence in sentences}
        write_table(path / "spk2gender", ((who, who[0].lower()) for who in there))


def sentences_in(speaker: str, folder: Path) -> list[Sentence]:
    """A speaker's sentences, in order."""
    files: dict[str, dict[str, str]] = {}
    for path in sorted(folder.iterdir()):
        if found := SENTENCE.fullmatch(path.name):
            # SI1027.WAV.wav, if it is there too, is a copy of SI1027.WAV: either will do
            files.setdefault(found[1].upper(), {})[found[2].upper()] = str(path)
    return [
        Sentence(speaker, name, paths.get("WAV"), paths.get("PHN"))
        for name, paths in sorted(files.items())
    ]


def read(
    sentences: list[Sentence], options: argparse.Namespace, found: Findings
) -> Iterator[tuple[Utterance, int]]:
    """Utterances and how many phones of the 39 they have; faults go to `found`."""
    work = partial(read_sentence, phones=options.phones)
    for utt, count_39, faults in in_order(work, sentences, options.nj):
        for fault in faults:
            found.add(*fault)
        if utt:
            yield utt, count_39


def read_sentence(sentence: Sentence, phones: int) -> tuple[Utterance | None, int, list[Fault]]:
    """The utterance, its phones of the 39, and what is wrong with it."""
    utt = f"{sentence.speaker}_{sentence.name}"
    if sentence.wav is None or sentence.phn is None:
        there, lacking = (sentence.phn, "audio") if sentence.phn else (sentence.wav, "phones")
        return None, 0, [(f"sentences without {lacking}", str(there), AGAIN)]
    faults: list[Fault] = []
    labels = read_phones(sentence.phn, faults)
    sound = probe(sentence.wav)
    if sound.fault:
        kind = {"audio_empty": "empty", "audio_truncated": "cut-off"}.get(sound.fault, "unreadable")
        faults.append((f"{kind} audio files", sound.detail or sentence.wav, AGAIN))
    elif (sound.rate, sound.channels) != (16000, 1):
        faults.append(("audio files that are not 16 kHz mono", sentence.wav, AGAIN))
    if faults:
        return None, 0, faults
    text = " ".join(fold(labels, phones))
    dur_sec = sound.frames / sound.rate
    made = Utterance(utt, sentence.speaker, sentence.wav, dur_sec, text)
    return made, len(fold(labels, 39)), []


def read_phones(path: str, faults: list[Fault]) -> list[str]:
    # 3050 4559 sh
    try:
        rows = [line.split() for line in Path(path).read_text("ascii").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as err:
        faults.append(("unreadable phone files", f"{path} ({err})", AGAIN))
        return []
    if not rows:
        faults.append(("empty phone files", path, AGAIN))
    for number, row in enumerate(rows, 1):
        if len(row) != 3 or not (row[0].isdigit() and row[1].isdigit()):
            row_is = f"{path}:{number}: {' '.join(row)}"
            faults.append(("lines of phone files that are not `first last phone`", row_is, AGAIN))
            return []
        if row[2] not in ALL:
            faults.append(("phones that TIMIT does not have", f"{path}:{number}: {row[2]}", AGAIN))
            return []
    return [row[2] for row in rows]
