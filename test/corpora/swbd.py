"""Switchboard and eval2000: calls of two channels, mu-law SPHERE, both sides transcribed."""

from pathlib import Path

import numpy as np
import soxr

from corpora import RATE, clip, run
from corpora.sphere import write_sphere

CALLS = ("2001", "2005", "2006", "2008")
EVAL_CALLS = ("en_4156", "sw_4390")
TURNS = 8  # of a call, the sides by turns
PAUSE_SEC = 0.4
OWN_RATE = 8000
# what stands in a transcript beside the words, turn by turn
EXTRAS = (
    "[laughter-{}]",
    "{} [noise]",
    "{} IBM",
    "{}_1 ab[solute]-",
    "<b_aside> {} <e_aside>",
    "{}",
)
DICTIONARY = "IBM ay b iy eh m\nRUBOUT r ah b aw t\nNASA n ae s ax\n"
PARTS = "LDC2002S09/hub5e_00/english", "LDC2002T43/2000_hub5_eng_eval_tr/reference"
STM, GLM = "hub5e00.english.000405.stm", "en20000405_hub5.glm"
GLM_TEXT = """* name "en20000405_hub5.glm"
* desc "a rule"
* format = 'NIST1'
* max_nrules = '2000'
* copy_no_hit = 'T'
* case_sensitive = 'F'
%HESITATION => / [ ] __ [ ]
"""

type Turn = tuple[str, str, float, float]  # side, words, start and end in seconds


def lay_out(folder: Path) -> Path:
    """Make folder/{swb1_d1,swb_ms98_transcriptions,LDC2002S09,LDC2002T43}."""
    transcripts = folder / "swb_ms98_transcriptions"
    for n, call in enumerate(CALLS):
        turns, dur_sec = write_call(folder / f"swb1_d1/data/sw0{call}.sph", TURNS * n)
        for side in "AB":
            path = transcripts / f"{call[:2]}/{call}/sw{call}{side}-ms98-a-trans.text"
            write_side(path, [turn for turn in turns if turn[0] == side], dur_sec)
    (transcripts / "sw-ms98-dict.text").write_text(DICTIONARY)
    write_eval(folder)
    return folder


def write_call(path: Path, first: int) -> tuple[list[Turn], float]:
    """A call of `TURNS` clips from clip `first` on, its turns and its seconds."""
    turns, at_sec, placed = [], PAUSE_SEC, []
    for n in range(TURNS):
        text, samples_N = clip(first + n)
        low_N = soxr.resample(samples_N.astype(np.float32), RATE, OWN_RATE)
        end_sec = at_sec + len(low_N) / OWN_RATE
        turns.append(("AB"[n % 2], text.lower(), at_sec, end_sec))
        placed.append((n % 2, round(at_sec * OWN_RATE), low_N))
        at_sec = end_sec + PAUSE_SEC
    call_NC = np.zeros((round(at_sec * OWN_RATE), 2), np.float32)
    for side, start, low_N in placed:
        call_NC[start : start + len(low_N), side] = low_N
    samples_NC = np.clip(call_NC, -32768, 32767).astype(np.int16)
    write_sphere(path, samples_NC, OWN_RATE, "ulaw", channels_interleaved="TRUE")
    return turns, at_sec


def write_side(path: Path, turns: list[Turn], dur_sec: float) -> None:
    """Transcripts cover a side from end to end: what is not speech is [silence]."""
    rows, at_sec = [], 0.0
    for n, (_, words, start_sec, end_sec) in enumerate(turns):
        rows.append((at_sec, start_sec, "[silence]"))
        begin, _, last = words.rpartition(" ")
        rows.append((start_sec, end_sec, f"{begin} {EXTRAS[n].format(last)}".strip()))
        at_sec = end_sec
    rows.append((at_sec, dur_sec, "[silence]"))
    name = path.name.removesuffix("-trans.text")
    lines = (f"{name}-{i:04d} {a:.6f} {b:.6f} {said}\n" for i, (a, b, said) in enumerate(rows, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))


def write_eval(folder: Path) -> None:
    """The two calls, pem, stm and glm."""
    speech, reference = (folder / part for part in PARTS)
    pem, stm = [";; a pem\n"], [';; CATEGORY "0" "" ""\n']
    for n, call in enumerate(EVAL_CALLS):
        turns, dur_sec = write_call(speech / f"{call}.sph", 30 + 5 * n)
        for k, (side, words, start_sec, end_sec) in enumerate(turns):
            times = f"{start_sec:.2f} {end_sec:.2f}"
            pem.append(f"{call} {side} unknown_speaker {times}\n")
            label = "<O,en,F,en-F>" if call.startswith("en") else "<O,sw,F,sw-F>"
            extra = "((%HESITATION) " if k == 0 else "<B_ASIDE> " * (k == 1)
            stm.append(f"{call} {side} {call}_{side} {times} {label} {extra}{words.upper()}\n")
        ignored = "IGNORE_TIME_SEGMENT_IN_SCORING"
        stm.append(f"{call} A {call}_A {dur_sec - 0.3:.2f} {dur_sec:.2f} <O,en,F,en-F> {ignored}\n")
    reference.mkdir(parents=True)
    (speech / "hub5e_00.pem").write_text("".join(pem))
    (reference / STM).write_text("".join(stm))
    (reference / GLM).write_text(GLM_TEXT)


if __name__ == "__main__":
    run(lay_out)
