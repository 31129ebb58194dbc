"""WSJ: discs with two speakers each of si84, si284, dev93, eval92 and eval93; audio is packed.

One disc is in upper case, as some copies are; the speaker 401 is in an index and on no disc.
"""

from pathlib import Path

from corpora import RATE, clip, run
from corpora.sphere import write_sphere

PACKED = "pcm,embedded-shorten-v2.00"
# disc, folder of the speakers, where their transcripts are, index, speakers; audio's suffix in it
SETS = (
    ("11-1.1", "wsj0/si_tr_s", "11-13.1/wsj0/transcrp/dots/si_tr_s", "tr_s_wv1", ("01i", "404")),
    ("13-1.1", "wsj1/si_tr_s", "13-34.1/wsj1/trans/wsj1/si_tr_s", "si_tr_s", ("46g", "4a1")),
    ("13-16.1", "wsj1/si_dt_20", "13-34.1/wsj1/trans/wsj1/si_dt_20", "h1_p0", ("4k0", "4k1")),
    ("11-14.1", "wsj0/si_et_20", "11-14.1/wsj0/si_et_20", "si_et_20", ("440", "441")),
    ("13-33.1", "wsj1/si_et_h1", "13-32.1/wsj1/trans/wsj1/si_et_h1", "eval", ("4oa", "4ob")),
)
INDICES = {
    "tr_s_wv1": "11-13.1/wsj0/doc/indices/train/tr_s_wv1.ndx",
    "si_tr_s": "13-34.1/wsj1/doc/indices/si_tr_s.ndx",
    "h1_p0": "13-34.1/wsj1/doc/indices/h1_p0.ndx",
    "si_et_20": "11-13.1/wsj0/doc/indices/test/nvp/si_et_20.ndx",
    "eval": "13-32.1/wsj1/doc/indices/wsj1/eval/h1_p0.ndx",
}
UPPER_CASE = "13-16.1"
SENTENCES = 3
# what transcripts have beside the words
MARKS = ("[loud_breath] {} .", "{} [<door_slam] ,comma", "<{}> [ring/] \\-\\-dash [/ring]")


def lay_out(folder: Path) -> Path:
    """Make folder/{11-1.1,11-13.1,…}."""
    number = 0
    for disc, below, dots, index, speakers in SETS:
        lines = [f";; File: {index}.ndx", ";;"]
        for speaker in speakers:
            rows = []
            for n in range(SENTENCES):
                utt = f"{speaker}c02{n + 1:02d}"
                text, samples_N = clip(number)
                number += 1
                last = f"{below}/{speaker}/{utt}.wv1"
                write_sphere(folder / disc / cased(disc, last), samples_N, RATE, PACKED)
                named = last.removesuffix(".wv1") if index == "si_et_20" else last
                # the evaluation's index names a disc on which they are not
                lines.append(f"{'13_32_1' if index == 'eval' else disc.translate(DISC)}: {named}")
                begin, _, word = text.capitalize().rpartition(" ")
                rows.append(f"{begin} {MARKS[n].format(word)} ({utt})".strip())
            path = folder / dots / speaker / f"{speaker}c0200.dot"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(rows) + "\n")
        if index == "tr_s_wv1":
            lines.append("11_2_1:wsj0/si_tr_s/401/401c0201.wv1")
        (folder / INDICES[index]).parent.mkdir(parents=True, exist_ok=True)
        (folder / INDICES[index]).write_text("\n".join(lines) + "\n")
    return folder


DISC = str.maketrans("-.", "__")


def cased(disc: str, path: str) -> str:
    return path.upper() if disc == UPPER_CASE else path


def merge(laid_out: Path, to: Path) -> Path:
    """The same without discs: to/wsj0 and to/wsj1."""
    for path in laid_out.rglob("*"):
        if path.is_file():
            parts = path.relative_to(laid_out).parts[1:]
            new = to / parts[0].lower() / Path(*parts[1:])
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(path.read_bytes())
    return to


if __name__ == "__main__":
    run(lay_out)
