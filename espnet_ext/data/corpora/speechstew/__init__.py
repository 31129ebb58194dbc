"""SpeechStew (arXiv 2104.02133): prepared corpora mixed into one, with one way to write words.

SRC holds data directories that prepare_corpus has written, each corpus in a folder of its own:

    ami/train_ihm/{wav.scp,segments,text,utt2spk,utt2dur}
    librispeech/train_960/{wav.scp,text,utt2spk,utt2dur}

--mix FILE is a yaml that says which of them are in train, in dev and among the tests, and how often
each corpus is heard (egs2/speechstew/ssl1/conf/mix; the paper's has each once):

    train: {ami: {dirs: [ami/train_ihm], copies: 2}, librispeech: {dirs: [librispeech/train_960]}}
    dev: {ami: {dirs: [ami/dev_ihm]}}
    tests: [ami/eval_ihm, librispeech/test_clean]

Sets (--sets, in quotes; by default all): train, dev, and each test by itself, as ami_eval_ihm. In
train and dev utterance U of speaker S of AMI is ami-U of ami-S, a second copy of it ami-U@2; whole
files stand in `segments` from 0 to their end, to the millisecond. Tests keep their ids, and their
stm, glm and the like. Audio is neither copied nor read: paths in wav.scp stay as they are.

Words are written by the rules of `espnet_ext/data/english.py`. Utterances without a word are left
out; of training those with digits or other alphabets, too.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.speechstew.mix import MIXED, Mix, balance, copies_of, read_mix
from espnet_ext.data.corpora.speechstew.reader import hours_of, read_dir
from espnet_ext.data.english import is_spelt_out, normalise
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance, read_table
from espnet_ext.data.meetings import Notes

OBTAIN = (
    "prepare its corpora one by one, `prepare_corpus ami SRC DST/ami` and so on: its SRC is DST"
)
SMOKE_UTTERANCES = 12  # of each directory
BESIDE = ("stm", "glm", "uem", "reco2file_and_channel", "spk2gender")  # and utt2…
AGAIN = "prepare it again"


@dataclass
class Counts:
    """Utterances and hours of a corpus in a mix."""

    copies: float
    before_hours: float
    utts: int = 0
    left_out: int = 0
    after_utts: int = 0
    after_sec: float = 0.0


@dataclass
class Pass:
    """One run: what is mixed, and what was found on the way."""

    src: Path
    mix: Mix
    smoke: bool
    found: Findings
    notes: Notes = field(default_factory=Notes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--mix", type=Path, required=True, help="yaml with the directories")
    parser.add_argument("--corpora", type=str.split, default=[], help="of the mix, in quotes")
    parser.add_argument("--sets", type=str.split, default=[], help="which, in quotes")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")
    parser.add_argument(
        "--needs", type=str2bool, default=False, help="only print `corpus set set …` of SRC"
    )


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: a mix that cannot be read, or all that is missing or damaged.
    """
    mix = read_mix(options.mix)
    mix = mix.only(options.corpora) if options.corpora else mix
    known = [*(name for name in MIXED if getattr(mix, name)), *mix.tests]
    sets = options.sets or known
    if unknown := [name for name in sets if name not in known]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(known)}")
    needed = dirs_of(mix, sets)
    if options.needs:
        print("\n".join(by_corpus(needed)))
        return
    this = Pass(src, mix, options.size == "smoke", Findings(src))
    check_dirs(this, needed)
    for name in (name for name in sets if name in MIXED):
        write_mixed(this, name, dst / name)
    for name in (name for name in sets if name in mix.tests):
        write_test(this, src / mix.tests[name], dst / name)
    this.found.raise_any()
    print(*this.notes.lines(), sep="\n")


def dirs_of(mix: Mix, sets: list[str]) -> list[str]:
    """The data directories that the sets are made of, each once."""
    mixed = [part for name in MIXED if name in sets for part in getattr(mix, name).values()]
    dirs = [where for part in mixed for where in part.dirs]
    return [*dict.fromkeys([*dirs, *(mix.tests[name] for name in sets if name in mix.tests)])]


def by_corpus(needed: list[str]) -> list[str]:
    """Such as `ami train_ihm eval_sdm`."""
    sets: dict[str, list[str]] = {}
    for where in needed:
        corpus, _, name = where.partition("/")
        sets.setdefault(corpus, []).append(name)
    return [" ".join([corpus, *names]) for corpus, names in sets.items()]


def check_dirs(this: Pass, needed: list[str]) -> None:
    """Look for every directory that the sets need.

    Raises:
        UserError: none of them is there, or some are not.
    """
    absent = [d for d in needed if not (this.src / d / "wav.scp").is_file()]
    if len(absent) == len(needed):
        raise UserError(f"{this.src}: none of the {len(needed)} data directories of the mix, such "
                        f"as {needed[0]}; expected prepared corpora; {OBTAIN}")  # fmt: skip
    for where in absent:
        mend = f"{AGAIN}, or choose others with --corpora and --sets"
        this.found.add("data directories that are not there", this.src / where, mend)
    this.found.raise_any()


