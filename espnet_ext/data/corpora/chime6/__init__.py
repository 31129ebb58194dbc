"""CHiME-6: twenty dinner parties, 50 hours, worn and distant microphones.

SRC is the folder CHiME6 (synchronised CHiME-5, as openslr.org/150 has it), or one that holds it;
`--download true` fetches the transcriptions and the sets' audio, 97 GB for train, 11 and 12 GB for
dev and eval:

    transcriptions/dev/S02.json
    audio/dev/S02_P05.wav        --mic worn: two channels; --channels 1 (left), 2 or 1,2
    audio/dev/S02_U02.CH1.wav    --mic u02: one array; --mic ref: the array annotated as nearest
                                 (dev, eval); --channels 1 to 4 of them
    --enhanced DIR               --mic gss: one file an utterance at any depth, named by Kaldi
                                 P05_S02-0004060-0004192.wav or by the package gss
                                 S02-P05-004060_004192.flac

DST/train_MIC, dev_MIC and eval_MIC are the challenge's split: dev S02 and S09, eval S01 and S21.
CHiME-7's has S19 and S20 in eval; such a folder is refused. Ids as in Kaldi's recipe:

    worn  P05_S02_KITCHEN.L-0004060-0004192 of recording P05_S02.L
    u02   P05_S02_U02_KITCHEN.CH1-0004060-0004192 of recording S02_U02.CH1
    gss   P05_S02-0004060-0004192

The speaker is P05. Text by `text.py`: what Kaldi scores, so 58,881 words in dev. Utterances that
have no word then, [laughs] alone for example, are left out; Kaldi keeps them, where they can add
insertions only. --events keep leaves [noise], [laughs] and [inaudible] in.

Each set also has utt2session, utt2location and utt2session_location, by which `score_wer --utt2spk`
groups, and dev and eval have a uem. As in Kaldi, train_worn leaves out four bad microphones.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.chime6.reader import Reader, Set
from espnet_ext.data.corpora.chime6.sessions import (
    SETS,
    UEM_END_SEC,
    UEM_START_SEC,
    UTTERANCES,
    WORDS,
)
from espnet_ext.data.corpora.chime6.transcripts import NO_LOCATION
from espnet_ext.data.download import Archive
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import write_data_dir, write_table
from espnet_ext.data.meetings import Notes, fit_to_recordings, look_at, spread, write_annotation

URL = "https://www.openslr.org/resources/150"
ARRAYS = ("u01", "u02", "u03", "u04", "u05", "u06")
MICS = ("worn", "ref", "gss", *ARRAYS)
SMOKE_SIZES = {"train": 60, "dev": 12, "eval": 12}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--mic", choices=MICS, default="worn")
    parser.add_argument("--channels", default="1", help="of worn (1, 2) or an array (1 to 4)")
    parser.add_argument("--enhanced", type=Path, help="GSS-enhanced audio, for --mic gss")
    parser.add_argument("--sets", type=str.split, default=list(SETS), help="which, in quotes")
    parser.add_argument("--events", choices=("drop", "keep"), default="drop")
    parser.add_argument("--case", choices=("lower", "upper"), default="lower")
    parser.add_argument(
        "--annotation_only",
        type=str2bool,
        default=False,
        help="tables without wav.scp, from no audio at all: to count",
    )
    parser.add_argument(
        "--complete",
        type=str2bool,
        default=True,
        help="every session and file must be there; false: prepare what is",
    )
    parser.add_argument(
        "--size", choices=("full", "smoke"), default="full", help="smoke: a few of one session"
    )


def archives(src: Path, options: argparse.Namespace) -> list[Archive]:
    """The transcriptions, and the audio of the sets unless enhanced audio, or none, is wanted."""
    root = folder_of(src)
    said = f"{URL}/CHiME6_transcriptions.tar.gz"
    found = [Archive(said, root / "transcriptions", "transcriptions/transcriptions")]
    silent = options.annotation_only or options.mic == "gss"
    for name in [] if silent else [name for name in SETS if name in options.sets]:
        member = f"CHiME6_{name}/CHiME6/audio/{name}"
        found.append(Archive(f"{URL}/CHiME6_{name}.tar.gz", root / "audio" / name, member))
    return found


def folder_of(src: Path) -> Path:
    """SRC or the CHiME6 in it; where neither is there yet, what a download makes."""
    itself = src.name == "CHiME6" or (src / "transcriptions").is_dir()
    return src if itself and not (src / "CHiME6").is_dir() else src / "CHiME6"


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/{train,dev,eval}_MIC.

    Raises:
        UserError: SRC is not CHiME-6; or all that is missing or damaged, in one message.
    """
    findings, notes = Findings(src), Notes()
    root = find_root(src, options)
    reader = Reader(root, options, findings, notes)
    sets = {name: reader.read(name) for name in options.sets}
    check_speakers(sets, findings)
    if not options.annotation_only:
        wavs = (utt.wav for wanted in sets.values() for utt in wanted.utts)
        sounds = look_at(wavs, findings)
        for wanted in sets.values():
            wanted.utts = fit_to_recordings(wanted.utts, sounds, notes)
            if options.mic == "gss":  # the files are the utterances
                wanted.utts = [
                    replace(u, dur_sec=sounds[u.wav].frames / 16000) for u in wanted.utts
                ]
    if options.complete and options.size == "full":
        for name, wanted in sets.items():
            check_counts(name, wanted, findings)
    findings.raise_any()
    for name, wanted in sets.items():
        if options.size == "smoke":
            wanted.utts = spread(wanted.utts, SMOKE_SIZES[name])
        write(dst / f"{name}_{options.mic}", name, wanted, options)
    print(summary(sets, notes))


