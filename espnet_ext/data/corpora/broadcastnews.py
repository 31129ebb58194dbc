"""English Broadcast News, the training sets of Hub4 1996 and 1997: LDC97S44 and LDC98S71.

SRC holds the recordings and the transcripts (LDC97T22, LDC98T28), at any depth:

    LDC97S44/data/a960521.sph     16 kHz; where shorten packed it, a converted .wav or .flac beside
    hub4_eng_train_trans/9605/a960521.txt
            <Segment S_time=0.28 E_time=9.95 Speaker="Ted_Koppel" Mode=Planned Fidelity=High>
            <Sync Time=4.11>
            good evening from @Washington
    hub4e97_trans_980217/transcrp/ea970114.sgml
            <turn speaker=Peter_Jennings spkrtype=male startTime=336.704 endTime=338.229>
            <time sec=337.575>

Sets (--sets, in quotes): train_1996, train_1997, and train of both. An utterance goes from one time
mark to the next: a960521-Ted_Koppel-0000028-0000411 of speaker a960521-Ted_Koppel. Words by
`espnet_ext/data/english.py`, which leaves out [noises], {breaths} and the marks of names, overlaps
and unclear words; as in Kaldi's recipe the words themselves stay. Utterances with <foreign> speech
or digits are left out. There is no test set here: SpeechStew trains on this corpus.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data import sphere
from espnet_ext.data.english import is_spelt_out, normalise
from espnet_ext.data.findings import Findings, write_set
from espnet_ext.data.headers import glance
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.meetings import Notes, fit_to_recordings, look_at
from espnet_ext.data.telephone import find_calls

OBTAIN = (
    "it is LDC97S44 and LDC98S71, with transcripts LDC97T22 and LDC98T28 (catalog.ldc.upenn.edu); "
    "unpack all of them under SRC"
)
SETS = {"train_1996": (".txt",), "train_1997": (".sgml",), "train": (".txt", ".sgml")}
SMOKE_UTTERANCES = 12
AGAIN = "unpack the transcripts again"
TAG = re.compile(r"(<[^<>]*>)")
FIELD = re.compile(r'([a-z_]+)="?([^\s">]+)')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--sets", type=str.split, default=["train"], help="which, in quotes")
    parser.add_argument("--size", choices=("full", "smoke"), default="full")


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/<set> for each set; raises UserError for all that is missing or damaged."""
    if unknown := [name for name in options.sets if name not in SETS]:
        raise UserError(f"--sets {unknown[0]}: expected some of {' '.join(SETS)}")
    shows = [path for path in sorted(src.rglob("*")) if path.suffix.lower() in SETS["train"]]
    shows = [path for path in shows if is_transcript(path)]
    if not shows:
        raise UserError(f"{src}: no transcript such as a960521.txt at any depth; {OBTAIN}")
    found, notes, audio = Findings(src), Notes(), find_calls(src, "*")
    print(f"{'set':<12}{'shows':>6}{'utterances':>11}{'hours':>8}")
    for name in options.sets:
        own = [path for path in shows if path.suffix.lower() in SETS[name]]
        if not own:
            found.add("sets without a transcript", name, AGAIN)
        utts = (utt for path in own for utt in of_show(path, audio, found, notes))
        utts = islice(utts, SMOKE_UTTERANCES) if options.size == "smoke" else utts
        total, sum_sec = write_set(dst / name, utts, found)
        print(f"{name:<12}{len(own):>6}{total:>11,}{sum_sec / 3600:>8.2f}")
    found.raise_any()
    print(*notes.lines(), sep="\n")


def is_transcript(path: Path) -> bool:
    with path.open("rb") as handle:
        return b"<episode" in handle.read(4000).lower()


def of_show(
    path: Path, audio: dict[str, Path], found: Findings, notes: Notes
) -> Iterator[Utterance]:
    """The utterances of a show, cut where its recording ends."""
    show = path.stem.rstrip("_").lower()
    wav = next((where for stem, where in audio.items() if stem.lower() == show), None)
    if wav is None:
        found.add("transcripts without a recording", path, "copy the recordings again")
        return
    header = sphere.read_header(wav)
    if header and header.packed:
        kind = "recordings that are packed, of which no stretch can be read alone"
        found.add(kind, wav, sphere.CONVERT)
        return
    seen: set[str] = set()
    sounds = look_at([str(wav)], found, glance)
    for utt in fit_to_recordings(read_show(path, show, str(wav), found, notes), sounds, notes):
        if utt.utt in seen:
            notes.add("left out: utterances that are there already", utt.utt)
        else:
            seen.add(utt.utt)
            yield utt


def read_show(
    path: Path, show: str, wav: str, found: Findings, notes: Notes
) -> Iterator[Utterance]:
    """The stretches between time marks that have words."""
    speaker, at, end, words = "", "", "", []
    for piece in TAG.split(path.read_text("latin-1")):
        tag = piece[1:].split(None, 1)[0].rstrip(">").lower() if piece.startswith("<") else ""
        fields = dict(FIELD.findall(piece.lower())) if tag else {}
        if tag in ("segment", "turn"):
            speaker, words = re.search(r'(?i)speaker="?([^\s">]+)|$', piece)[1] or "unknown", []
            at = fields.get("s_time", fields.get("starttime", ""))
            end = fields.get("e_time", fields.get("endtime", ""))
        elif tag in ("sync", "time", "/segment", "/turn"):
            mark = fields.get("time", fields.get("sec", "")) if tag in ("sync", "time") else end
            where = f"{path}: {show} {speaker} {at}"
            if speaker:
                yield from stretch(show, speaker, wav, (at, mark), words, where, found, notes)
            at, words = mark, []
            speaker = "" if tag.startswith("/") else speaker
        elif tag in ("foreign", "/foreign"):
            words.append("<foreign>")
        elif not tag:
            words.append(piece)


def stretch(
    show: str,
    speaker: str,
    wav: str,
    times: tuple[str, str],
    words: list[str],
    where: str,
    found: Findings,
    notes: Notes,
) -> Iterator[Utterance]:
    """An utterance, if there is one to train on."""
    said = " ".join(words)
    text = normalise(said)
    if not text:
        return
    try:
        start_cs, end_cs = (round(100 * float(sec)) for sec in times)
    except (ValueError, OverflowError):
        found.add("time marks that are no numbers", f"{where}: {times}", AGAIN)
        return
    if "<foreign>" in said or not is_spelt_out(text):
        notes.add("left out: foreign speech, digits", f"{where}: {text}")
    elif not 0 <= start_cs < end_cs:
        notes.add("left out: no length, or an end before the start", where)
    else:
        who = f"{show}-{re.sub('[^A-Za-z0-9_]', '_', speaker)}"
        utt, dur_sec = f"{who}-{start_cs:07d}-{end_cs:07d}", (end_cs - start_cs) / 100
        yield Utterance(utt, who, wav, dur_sec, text, show, start_cs / 100, end_cs / 100)