def write_mixed(this: Pass, name: str, path: Path) -> None:
    """`train` or `dev`, and its table."""
    parts = getattr(this.mix, name)
    hours: dict[str, float] = {}
    for corpus, part in parts.items():
        try:
            hours[corpus] = sum(hours_of(this.src / d) for d in part.dirs)
        except UserError as err:
            this.found.add("durations that cannot be read", err, AGAIN)
            hours[corpus] = 0.0
    copies = balance(parts, hours, name)
    counts = {corpus: Counts(copies[corpus], hours[corpus]) for corpus in parts}

    def mixed() -> Iterator[Utterance]:
        for corpus, part in parts.items():
            heldout = held_out(this, corpus) if name == "train" else (set(), set())
            for where in part.dirs:
                for utt in cleaned(this, where, name == "train", counts[corpus], heldout):
                    yield from copied(corpus, utt, counts[corpus], this.mix.seed)

    write_set(path, mixed(), this.found)
    print("\n".join(table(name, counts)))


def held_out(this: Pass, corpus: str) -> tuple[set[str], set[str]]:
    """Utterances and speakers of a corpus in dev and tests, as far as these are there."""
    dirs = this.mix.dev[corpus].dirs if corpus in this.mix.dev else []
    dirs = [*dirs, *(where for where in this.mix.tests.values() if where.startswith(f"{corpus}/"))]
    there = [this.src / d / "utt2spk" for d in dirs if (this.src / d / "utt2spk").is_file()]
    rows = [row for path in there for row in read_table(path)]
    return {utt for utt, _ in rows}, {speaker for _, speaker in rows}


def cleaned(
    this: Pass,
    where: str,
    train: bool,
    counts: Counts,
    heldout: tuple[set[str], set[str]] = (set(), set()),
) -> Iterator[Utterance]:
    """The utterances of a directory with words as all others have them."""
    heard: set[str] = set()
    utts = read_dir(this.src / where)
    try:
        for utt in islice(utts, SMOKE_UTTERANCES) if this.smoke else utts:
            counts.utts += 1
            if utt.utt in heldout[0]:
                this.found.add("utterances of train in dev or a test", f"{where}: {utt.utt}", AGAIN)
            if utt.speaker in heldout[1] and utt.speaker not in heard:
                heard.add(utt.speaker)
                this.notes.add(f"speakers of {where} in dev or a test", utt.speaker)
            text = normalise(utt.text or "")
            if not text:
                this.notes.add("left out: utterances without a word", f"{where}: {utt.utt}")
            elif train and not is_spelt_out(text):
                first = f"{where}: {utt.utt} {text}"
                this.notes.add("left out of training: digits, other alphabets", first)
            else:
                yield replace(utt, text=text)
                continue
            counts.left_out += 1
    except UserError as err:
        kind = "data directories whose tables cannot be read, or disagree"
        this.found.add(kind, err, "mend them in their own recipe")


def copied(corpus: str, utt: Utterance, counts: Counts, seed: int) -> Iterator[Utterance]:
    """As many of it as the mix wants, with ids that no other corpus has."""
    for n in range(copies_of(utt.utt, counts.copies, seed)):
        counts.after_utts += 1
        counts.after_sec += utt.dur_sec
        yield replace(
            utt,
            utt=f"{corpus}-{utt.utt}" + (f"@{n + 1}" if n else ""),
            speaker=f"{corpus}-{utt.speaker}",
            recording=f"{corpus}-{utt.recording}",
        )


def write_test(this: Pass, folder: Path, path: Path) -> None:
    """A test set as it is but for its words, with the tables that it is scored by."""
    counts = Counts(1.0, 0.0)
    whole = not (folder / "segments").exists()
    utts = cleaned(this, str(folder.relative_to(this.src)), False, counts)
    if whole:
        utts = (replace(utt, recording=None, start_sec=None, end_sec=None) for utt in utts)
    total, sum_sec = write_set(path, utts, this.found)
    print(f"{path.name:<24}{total:>11,} utterances{sum_sec / 3600:>9.2f} hours")
    if not this.found:
        for table_path in sorted(folder.iterdir()):
            name = table_path.name
            extra = name.startswith("utt2") and name not in ("utt2spk", "utt2dur")
            if name in BESIDE or extra:
                shutil.copyfile(table_path, path / name)


def table(name: str, counts: dict[str, Counts]) -> list[str]:
    """Utterances and hours of each corpus before and after."""
    total_sec = sum(count.after_sec for count in counts.values()) or 1.0
    head = f"{name:<16}{'utterances':>11}{'hours':>10}{'left out':>10}{'copies':>8}"
    lines = [f"{head}{'utterances':>12}{'hours':>10}{'share':>8}"]
    for corpus, c in counts.items():
        row = f"  {corpus:<14}{c.utts:>11,}{c.before_hours:>10.2f}{c.left_out:>10,}{c.copies:>8.2f}"
        share = 100 * c.after_sec / total_sec
        lines.append(f"{row}{c.after_utts:>12,}{c.after_sec / 3600:>10.2f}{share:>7.1f}%")
    sums = [sum(getattr(c, key) for c in counts.values()) for key in ("utts", "after_utts")]
    before = sum(c.before_hours for c in counts.values())
    row = f"  {'together':<14}{sums[0]:>11,}{before:>10.2f}{'':>18}"
    return [*lines, f"{row}{sums[1]:>12,}{total_sec / 3600:>10.2f}"]
