"""What corpora of telephone calls share: two speakers, one a channel, in one file of 8 kHz.

wav.scp               sw02001-B /swbd/swb1_d1/data/sw02001.sph#channel=2#rate=16000
segments              sw02001-B_000098-001156 sw02001-B 0.980 11.560
reco2file_and_channel sw02001-B sw02001 B
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from espnet_ext.data import sphere
from espnet_ext.data.findings import Findings
from espnet_ext.data.headers import Sound, probe
from espnet_ext.data.kaldi_dir import Utterance, write_table
from espnet_ext.data.walk import in_order

RATE = 16000  # what every set is brought to
OWN_RATE = 8000
SUFFIXES = (".flac", ".wav", ".sph")  # of copies of a call the first that is there
SIDES = "AB"


def find_calls(src: Path, names: str) -> dict[str, Path]:
    """Call -> its file, at any depth under `src`; `names` is a pattern such as `sw0*`."""
    found: dict[str, Path] = {}
    for path in sorted(src.rglob(f"{names}.*")):
        suffix = path.suffix.lower()
        if suffix in SUFFIXES and path.is_file():
            known = found.get(path.stem)
            if known is None or SUFFIXES.index(suffix) < SUFFIXES.index(known.suffix.lower()):
                found[path.stem] = path
    return found


def entry(path: Path, side: str) -> str:
    """What wav.scp says of one side of a call."""
    return f"{path}#channel={SIDES.index(side) + 1}#rate={RATE}"


def stretch(
    call: str, side: str, path: Path, start_cs: int, end_cs: int, text: str, between: str = "_"
) -> Utterance:
    """An utterance of one side, named as Kaldi does by its times in hundredths of a second."""
    who = f"{call}-{side}"
    return Utterance(
        utt=f"{who}{between}{start_cs:06d}-{end_cs:06d}",
        speaker=who,
        wav=entry(path, side),
        dur_sec=(end_cs - start_cs) / 100,
        text=text,
        recording=who,
        start_sec=start_cs / 100,
        end_sec=end_cs / 100,
    )


def look_at_calls(paths: Iterable[Path], found: Findings, nj: int) -> dict[str, Sound]:
    """wav.scp entry of each side -> what is known of its file; what cannot be used is a fault."""
    again = "copy it from the disc again"
    mends = {
        "audio_missing": ("calls that are not there", again),
        "audio_empty": ("empty calls", again),
        "audio_unreadable": ("unreadable calls", again),
        "audio_truncated": ("calls that are cut off", again),
    }
    paths, sounds = sorted({*paths}), {}
    for path, sound in zip(paths, in_order(_look, paths, nj), strict=True):
        if sound.fault:
            kind, mend = mends[sound.fault]
            if sphere.CONVERT in sound.detail:
                kind, mend = "calls packed in a way that nothing here unpacks", sphere.CONVERT
            found.add(kind, sound.detail or path, mend)
        elif (sound.rate, sound.channels) != (OWN_RATE, 2):
            what = f"{path} ({sound.rate} Hz, {sound.channels} channels)"
            found.add("files that are no calls", what, "expected two channels of 8 kHz")
        frames = sound.frames * RATE // OWN_RATE
        for side in SIDES:
            sounds[entry(path, side)] = Sound(RATE, 1, frames, sound.fault, sound.detail)
    return sounds


def _look(path: Path) -> Sound:
    return probe(str(path))


def write_sides(folder: Path, calls: Iterable[str]) -> None:
    """reco2file_and_channel, which NIST's programs and ours score by."""
    write_table(
        folder / "reco2file_and_channel",
        ((f"{call}-{side}", f"{call} {side}") for call in calls for side in SIDES),
    )


def spread_calls(utts: Iterable[Utterance], count: int) -> Iterator[Utterance]:
    """Each side's first utterance of half a second or more, then its next: `count` in all."""
    rounds: dict[str, list[Utterance]] = {}
    for utt in utts:
        if utt.dur_sec >= 0.5:
            rounds.setdefault(utt.speaker, []).append(utt)
    ranked = [(i, who, u) for who, own in rounds.items() for i, u in enumerate(own)]
    yield from (utt for _, _, utt in sorted(ranked, key=lambda row: row[:2])[:count])
