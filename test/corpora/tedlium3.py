"""TED-LIUM 3: two talks to train on and one each of dev and test, SPHERE and stm."""

from pathlib import Path

import numpy as np

from corpora import RATE, clip, run
from corpora.sphere import write_sphere

TALKS = {
    "train": ("AaronHuey_2010X", "AlGore_2009"),
    "dev": ("BlaiseAguerayArcas_2007",),
    "test": ("AimeeMullins_2009P",),
}
SENTENCES = 8  # of a talk
PAUSE_SEC = 0.3
# what stands in an stm beside the words, sentence by sentence
MARKS = ("{}", "<unk> {}", "{{NOISE}} {}", "{} (2)")


def lay_out(folder: Path) -> Path:
    """Make folder/TEDLIUM_release-3."""
    number = 0
    for name, talks in TALKS.items():
        where = folder / "TEDLIUM_release-3/legacy" / name
        (where / "stm").mkdir(parents=True)
        for talk in talks:
            parts, lines, at_sec = [np.zeros(RATE // 2, np.int16)], [], 0.5
            lines.append(f"{talk} 1 inter_segment_gap 0 0.5 <o,,> ignore_time_segment_in_scoring")
            for turn in range(SENTENCES):
                text, samples_N = clip(number)
                number += 1
                end_sec = at_sec + len(samples_N) / RATE
                words = MARKS[turn % len(MARKS)].format(text.lower()).replace("'", " '")
                lines.append(f"{talk} 1 {talk} {at_sec:.2f} {end_sec:.2f} <o,f0,male> {words}")
                parts += [samples_N, np.zeros(round(PAUSE_SEC * RATE), np.int16)]
                at_sec = end_sec + PAUSE_SEC
            (where / f"stm/{talk}.stm").write_text("\n".join(lines) + "\n")
            write_sphere(where / f"sph/{talk}.sph", np.concatenate(parts), RATE)
    return folder


if __name__ == "__main__":
    run(lay_out)
