"""Switchboard-1 release 2 (LDC97S62) with the transcripts of Mississippi State, and eval2000.

SRC holds the discs and the transcripts, at any depth:

    swb1_d1/data/sw02001.sph        two channels of 8 kHz mu-law; or a copy, sw02001.wav or .flac
    swb_ms98_transcriptions/sw-ms98-dict.text
    swb_ms98_transcriptions/20/2001/sw2001A-ms98-a-trans.text
                                    sw2001A-ms98-a-0002 0.977625 11.561375 hi um yeah i'd like to

and for eval2000, under SRC or in --eval2000 DIR, LDC2002S09 and LDC2002T43 (`eval2000.py`):

    hub5e_00/english/en_4156.sph    2000_hub5_eng_eval_tr/reference/hub5e00.english.000405.stm

Sets (--sets, in quotes), the first four as Kaldi's s5c cuts them:

    train_dev        the first 4,000 utterances, 5 hours
    train_nodev      all others, 313 hours in Kaldi
    train_nodup      of those, at most 300 that say the same: the 300 hours of others, 286 in Kaldi
    train_30h        the first 30 hours of train_nodup (--hours); EH-MAM has 30 hours to train and
                     5 to validate, and does not say which
    eval2000         with eval2000_swbd and eval2000_callhm, its halves

Utterance sw02001-A_000098-001156 of sw02001-A: a side of a call is a speaker, as in Kaldi, so that
people recur in several sets. Sides are read in place, brought to 16 kHz. `text.py` has the rules of
the transcripts; utterances without a word are left out (Kaldi keeps those with noises; so does
--noises keep). Each set has a reco2file_and_channel, those of eval2000 an stm and a glm. Of a part
of the corpus train_dev is a tenth.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.swbd import eval2000
from espnet_ext.data.corpora.swbd.text import normalise, spelt_words
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir
from espnet_ext.data.meetings import Notes, fit_to_recordings, write_annotation
from espnet_ext.data.telephone import (
    find_calls,
    look_at_calls,
    spread_calls,
    stretch,
    write_sides,
)

OBTAIN = (
    "it is LDC97S62 (catalog.ldc.upenn.edu), its transcripts are swb_ms98_transcriptions.tar.gz of "
    "www.openslr.org/5, eval2000 is LDC2002S09 and LDC2002T43; unpack all of them under SRC"
)
TRAIN_SETS = ("train_dev", "train_nodev", "train_nodup", "train_30h")
CALLS = (2435, 2438)  # Kaldi's swbd1_data_prep.sh has met both
SIDES = 2 * 2438  # with a transcript
DEV_UTTERANCES, SAME_TEXT = 4000, 300
SMOKE_UTTERANCES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    sets = [*TRAIN_SETS, *eval2000.SETS]
    parser.add_argument("--sets", type=str.split, default=sets, help="which, in quotes")
    parser.add_argument("--eval2000", type=Path, help="where eval2000 lies; default: SRC")
    parser.add_argument("--hours", type=float, default=30.0, help="of train_30h")
    parser.add_argument("--noises", choices=("drop", "keep"), default="drop")
    parser.add_argument(
        "--annotation_only", type=str2bool, default=False, help="tables without wav.scp: to count"
    )
    parser.add_argument("--complete", type=str2bool, default=True, help="every call must be there")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: all that is missing or damaged, in one message.
    """
    known = (*TRAIN_SETS, *eval2000.SETS)
    if unknown := [name for name in options.sets if name not in known]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(known)}")
    found, notes, sets = Findings(src), Notes(), {}
    if wanted := [name for name in options.sets if name in TRAIN_SETS]:
        sets |= train_sets(src, wanted, options, found, notes)
    if wanted := [name for name in options.sets if name in eval2000.SETS]:
        sets |= test_sets(options.eval2000 or src, dst, wanted, options, found, notes)
    found.raise_any()
    print(f"{'set':<16}{'sides':>7}{'utterances':>11}{'words':>11}{'hours':>8}")
    for name, utts in sets.items():
        if options.size == "smoke":
            utts = list(spread_calls(utts, SMOKE_UTTERANCES))
        write_sides(dst / name, sorted({utt.speaker[:-2] for utt in utts}))
        (write_annotation if options.annotation_only else write_data_dir)(dst / name, utts)
        print(row_of(name, utts))
    print("\n".join(notes.lines()))


def row_of(name: str, utts: list[Utterance]) -> str:
    """A set's line of the table."""
    words = sum(len(utt.text.split()) for utt in utts)
    hours = sum(utt.dur_sec for utt in utts) / 3600
    row = f"{name:<16}{len({utt.speaker for utt in utts}):>7,}{len(utts):>11,}{words:>11,}"
    scored = eval2000.SETS[name][1] if name in eval2000.SETS else None
    return f"{row}{hours:>8.2f}" + (f"  ({scored:,} utterances scored by Kaldi)" if scored else "")


