"""TIMIT: two speakers of TRAIN, two of dev and two of the core test; SPHERE on the disc, or RIFF.

mini_an4 has words only: each letter stands for a phone here, spread evenly over the sentence.
"""

from pathlib import Path

import numpy as np
import soundfile

from corpora import RATE, clip, run
from corpora.sphere import write_sphere

SPEAKERS = {
    "TRAIN": {"FCJF0": "DR1", "MDAC0": "DR1"},
    "TEST": {"FDAC1": "DR1", "MDAB0": "DR1", "FELC0": "DR1", "MTAA0": "DR5"},
}
SENTENCES = ("SA1", "SA2", "SI1027", "SX37", "SX127")
# of each letter; closures before stops and one glottal stop, as in the corpus
PHONES = {
    **{letter: letter.lower() for letter in "FLMNRSVWYZ"},
    **{stop.upper(): f"{stop}cl {stop}" for stop in "bdgptk"},
    **{"A": "ae", "E": "eh", "I": "ix", "O": "ao", "U": "ax-h", "H": "hv", "C": "kcl k"},
    **{"J": "jh", "Q": "q", "X": "k s", " ": "epi", "'": "q"},
}


def lay_out(folder: Path, lower: bool = False, riff: bool = False) -> Path:
    """Make folder/TIMIT/{TRAIN,TEST}; `lower`: names in lower case; `riff`: no SPHERE."""
    number = 0
    for half, speakers in SPEAKERS.items():
        for speaker, region in speakers.items():
            for sentence in SENTENCES:
                text, samples_N = clip(number)
                number += 1
                parts = ["TIMIT", half, region, speaker, sentence]
                parts = [part.lower() for part in parts] if lower else parts
                write_sentence(folder.joinpath(*parts), text, samples_N, lower, riff)
    return folder


def write_sentence(path: Path, text: str, samples_N: np.ndarray, lower: bool, riff: bool) -> None:
    """The four files of a sentence."""
    phones = ["h#", *" ".join(PHONES[letter] for letter in text).split(), "h#"]
    marks = np.linspace(0, len(samples_N), len(phones) + 1).astype(int)
    spans = zip(marks[:-1], marks[1:], phones, strict=True)
    files = {
        "PHN": "".join(f"{first} {last} {phone}\n" for first, last, phone in spans),
        "TXT": f"0 {len(samples_N)} {text.capitalize()}.\n",
        "WRD": f"0 {len(samples_N)} {text.lower()}\n",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix, body in files.items():
        suffix = suffix.lower() if lower else suffix
        path.with_suffix(f".{suffix}").write_text(body)
    wav = path.with_suffix(".wav" if lower else ".WAV")
    if riff:
        soundfile.write(wav, samples_N, RATE, format="WAV", subtype="PCM_16")
    else:
        write_sphere(wav, samples_N, RATE, database_id="TIMIT", sample_checksum="0")


if __name__ == "__main__":
    run(lay_out)
