"""LibriSpeech (OpenSLR 12), and the limited supervision that Libri-light cuts out of it.

SRC is the folder LibriSpeech, or one that holds it:

    LibriSpeech/SPEAKERS.TXT
    LibriSpeech/dev-clean/84/121123/84-121123-0000.flac
    LibriSpeech/dev-clean/84/121123/84-121123.trans.txt     84-121123-0000 GO DO YOU HEAR

Sets (--sets, in quotes; by default a set for each subset that is there):

    train_clean_100 train_clean_360 train_other_500 dev_clean dev_other test_clean test_other
    train_960                       the three of training
    dev                             dev_clean and dev_other
    train_10min train_1h train_10h  of Libri-light's archive librispeech_finetuning (--finetuning;
                                    else beside LibriSpeech): 10 min is 1h/0, 1 h is 1h/{0..5}, 10 h
                                    is that and 9h, with files such as
                                    1h/0/clean/3526/175658/3526-175658-0000.flac
                                    Where it is not, and --lists is given: cut out of
                                    train-clean-100 and train-other-500 by lists of utterance ids.

Utterance ids are those of the corpus. Kaldi takes each chapter for a speaker of its own, 84-121123;
so do we, unless --speakers plain asks for 84. Transcripts stay as they are: upper case, no
punctuation but the apostrophe. Each set also has a spk2gender.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.librispeech import published, tree
from espnet_ext.data.corpora.librispeech.published import FINETUNING, LIMITED, SETS, SUBSETS
from espnet_ext.data.download import Archive
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance, read_table, write_table
from espnet_ext.data.walk import in_order

SMOKE_UTTERANCES = 12  # of each set


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=[], help="what to write, in quotes")
    parser.add_argument("--speakers", choices=("chapter", "plain"), default="chapter")
    parser.add_argument("--finetuning", type=Path, help="Libri-light's limited supervision")
    parser.add_argument("--lists", type=Path, help="its lists 10min 1h 10h, to cut it out")
    parser.add_argument(
        "--complete", type=str2bool, default=True, help="every speaker and utterance must be there"
    )
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def root_of(src: Path) -> Path:
    """The folder that has the subsets, or shall have them."""
    here = src.name == "LibriSpeech" or any((src / subset).is_dir() for subset in SUBSETS)
    return src if here else src / "LibriSpeech"


def archives(src: Path, options: argparse.Namespace) -> list[Archive]:
    """What the sets need of OpenSLR and Libri-light."""
    sets = options.sets or [name for name in SETS if len(SETS[name]) == 1]
    if options.finetuning:  # it is there, or that is said later
        sets = [name for name in sets if name not in LIMITED]
    return published.archives(root_of(src), sets, options.lists is not None)


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: all that is missing, damaged or in the wrong place, or another number of
            utterances than is published.
    """
    root = root_of(src)
    there = [subset for subset in SUBSETS if (root / subset).is_dir()]
    sets = options.sets or [name for name in SETS if set(SETS[name]) <= {*there} and name != "dev"]
    if unknown := [name for name in sets if name not in {**SETS, **LIMITED}]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join([*SETS, *LIMITED])}")
    if not sets:
        raise UserError(f"{src}: no {', '.join(SUBSETS)}; expected the folder LibriSpeech")
    corpus = Corpus(src, root, options)
    corpus.check(sets)
    print(f"{'set':<16}{'utterances':>11}{'hours':>9}  published")
    for name in sets:
        corpus.write(name, dst / name)
    corpus.found.raise_any()


