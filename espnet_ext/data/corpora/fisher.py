"""Fisher English (LDC2004S13, LDC2005S13, texts LDC2004T19, LDC2005T19): 11,699 telephone calls.

SRC holds the discs and the transcripts, at any depth:

    fe_03_p1_sph1/audio/000/fe_03_00004.sph     two channels of 8 kHz mu-law. LDC packed them with
                                                shorten: convert each to .wav or .flac once
    fe_03_p1_tran/data/trans/000/fe_03_00004.txt
                                                7.38 8.78 A: an- so the topic is

Sets (--sets, in quotes): fisher_p1 of 5,850 calls, fisher_p2 of 5,849, train_fisher of all.

Utterance fe_03_00004-A-000738-000878 of fe_03_00004-A: a side of a call is a speaker, as in Kaldi,
which cuts hundredths of a second where we round them. Sides are read in place, brought to 16 kHz.
Each set has a reco2file_and_channel. Texts:

    utterances with (( and ))     left out: the transcriber was not sure (as in Kaldi)
    [laughter] [noise] [mn] …     left out; Kaldi keeps two kinds of them as words
    t._v. c. n. n.                T V, C N N
    31.09 234.06 in call 11487    231.09, as lhotse mends it: three seconds, not three minutes
    all in upper case             Kaldi: as it is written
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes, fit_to_recordings
from espnet_ext.data.telephone import (
    find_calls,
    look_at_calls,
    spread_calls,
    stretch,
    write_sides,
)
from espnet_ext.data.walk import in_order

OBTAIN = (
    "it is LDC2004S13 and LDC2005S13 with the texts LDC2004T19 and LDC2005T19 "
    "(catalog.ldc.upenn.edu); unpack all of them under SRC"
)
AGAIN = "unpack it again"
FIRST_OF_P2 = 5851
# LDC's pages of the four items; Kaldi's fisher_data_prep.sh expects 11,699 files of either kind
SETS = {"fisher_p1": (1, 5850), "fisher_p2": (2, 5849), "train_fisher": (None, 11699)}
SMOKE_CALLS, SMOKE_UTTERANCES = 3, 12
MISTYPED = {("fe_03_11487", "31.09", "234.06"): "231.09"}  # call, start, end: start
LINE = re.compile(r"([\d.]+)\s+([\d.]+)\s+([AB])\s*:\s*(.*)")
SPELT = re.compile(r"(?<![a-z])([a-z])\.(_|(?=\s|$|'))", re.IGNORECASE)  # the t. of t._v.


@dataclass
class Call:
    """What came of one call."""

    utts: list[Utterance] = field(default_factory=list)
    found: Findings = field(default_factory=lambda: Findings("a call"))
    notes: Notes = field(default_factory=Notes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=["train_fisher"], help="in quotes")
    parser.add_argument(
        "--annotation_only", type=str2bool, default=False, help="tables without wav.scp: to count"
    )
    parser.add_argument("--complete", type=str2bool, default=True, help="every call must be there")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: all that is missing or damaged, or another number of calls than is published.
    """
    if unknown := [name for name in options.sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    texts = {path.stem: path for path in sorted(src.rglob("fe_03_*.txt"))}
    if not texts:
        raise UserError(f"{src}: no transcripts such as fe_03_00004.txt at any depth; {OBTAIN}")
    calls = {call: Path(call) for call in texts}
    if not options.annotation_only:
        calls = find_calls(src, "fe_03_*")
    found, notes = Findings(src), Notes()
    print(f"{'set':<14}{'calls':>7}{'utterances':>11}{'hours':>9}  published")
    for name in options.sets:
        write(name, dst / name, texts, calls, options, found, notes)
    found.raise_any()
    print("\n".join(notes.lines()))


def part_of(call: str) -> int:
    """1 or 2: fe_03_05851 is the first of the second part."""
    return 1 + (call[6:].isdigit() and int(call[6:]) >= FIRST_OF_P2)


def write(
    name: str,
    path: Path,
    texts: dict[str, Path],
    calls: dict[str, Path],
    options: argparse.Namespace,
    found: Findings,
    notes: Notes,
) -> None:
    """One set, and its line of the table."""
    part, published = SETS[name]
    wanted = [call for call in sorted(texts) if part in (None, part_of(call))]
    there = [call for call in wanted if call in calls]
    if options.complete and options.size == "full":
        if len(wanted) != published:
            mend = f"{AGAIN}, or pass --complete false for a part of the corpus"
            example = f"{len(wanted):,}, published are {published:,}"
            found.add(f"transcripts of {name} other in number than is published", example, mend)
        if len(there) < len(wanted):
            lacking = [texts[call] for call in wanted if call not in calls]
            kind = "transcripts of calls that are not there"
            found.add(kind, lacking[0], AGAIN, len(lacking))
    there = there[:SMOKE_CALLS] if options.size == "smoke" else there

    def read() -> Iterator[Utterance]:
        work = partial(read_call, texts=texts, calls=calls, audio=not options.annotation_only)
        for call in in_order(work, there, options.nj):
            for kind, (count, first, mend) in call.found.kinds.items():
                found.add(kind, first, mend, count)
            for kind, (count, first) in call.notes.kinds.items():
                notes.add(kind, first, count)
            yield from call.utts

    utts = spread_calls(read(), SMOKE_UTTERANCES) if options.size == "smoke" else read()
    if not there:
        found.add("sets with no call", name, "leave them out of --sets")
        return
    total, sum_sec = write_set(path, utts, found)
    if not found:
        write_sides(path, there)
        if options.annotation_only:
            (path / "wav.scp").unlink()
    print(f"{name:<14}{len(there):>7,}{total:>11,}{sum_sec / 3600:>9.2f}  {published:,} calls")


def read_call(call: str, texts: dict[str, Path], calls: dict[str, Path], audio: bool) -> Call:
    """The utterances of a call, in no order, and what is wrong with it."""
    # 7.38 8.78 A: an- so the topic is
    made = Call()
    lines = texts[call].read_text(encoding="latin-1").splitlines()
    if not lines:
        made.found.add("empty transcripts", texts[call], AGAIN)
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        row = LINE.fullmatch(line.strip())
        if row is None or row[1].count(".") > 1 or row[2].count(".") > 1:
            example = f"{texts[call]}:{number}: {line[:60]}"
            made.found.add("lines that are not `start end A: words`", example, AGAIN)
            continue
        times = MISTYPED.get((call, row[1], row[2]), row[1]), row[2]
        start_cs, end_cs = (round(float(sec) * 100) for sec in times)
        text = normalise(row[4])
        if text is None:
            made.notes.add("left out: utterances that the transcriber was not sure of", call)
        elif end_cs <= start_cs:
            made.notes.add("left out: utterances that end before they begin", f"{call}: {line}")
        elif text:
            made.utts.append(stretch(call, row[3], calls[call], start_cs, end_cs, text, "-"))
    made.utts = list({utt.utt: utt for utt in made.utts}.values())
    if audio:
        sounds = look_at_calls([calls[call]], made.found, nj=1)
        made.utts = fit_to_recordings(made.utts, sounds, made.notes)
    return made


def normalise(words: str) -> str | None:
    """A transcript in upper case, empty where nobody spoke; None where it is not sure.

    >>> normalise("[laughter] well t._v. is c. n. n.'s [mn] i- i"), normalise("(( maybe )) so")
    ("WELL T V IS C N N'S I- I", None)
    """
    if "((" in words:
        return None
    words = re.sub(r"\[[^]]*\]", " ", words)
    words = SPELT.sub(lambda found: found[1] + (" " if found[2] else ""), words)
    return " ".join(words.split()).upper()
