"""Broadcast News: a show of 1996 and one of 1997, SPHERE and SGML, two speakers by turns."""

from pathlib import Path

import numpy as np

from corpora import RATE, clip, run
from corpora.sphere import write_sphere

SHOWS = {
    "a960521": ("LDC97S44/data", "hub4_eng_train_trans/9605", ".txt"),
    "ea970114": ("97_eng_bns_hub4", "hub4e97_trans_980217/transcrp", ".sgml"),
}
SPEAKERS = ("Ted_Koppel", "Carole_Simpson")
TURNS, SENTENCES = 5, 2  # of a show, of a turn
# what stands in a transcript beside the words, sentence by sentence
MARKS = ("{}", "[noise] {} {{breath}}", "#{}#", "(({})) ^Washington", "{} @U._S.")


def lay_out(folder: Path) -> Path:
    """Make folder/{LDC97S44,hub4_eng_train_trans,97_eng_bns_hub4,hub4e97_trans_980217}."""
    number = 0
    for show, (audio, texts, suffix) in SHOWS.items():
        old = suffix == ".txt"
        lines = [f'<Episode Filename="{show}.sph" Program="News" Language=English>']
        lines.append("<Section S_time=0 E_time=99 Type=Report>" if old else "<section type=report>")
        parts, at_sec = [], 0.0
        for turn in range(TURNS):
            marks = []
            for _ in range(SENTENCES):
                text, samples_N = clip(number)
                marks.append((at_sec, MARKS[number % len(MARKS)].format(text.lower())))
                parts.append(samples_N)
                number += 1
                at_sec = round(at_sec + len(samples_N) / RATE, 2)
            who = SPEAKERS[turn % 2]
            lines += segment(old, who, marks, at_sec)
        lines += ["</Section>", "</Episode>"] if old else ["</section>", "</episode>"]
        path = folder / texts / f"{show}{suffix}"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines), encoding="latin-1")
        write_sphere(folder / audio / f"{show}.sph", np.concatenate(parts), RATE)
    return folder


def segment(old: bool, who: str, marks: list[tuple[float, str]], end_sec: float) -> list[str]:
    """A turn as in the transcripts of 1996, or of 1997."""
    start_sec = marks[0][0]
    if old:
        head = f'<Segment S_time={start_sec} E_time={end_sec} Speaker="{who}" Mode=Planned>'
        mark, tail = "<Sync Time={}>", "</Segment>"
    else:
        head = f"<turn speaker={who} spkrtype=male startTime={start_sec} endTime={end_sec}>"
        mark, tail = "<time sec={}>", "</turn>"
    lines = [head, "<Background Type=Music Time=0 Level=Low>"]
    for n, (at_sec, words) in enumerate(marks):
        lines += [mark.format(at_sec)] * bool(n or not old) + [words]
    return [*lines, tail]


if __name__ == "__main__":
    run(lay_out)
