"""Wall Street Journal: WSJ0 (LDC93S6A or B) and WSJ1 (LDC94S13A or B), 81 hours of read news.

SRC holds the numbered discs, or wsj0 and wsj1 merged of them; at any depth, in either case:

    11-1.1/wsj0/si_tr_s/01i/01ic0201.wv1      SPHERE, packed by shorten; or a copy, .wav or .flac
    11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx      11_1_1:wsj0/si_tr_s/01i/01ic0201.wv1
    11-13.1/wsj0/transcrp/dots/si_tr_s/01i/01ic0200.dot
                                              The female produces a litter (01ic0201)
    13-16.1/WSJ1/SI_DT_20/4K0/4K0C0301.WV1

Sets (--sets, in quotes), of the Sennheiser microphone, by the indices that Kaldi takes:

    train_si84    7,138 utterances    WSJ0 train/tr_s_wv1.ndx without speaker 401, whom discs lack
    train_si284  37,416               that, and WSJ1 si_tr_s.ndx
    dev93           503               WSJ1 h1_p0.ndx: 8,234 words
    eval92          333               WSJ0 test/nvp/si_et_20.ndx: 5,643 words
    eval93          213               WSJ1 wsj1/eval/h1_p0.ndx: 3,448 words

Utterance 01ic0201 of speaker 01i. Packed audio is read in place. Texts follow Kaldi's rules:

    all in upper case, backslashes go
    %PERCENT .POINT --DASH              PERCENT POINT -DASH
    [<door_slam] [door_slam>] [phone_ring/] [/phone_ring] ~ .    left out
    [loud_breath]                       left out; Kaldi has <NOISE>: --noise_word
    <and>                               AND: it was said
    everything else, such as ,COMMA and "DOUBLE-QUOTE, stays
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data import sphere
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.headers import glance
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import spread
from espnet_ext.data.walk import in_order

OBTAIN = (
    "it is LDC93S6A or LDC93S6B, and LDC94S13A or LDC94S13B (catalog.ldc.upenn.edu); copy the "
    "discs to folders such as 11-1.1 and 13-34.1 under SRC"
)
AGAIN = "copy its disc again"
# set: indices, utterances (tests: Kaldi's wsj_data_prep.sh; si84: its run.sh; si284: speechbrain's
# recipe), words without noises (Kaldi's wsj/s5/RESULTS; eval93: figures in its nnet2 scripts)
SETS = {
    "train_si84": (["wsj0/doc/indices/train/tr_s_wv1.ndx"], 7138, None),
    "train_si284": (
        ["wsj0/doc/indices/train/tr_s_wv1.ndx", "wsj1/doc/indices/si_tr_s.ndx"],
        37416,
        None,
    ),
    "dev93": (["wsj1/doc/indices/h1_p0.ndx"], 503, 8234),
    "eval92": (["wsj0/doc/indices/test/nvp/si_et_20.ndx"], 333, 5643),
    "eval93": (["wsj1/doc/indices/wsj1/eval/h1_p0.ndx"], 213, 3448),
}
ABSENT = "wsj0/si_tr_s/401/"  # in the index, on no disc (Kaldi leaves it out, too)
AUDIO = ("flac", "wav", "wv1")  # of copies of an utterance the first that is there
SMOKE_UTTERANCES = 12
UNHEARD = re.compile(r"\[<\w+\]|\[\w+>\]|.*\[\w+/\]|.*\[/\w+\]|~|\.")
NOISE = re.compile(r"\[\w+\]")
SAID = re.compile(r"<([\w']+)>")
RENAMED = {"%PERCENT": "PERCENT", ".POINT": "POINT", "--DASH": "-DASH"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=list(SETS), help="which, in quotes")
    parser.add_argument("--noise_word", default="", help="what noises become; Kaldi: <NOISE>")
    parser.add_argument(
        "--complete", type=str2bool, default=True, help="every utterance must be there"
    )
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set.

    Raises:
        UserError: all that is missing or damaged, or another number of utterances or words than is
            published.
    """
    if unknown := [name for name in options.sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    corpus = Corpus(src, options)
    print(f"{'set':<12}{'speakers':>9}{'utterances':>11}{'hours':>7}{'words':>9}  published")
    for name in options.sets:
        corpus.write(name, dst / name)
    corpus.found.raise_any()


def normalise(words: str, noise_word: str = "") -> str:
    r"""A transcript as Kaldi's normalize_transcript.pl makes it.

    >>> normalise("<and> [<door_slam] one \\%percent . [loud_breath] --dash ,comma", "<NOISE>")
    'AND ONE PERCENT <NOISE> -DASH ,COMMA'
    """
    kept = []
    for word in words.upper().replace("\\", "").split():
        word = RENAMED.get(word, word)
        if UNHEARD.fullmatch(word):
            continue
        said = SAID.fullmatch(word)
        kept.append(noise_word if NOISE.search(word) else said[1] if said else word)
    return " ".join(word for word in kept if word)


class Corpus:
    """One pass over the discs: where everything is, and what was found to be wrong."""

    def __init__(self, src: Path, options: argparse.Namespace):
        self.src, self.options, self.found = src, options, Findings(src)
        self.places: dict[str, str] = {}  # wsj0/si_tr_s/01i/01ic0201 -> its file
        self.dots: dict[str, str] = {}  # 01ic0200 -> its transcripts
        self.index_discs()
        if not self.places and not self.dots:
            raise UserError(f"{src}: no wsj0 or wsj1 at any depth; {OBTAIN}")

    def index_discs(self) -> None:
        """Names in lower case, from wsj0 or wsj1 on: discs differ in case, their copies too."""
        for folder, _, names in sorted(os.walk(self.src, followlinks=True)):
            below = [part.lower() for part in Path(folder).absolute().parts]
            starts = [i for i, part in enumerate(below) if part in ("wsj0", "wsj1")]
            for name in sorted(names):
                stem, suffix = suffix_of(name)
                if suffix == "dot":
                    self.dots.setdefault(stem, f"{folder}/{name}")
                elif suffix == "ndx" or suffix in AUDIO:
                    last = name.lower() if suffix == "ndx" else stem
                    for start in starts:
                        self.place("/".join([*below[start:], last]), f"{folder}/{name}")

    def place(self, key: str, path: str) -> None:
        known = self.places.get(key)
        if known is None or rank(path) < rank(known):
            self.places[key] = path

    def wanted(self, name: str) -> list[str]:
        """Utterances of a set, as wsj0/si_tr_s/01i/01ic0201, in the order of their ids."""
        # 11_1_1:wsj0/si_tr_s/01i/01ic0201.wv1
        keys = set()
        for index in SETS[name][0]:
            if index not in self.places:
                self.found.add("indices that are not there", self.src / index, AGAIN)
                continue
            lines = Path(self.places[index]).read_text(encoding="latin-1").splitlines()
            for number, line in enumerate(lines, 1):
                _, colon, path = line.strip().lower().partition(":")
                if not line.strip() or line.startswith(";"):
                    continue
                if not colon or not path.strip().startswith(("wsj", "/wsj")):
                    example = f"{self.places[index]}:{number}: {line[:60]}"
                    self.found.add("lines of indices that are not `disc:path`", example, AGAIN)
                    continue
                key = path.strip().lstrip("/").removesuffix(".wv1")
                if not key.startswith(ABSENT):
                    keys.add(key)
        return sorted(keys, key=lambda key: key.rpartition("/")[2])

    def write(self, name: str, path: Path) -> None:
        """One set, and its line of the table."""
        _, utterances, words = SETS[name]
        keys = self.wanted(name)
        there = [key for key in keys if key in self.places]
        whole = self.options.complete and self.options.size == "full"
        if whole and len(there) < len(keys):
            first = next(key for key in keys if key not in self.places)
            kind = f"utterances of {name} that are on no disc"
            mend = "copy the discs again, or pass --complete false for a part of the corpus"
            self.found.add(kind, f"{first}.wv1", mend, len(keys) - len(there))
        if not there:
            self.found.add("sets with no utterance", name, "leave them out of --sets")
            return
        if self.options.size == "smoke":
            there = spread(there, SMOKE_UTTERANCES)
        count, speakers = 0, set()

        def counted() -> Iterator[Utterance]:
            nonlocal count
            for utt in self.utterances(there):
                count += sum(word != self.options.noise_word for word in utt.text.split())
                speakers.add(utt.speaker)
                yield utt
            if whole and not self.found and words not in (None, count):
                example = f"{name}, {count:,}, in Kaldi {words:,}"
                self.found.add("sets with another number of words", example, AGAIN)

        total, sum_sec = write_set(path, counted(), self.found, utterances if whole else None)
        shown = f"{utterances:,} utterances" + (f", {words:,} words" if words else "")
        row = f"{name:<12}{len(speakers):>9}{total:>11,}{sum_sec / 3600:>7.2f}{count:>9,}"
        print(f"{row}  {shown}")

    def utterances(self, keys: Iterable[str]) -> Iterator[Utterance]:
        """In order; faults go to `found`."""
        for dot, own in groupby(keys, key=lambda key: key.rpartition("/")[2][:6] + "00"):
            own = list(own)
            texts = self.transcripts(dot)
            paths = [self.places[key] for key in own]
            sounds = in_order(glance, paths, self.options.nj)
            for key, path, sound in zip(own, paths, sounds, strict=True):
                utt = key.rpartition("/")[2]
                text = texts.get(utt)
                if sound.fault:
                    self.unusable(sound.fault, sound.detail or path)
                elif (sound.rate, sound.channels) != (16000, 1):
                    self.found.add("audio files that are not 16 kHz mono", path, AGAIN)
                elif text is None:
                    self.found.add("utterances without a transcript", path, f"{dot}.dot has it")
                elif not text:
                    self.found.add("transcripts without a word", utt, "pass --noise_word '<NOISE>'")
                else:
                    yield Utterance(utt, utt[:3], path, sound.frames / 16000, text)

    def unusable(self, fault: str, detail: str) -> None:
        kind = {"audio_empty": "empty", "audio_truncated": "cut-off"}.get(fault, "unreadable")
        mend = sphere.CONVERT if "packed as" in detail else AGAIN
        self.found.add(f"{kind} audio files", detail, mend)

    def transcripts(self, dot: str) -> dict[str, str]:
        """Utterance -> normalised text, of one dot file."""
        # The female produces a litter of two to four young in November (01ic0201)
        if dot not in self.dots:
            return {}
        found = {}
        for line in Path(self.dots[dot]).read_text(encoding="latin-1").splitlines():
            if row := re.fullmatch(r"\s*(.*?)\s*\(\s*(\w+)\s*\)\s*", line):
                found[row[2].lower()] = normalise(row[1], self.options.noise_word)
        return found


def suffix_of(name: str) -> tuple[str, str]:
    """`4K0C0301.WV1` -> `4k0c0301`, `wv1`."""
    stem, _, suffix = name.lower().rpartition(".")
    return stem, suffix


def rank(path: str) -> tuple[int, str]:
    """Which of two copies is taken: what needs no unpacking, then by name."""
    suffix = suffix_of(path)[1]
    return (AUDIO.index(suffix) if suffix in AUDIO else 0, path)