def find_root(src: Path, options: argparse.Namespace) -> Path:
    """The folder that has transcriptions/ and, if it is wanted, audio/.

    Raises:
        UserError: there is none, or the options do not fit.
    """
    unknown = [name for name in options.sets if name not in SETS]
    if unknown or not options.sets:
        raise UserError(f"--sets {' '.join(unknown)}: expected some of {' '.join(SETS)}")
    if options.mic == "gss" and not (options.enhanced or options.annotation_only):
        raise UserError("--mic gss: expected --enhanced DIR with the enhanced utterances")
    most = 2 if options.mic == "worn" else 4
    if not re.fullmatch(rf"[1-{most}](,[1-{most}])*", options.channels):
        raise UserError(f"--channels {options.channels}: expected 1 to {most}, commas between")
    root = folder_of(src)
    needed = ["transcriptions"]
    if not options.annotation_only and options.mic != "gss":
        needed.append("audio")
    for folder in needed:
        if not (root / folder).is_dir():
            raise UserError(
                f"{root / folder}: no such folder; expected CHiME6/{{audio,transcriptions}}, as "
                "--download true fetches them from openslr.org/150"
            )
    return root


def check_speakers(sets: dict[str, Set], findings: Findings) -> None:
    """The challenge's sets have no speaker in common."""
    people = {name: {utt.speaker for utt in wanted.utts} for name, wanted in sets.items()}
    for name in people.keys() - {"train"}:
        for who in sorted(people.get("train", set()) & people[name]):
            mend = "put each session where CHiME-6 has it"
            findings.add(f"speakers of train in {name}", who, mend)


def check_counts(name: str, wanted: Set, findings: Findings) -> None:
    """A whole set has the utterances and words that Kaldi and the challenge count."""
    if findings or wanted.sessions != SETS[name] or wanted.withheld:
        return
    expected = UTTERANCES.get(name, wanted.kept)
    mend = "expected the transcriptions of the challenge"
    if wanted.kept != expected:
        found = f"{name}, {wanted.kept} utterances instead of {expected}"
        findings.add("sets of another size", found, mend)
    if name == "dev" and sum(wanted.words.values()) != sum(WORDS.values()):
        found = f"{sum(wanted.words.values())} words instead of {sum(WORDS.values())}"
        findings.add("dev sets with other words", found, mend)


def write(path: Path, name: str, wanted: Set, options: argparse.Namespace) -> None:
    """The data directory, the groups to score by and, for dev and eval, the uem."""
    utts = wanted.utts
    sessions = [(utt.utt, wanted.session_of[utt.utt]) for utt in utts]
    write_table(path / "utt2session", sessions)
    locations = {utt.utt: wanted.location_of[utt.utt] for utt in utts}
    if set(locations.values()) != {NO_LOCATION}:
        write_table(path / "utt2location", locations.items())
        write_table(
            path / "utt2session_location",
            ((utt, f"{session}_{locations[utt]}") for utt, session in sessions),
        )
    if name != "train":
        session_of = {utt.recording or s: s for utt, (_, s) in zip(utts, sessions, strict=True)}
        write_table(
            path / "uem",
            ((r, f"1 {UEM_START_SEC[s]:.2f} {UEM_END_SEC:.2f}") for r, s in session_of.items()),
        )
    if options.annotation_only:
        write_annotation(path, utts)
    else:
        write_data_dir(path, utts)


def summary(sets: dict[str, Set], notes: Notes) -> str:
    """The table of what there is, words by session and location, and every remark."""
    lines = [f"{'':6}{'sessions':>9}{'speakers':>9}{'utterances':>11}{'words':>8}{'hours':>7}"]
    for name, wanted in sets.items():
        words = sum(wanted.words.values())
        hours = sum(utt.dur_sec for utt in wanted.utts) / 3600
        speakers = len({utt.speaker for utt in wanted.utts})
        line = f"{name:6}{len(wanted.sessions):9}{speakers:9}{len(wanted.utts):11}{words:8}"
        lines.append(f"{line}{hours:7.2f}")
        if name != "train":
            lines += [
                f"       {session} {location:10} {count:6} words"
                for (session, location), count in sorted(wanted.words.items())
            ]
    return "\n".join([*lines, *notes.lines()])
