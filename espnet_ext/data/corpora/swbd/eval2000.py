"""The Hub5 2000 evaluation: 20 calls of Switchboard (sw_4390) and 20 of CallHome (en_4156).

    english/en_4156.sph
    reference/hub5e00.english.000405.stm     en_4156 A en_4156_A 301.85 302.48 <O,en,F,en-F> OH
    reference/en20000405_hub5.glm

Utterances are those of the stm, named as in Kaldi: en_4156-A_030185-030248. They last as long as
there; Kaldi adds up to 0.1 s at both ends. stm and glm go beside them, the stm with what upsets
NIST's programs mended: `((` is `(`, marks of asides are left out. `text`
has the words of that stm, with what NIST's rules read: (%HESITATION), (TH-), { A / B }; it is
scored with the glm: score_wer --rules swbd, or NIST's own programs.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import Utterance
from espnet_ext.data.telephone import stretch

STM, GLM = "hub5e00.english.000405.stm", "en20000405_hub5.glm"
IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"
CALLS = 40
# which calls, utterances that are scored (Kaldi's swbd/s5c/RESULTS, with 42,989 = 21,395 + 21,594
# words after its rules)
SETS = {"eval2000": ("", 4459), "eval2000_swbd": ("sw_", 1831), "eval2000_callhm": ("en_", 2628)}


def find_reference(src: Path, found: Findings) -> tuple[Path, Path] | None:
    """stm and glm, at any depth."""
    places = {name: next(iter(sorted(src.rglob(name))), None) for name in (STM, GLM)}
    for name, place in places.items():
        if place is None:
            mend = "LDC2002T43 has it in 2000_hub5_eng_eval_tr/reference"
            found.add("parts of eval2000 that are not there", src / name, mend)
    return (places[STM], places[GLM]) if all(places.values()) else None


def mended(stm: Path) -> list[str]:
    """Lines of the stm as NIST's programs take them.

    Raises:
        UserError: it cannot be read.
    """
    try:
        text = stm.read_text(encoding="latin-1")
    except OSError as err:
        raise UserError(f"{stm}: {err.strerror}; expected the reference of eval2000") from None
    # Kaldi: s:((:(: once a line, s:<B_ASIDE>::g, s:<E_ASIDE>::g
    lines = (line.replace("((", "(", 1) for line in text.splitlines())
    return [re.sub("<[BE]_ASIDE>", "", line) for line in lines]


def utterances(
    lines: Iterable[str], calls: dict[str, Path], prefix: str, found: Findings
) -> Iterator[Utterance]:
    """The scored stretches of the calls that begin with `prefix`."""
    # en_4156 A en_4156_A 301.85 302.48 <O,en,F,en-F> OH
    for number, line in enumerate(lines, 1):
        if line.startswith(";;") or not line.strip() or not line.startswith(prefix):
            continue
        row = line.split(None, 6)
        try:
            call, side, _, start, end = row[:5]
            start_cs, end_cs = round(float(start) * 100), round(float(end) * 100)
            text = row[6] if len(row) > 6 else ""
            if side not in ("A", "B") or not 0 <= start_cs < end_cs:
                raise ValueError
        except ValueError:
            example = f"{STM}:{number}: {line[:60]}"
            found.add("lines of the stm that cannot be read", example, "copy it again")
            continue
        if IGNORED in text:
            continue
        if call not in calls:
            mend = "LDC2002S09 has them in hub5e_00/english"
            found.add("calls of the stm that are not there", f"{call}.sph", mend)
            continue
        if words := " ".join(text.split()):
            yield stretch(call, side, calls[call], start_cs, end_cs, words)


def write_reference(folder: Path, lines: Iterable[str], glm: Path, prefix: str) -> None:
    """stm (of the calls that begin with `prefix`) and glm of a set."""
    with atomic_write(folder / "stm") as out:
        out.writelines(f"{line}\n" for line in lines if line.startswith((";;", prefix)))
    with atomic_write(folder / "glm", "wb") as out, glm.open("rb") as source:
        shutil.copyfileobj(source, out)
