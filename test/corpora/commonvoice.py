"""Common Voice: six speakers, mp3 of 48 kHz, tables as the releases have them."""

from pathlib import Path

import av
import numpy as np
import soxr

from corpora import RATE, clip, run

OWN_RATE = 48000
SPEAKERS = {"a1": "train", "b2": "train", "c3": "dev", "d4": "test", "e5": None}  # None: validated
CLIPS = 4  # of a speaker; the first three are in its table, all are validated
HEAD = "client_id path sentence up_votes down_votes age gender accent locale segment"


def lay_out(folder: Path) -> Path:
    """Make folder/en."""
    tables: dict[str, list[str]] = {name: [] for name in ("train", "dev", "test", "validated")}
    number = 0
    for start, table in SPEAKERS.items():
        for n in range(CLIPS):
            text, samples_N = clip(number)
            path = f"common_voice_en_{100 + number}.mp3"
            write_mp3(folder / "en/clips" / path, samples_N)
            sentence = f'"{text.capitalize()}", she said.' if n == 2 else f"{text.capitalize()}."
            row = [start * 64, path, sentence, "2", "0", "", "", "", "en", ""]
            for name in (table, "validated"):
                if name and (n < 3 or name == "validated"):
                    tables[name].append("\t".join(row))
            number += 1
    for name, rows in tables.items():
        (folder / f"en/{name}.tsv").write_text("\n".join([HEAD.replace(" ", "\t"), *rows]) + "\n")
    return folder


def write_mp3(path: Path, samples_N: np.ndarray) -> None:
    """48 kHz, 64 kbit/s, one channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave_1N = soxr.resample(samples_N, RATE, OWN_RATE)[None]
    with av.open(str(path), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=OWN_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave_1N, format="s16", layout="mono")
        frame.sample_rate = OWN_RATE
        for part in av.AudioResampler(format=stream.format).resample(frame):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    run(lay_out)