class Corpus:
    """One pass over a LibriSpeech: what all sets have in common, and what was found."""

    def __init__(self, src: Path, root: Path, options: argparse.Namespace):
        self.root, self.options, self.found = root, options, Findings(src)
        beside = root.parent / FINETUNING
        if options.lists and not beside.is_dir():
            beside = None
        self.finetuning: Path | None = options.finetuning or beside
        self.speakers: dict[str, tuple[str, str]] = {}

    def check(self, sets: list[str]) -> None:
        """Look for the folders that the sets need, and for the speakers in them."""
        needed = {subset for name in sets for subset in SETS.get(name, [])}
        if self.finetuning is None and any(name in LIMITED for name in sets):
            needed |= set(published.LIMITED_FROM)
        there = [subset for subset in sorted(needed) if (self.root / subset).is_dir()]
        for subset in sorted(needed - {*there}):
            mend = "--download true fetches them; or leave them out of --sets"
            self.found.add("subsets that are not there", self.root / subset, mend)
        table = self.root / "SPEAKERS.TXT"
        if there or table.exists():
            try:
                self.speakers = tree.read_speakers(table)
            except UserError as err:
                self.found.add("no table of the speakers", err, "each archive has it")
                return
            tree.check_speakers(self.root, there, self.speakers, self.found, self.options.complete)

    def write(self, name: str, path: Path) -> None:
        """One set, and its line of the table."""
        utts, published_all = self.utterances(name), published.expected(name)
        asserted = published_all if self.options.complete else None
        if self.options.size == "smoke":
            utts, asserted = islice(utts, SMOKE_UTTERANCES), None
        total, sum_sec = write_set(path, utts, self.found, asserted)
        shown = "-" if published_all is None else f"{published_all:,}"
        print(f"{name:<16}{total:>11,}{sum_sec / 3600:>9.2f}  {shown}")
        if self.speakers and not self.found:
            ids = [speaker for speaker, _ in read_table(path / "spk2utt")]
            genders = ((key, self.speakers[key.split("-")[0]][0]) for key in ids)
            write_table(path / "spk2gender", genders)

    def utterances(self, name: str) -> Iterator[Utterance]:
        """Read the chapters of a set, and note what is wrong with them."""
        read = partial(tree.read_chapter, plain=self.options.speakers == "plain")
        for utts, faults in in_order(read, self.chapters(name), self.options.nj):
            for kind, first, mend in faults:
                self.found.add(kind, first, mend)
            yield from utts

    def chapters(self, name: str) -> Iterator[tree.Chapter]:
        """The folders of a set; those that are not there are noted, once for all sets."""
        for subset in SETS.get(name, []):
            yield from tree.chapters(self.root / subset)
        if name in LIMITED and self.finetuning is None:
            yield from self.listed(self.options.lists / name.removeprefix("train_"))
        elif name in LIMITED:
            for folder in LIMITED[name][0]:
                for noise in ("clean", "other"):
                    part = self.finetuning / folder / noise
                    if not part.is_dir():
                        mend = "--download true fetches it; or pass --finetuning or --lists"
                        self.found.add(f"folders of {FINETUNING} that are not there", part, mend)
                    # its transcript files have those of utterances that were not chosen
                    yield from map(self.for_training, tree.chapters(part, whole=False))

    def for_training(self, chapter: tree.Chapter) -> tree.Chapter:
        """Note a speaker of a test set among those of limited supervision."""
        subset = self.speakers.get(chapter.speaker, ("", "train"))[1]
        if not subset.startswith("train"):
            kind = f"speakers of {subset} in {FINETUNING}"
            self.found.add(kind, chapter.path, "take the archive of Libri-light")
        return chapter

    def listed(self, path: Path) -> Iterator[tree.Chapter]:
        """The chapters of listed utterances, with those utterances alone."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for utt, _ in read_table(path):
            speaker, chapter, *_ = [*utt.split("-"), ""]
            wanted.setdefault((speaker, chapter), set()).add(utt)
        for (speaker, chapter), utts in sorted(wanted.items()):
            subset = self.speakers.get(speaker, ("", ""))[1]
            folder = self.root / subset / speaker / chapter
            if subset and folder.is_dir():
                yield tree.Chapter(str(folder), speaker, chapter, frozenset(utts))
            else:
                first = f"{path}: {min(utts)}"
                self.found.add("listed utterances that are not there", first, tree.AGAIN, len(utts))
