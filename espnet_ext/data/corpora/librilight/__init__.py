"""Libri-light: 60,000 hours of audiobooks without transcripts, cut in place by a rule.

SRC is the folder that holds small, medium or large:

    small/100/sea_fairies_0812_librivox_64kb_mp3/01_baum_sea_fairies_64kb.flac
    small/100/sea_fairies_0812_librivox_64kb_mp3/01_baum_sea_fairies_64kb.json
                     {"speaker": "100", …, "voice_activity": [[0.4, 12.32], [13.04, 21.6], …]}

Sets (--sets, in quotes; by default a set for each subset that is there):

    small medium large
    unlab_600 unlab_6k unlab_60k    small; small and medium; all three, as in Libri-light's paper

Rules (--rule):

    atm     pieces of a random 32 to 64 s that tile a recording; training crops 32 s (crop_sec: 32)
    w2v2    stretches of voice in a row, up to --most_sec and without a pause over --pause_sec;
            training crops 15.6 s (BASE) or 20 s (LARGE)

The audio stays where it is: `segments` names the pieces, SPEAKER-BOOK-FILE-00012 of the recording
SPEAKER-BOOK-FILE. They depend on the recording, the options and --seed alone, so a set has the same
pieces as its larger one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.corpora.librilight.books import Counts, read_book
from espnet_ext.data.download import Archive
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.walk import folders, in_order

URL = "https://dl.fbaipublicfiles.com/librilight/data"
MD5 = {
    "small": "c49207eb86a8e8ac895561c37232041e",
    "medium": "c75e7ac62471bfbf2db77528d62a9b74",
    "large": "4dfbac018f50b99797ece101fc9f0c30",
}
SETS = {subset: [subset] for subset in MD5} | {
    "unlab_600": ["small"],
    "unlab_6k": ["small", "medium"],
    "unlab_60k": ["small", "medium", "large"],
}
PUBLISHED = {  # recordings, hours (Libri-light, table 1)
    "unlab_600": (2588, 577.2),
    "unlab_6k": (21327, 5770.7),
    "unlab_60k": (219041, 57706.4),
}
SMOKE_SEGMENTS = 12
AGAIN = "fetch and unpack the archive again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=[], help="what to write, in quotes")
    parser.add_argument("--rule", choices=("atm", "w2v2"), default="atm")
    parser.add_argument("--seed", type=int, default=0, help="of atm's lengths")
    parser.add_argument("--min_sec", type=float, default=2.0, help="shorter pieces are left out")
    parser.add_argument("--most_sec", type=float, default=60.0, help="longest piece of w2v2")
    parser.add_argument("--pause_sec", type=float, default=2.0, help="longest pause in one")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def archives(src: Path, options: argparse.Namespace) -> list[Archive]:
    """The tar files of the sets."""
    subsets = {subset: None for name in options.sets or ["small"] for subset in SETS.get(name, [])}
    return [
        Archive(f"{URL}/{subset}.tar", src / subset, subset, f"md5:{MD5[subset]}")
        for subset in subsets
    ]


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set, without text.

    Raises:
        UserError: all that is missing or damaged, or no such rule's values.
    """
    there = [subset for subset in MD5 if (src / subset).is_dir()]
    sets = options.sets or there
    if unknown := [name for name in sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    if not 0 < options.min_sec < options.most_sec or options.pause_sec < 0:
        raise UserError("expected 0 < --min_sec < --most_sec and 0 <= --pause_sec")
    if not sets:
        raise UserError(f"{src}: no {', '.join(MD5)}; expected the folder that holds one of them")
    found = Findings(src)
    for subset in dict.fromkeys(s for name in sets for s in SETS[name] if s not in there):
        mend = "--download true fetches them; or name another set in --sets"
        found.add("subsets that are not there", src / subset, mend)
    for name in sets:
        counts = Counts()
        utts = segments([src / s for s in SETS[name] if s in there], options, found, counts)
        if options.size == "smoke":
            utts = islice(utts, SMOKE_SEGMENTS)
        total, sum_sec = write_set(dst / name, utts, found)
        print("\n".join(summary(name, counts, total, sum_sec)))
    found.raise_any()


def segments(
    subsets: list[Path], options: argparse.Namespace, found: Findings, counts: Counts
) -> Iterator[Utterance]:
    """The pieces of all recordings of the subsets, one book after another."""
    books = (
        (subset / speaker / book, speaker)
        for subset in subsets
        for speaker in folders(subset)
        for book in folders(subset / speaker)
    )
    for book in in_order(partial(read_book, options=options), books, options.nj):
        for kind, first in book.faults:
            found.add(kind, first, AGAIN)
        counts.add(book.counts)
        yield from book.utts


def summary(name: str, counts: Counts, total: int, sum_sec: float) -> list[str]:
    """Hours before and after, and where the rest went."""
    before = counts.sum_ms / 3.6e6
    rows = [f"{name}: {counts.recordings:,} recordings, {before:,.2f} hours"]
    if name in PUBLISHED:
        rows[0] += f" (published: {PUBLISHED[name][0]:,}, {PUBLISHED[name][1]:,})"
    if counts.voice_ms:
        hours = counts.voice_ms / 3.6e6
        rows.append(f"  voice          {hours:>12,.2f} hours, none in {counts.silent:,} recordings")
    mean = sum_sec / max(total, 1)
    rows.append(f"  segments       {sum_sec / 3600:>12,.2f} hours, {total:,} of {mean:.1f} s")
    rows.append(f"  left out, short{counts.short_ms / 3.6e6:>12,.2f} hours, {counts.short:,}")
    return rows