def train_sets(
    src: Path, wanted: list[str], options: argparse.Namespace, found: Findings, notes: Notes
) -> dict[str, list[Utterance]]:
    """The sets that are cut out of the 2,438 calls."""
    dictionary = next(iter(sorted(src.rglob("sw-ms98-dict.text"))), None)
    sides = sorted(src.rglob("sw*-ms98-a-trans.text"))
    if dictionary is None or not sides:
        lacking = "sw-ms98-dict.text" if sides else "transcripts such as sw2001A-ms98-a-trans.text"
        raise UserError(f"{src}: no {lacking} at any depth; {OBTAIN}")
    whole = options.complete and options.size == "full"
    if whole and len(sides) != SIDES:
        mend = "unpack the transcripts again, or pass --complete false for a part of the corpus"
        example = f"{len(sides)}, the archive has {SIDES}"
        found.add("another number of transcripts than is published", example, mend)
    spelt = spelt_words(dictionary.read_text(encoding="latin-1"))
    calls = {} if options.annotation_only else find_calls(src, "sw0*")
    if whole and not options.annotation_only and len(calls) not in CALLS:
        mend = "copy the discs again, or pass --complete false for a part of the corpus"
        found.add("another number of calls than is published", f"{len(calls)} of {CALLS[1]}", mend)
    utts = []
    for path in sides:
        utts += side_utterances(path, calls, spelt, options, found, notes)
    if not options.annotation_only:
        sounds = look_at_calls({calls[utt.speaker[:-2]] for utt in utts}, found, options.nj)
        utts = fit_to_recordings(utts, sounds, notes)
    cut = cut_sets(sorted(utts, key=lambda utt: utt.utt), options.hours)
    for name in wanted:
        if not cut[name]:
            mend = "copy the corpus whole" if whole else "name other --sets"
            found.add("sets with no utterance", name, mend)
    return {name: cut[name] for name in wanted}


def side_utterances(
    path: Path,
    calls: dict[str, Path],
    spelt: dict[str, str],
    options: argparse.Namespace,
    found: Findings,
    notes: Notes,
) -> Iterator[Utterance]:
    """What was said on one side of a call."""
    # sw2001A-ms98-a-0002 0.977625 11.561375 hi um yeah i'd like to talk about
    call, side = f"sw0{path.name[2:6]}", path.name[6]
    if call not in calls and not options.annotation_only:
        if options.complete:
            notes.add("left out: sides of calls that have no audio", path)
        return
    again, rows = "unpack the transcripts again", path.read_text(encoding="latin-1").splitlines()
    if not rows:
        found.add("empty transcripts", path, again)
    before_cs = 0
    for number, line in enumerate(rows, 1):
        row = line.split(None, 3)
        try:
            start_cs, end_cs = (int(100 * float(sec) + 0.5) for sec in row[1:3])
            if not row[0].startswith(path.name[:7]):
                raise ValueError(line)
        except ValueError:
            example = f"{path}:{number}: {line[:60]}"
            found.add("lines of transcripts that are not `id start end words`", example, again)
            continue
        text = normalise("".join(row[3:]), spelt, options.noises == "keep")
        if start_cs < before_cs:
            notes.add("utterances that begin before the side's last one ended", row[0])
        if end_cs <= start_cs:
            notes.add("left out: utterances that end before they begin", row[0])
        elif text:
            before_cs = end_cs
            yield stretch(call, side, calls.get(call, Path(call)), start_cs, end_cs, text)


def cut_sets(utts: list[Utterance], hours: float) -> dict[str, list[Utterance]]:
    """Kaldi's sets, and the first hours of the last of them."""
    dev = min(DEV_UTTERANCES, len(utts) // 10)
    nodev = utts[dev:]
    seen: Counter[str] = Counter()
    nodup = []
    for utt in nodev:
        seen[utt.text] += 1
        if seen[utt.text] <= SAME_TEXT:
            nodup.append(utt)
    first, left_sec = [], hours * 3600
    for utt in nodup:
        left_sec -= utt.dur_sec
        if left_sec < 0:
            break
        first.append(utt)
    sets = (utts[:dev], nodev, nodup, first)
    return dict(zip(TRAIN_SETS, sets, strict=True))


def test_sets(
    src: Path,
    dst: Path,
    wanted: list[str],
    options: argparse.Namespace,
    found: Findings,
    notes: Notes,
) -> dict[str, list[Utterance]]:
    """eval2000 and its halves; writes their stm and glm where nothing is wrong."""
    reference = eval2000.find_reference(src, found)
    if reference is None:
        return {}
    lines = [line for line in eval2000.mended(reference[0]) if line.strip()]
    named = {line.split()[0] for line in lines if not line.startswith(";;")}
    calls = find_calls(src, "en_*") | find_calls(src, "sw_*")
    whole = options.complete and options.size == "full" and not options.annotation_only
    if whole and len(named) != eval2000.CALLS:
        example = f"{reference[0]} has {len(named)}, published are {eval2000.CALLS}"
        found.add("another number of calls in eval2000", example, "copy LDC2002T43 again")
    if options.annotation_only:
        calls |= {call: Path(call) for call in named - {*calls}}
    elif not options.complete:
        lines = [line for line in lines if line[:2] == ";;" or line.split()[0] in calls]
    utts = list(eval2000.utterances(lines, calls, "", found))
    if not options.annotation_only:
        sounds = look_at_calls({calls[utt.speaker[:-2]] for utt in utts}, found, options.nj)
        utts = fit_to_recordings(utts, sounds, notes)
    sets = {}
    for name in wanted:
        prefix, scored = eval2000.SETS[name]
        sets[name] = [utt for utt in utts if utt.utt.startswith(prefix)]
        if whole and not found and abs(len(sets[name]) - scored) > scored / 100:
            example = f"{name}, {len(sets[name]):,}, Kaldi scores {scored:,}"
            found.add("sets of another size than Kaldi's", example, "copy LDC2002T43 again")
    if not found:
        for name in sets:
            (dst / name).mkdir(parents=True, exist_ok=True)
            prefix = eval2000.SETS[name][0]
            eval2000.write_reference(dst / name, lines, reference[1], prefix)
    return sets
