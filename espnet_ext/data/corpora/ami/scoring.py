"""What NIST's scoring of AMI needs: who spoke when (stm), and which words are one (glm).

    stm   ES2011a.Headset-0 A AMI_ES2011a_H00_FEE041 34.270 37.140 HERE WE GO
    glm   uh =>  / [ ] __ [ ]

For the distant microphones, stretches of several speakers overlap in the stm; `asclite` scores them
with `-overlap-limit 4`, as Kaldi does. Its published error rates also use NIST's 2,500 rules of
english.glm (contractions, spelling variants), which are not part of this repository: `--glm FILE`
copies a file of yours in place of the short list below.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from espnet_ext.config import atomic_write
from espnet_ext.data.kaldi_dir import Utterance

# the same sounds as in NIST's list: no word of them counts
HESITATIONS = "ach ah eee eh er ew ha hee hm hmm huh mm oof uh um"
AFFIRMATIVE = "mhm mm-hm mm-hmm mm-huh mmhm uh-hmm uh-huh uhhuh um-hmm um-hum"
NEGATIVE = "huh-uh huhuh uh-uh uhuh"


def glm() -> str:
    """Rules for csrfilt.sh: hesitations go, each kind of back-channel is one word."""
    lines = [
        ";; for AMI: hesitations do not count, back-channels of one kind are one word",
        '* name "ami.glm"',
        '* desc "hesitations and back-channels"',
        "* format = 'NIST1'",
        "* max_nrules = '100'",
        "* copy_no_hit = 'T'",
        "* case_sensitive = 'F'",
    ]
    for words, becomes in ((HESITATIONS, ""), (AFFIRMATIVE, "%bcack"), (NEGATIVE, "%bcnack")):
        lines += [f"{word} => {becomes} / [ ] __ [ ]" for word in words.split()]
    return "\n".join(lines) + "\n"


def write_scoring_files(path: Path, utts: Iterable[Utterance], glm_text: str) -> None:
    """Write stm, sorted by file, channel and start as NIST's programs expect, and glm."""
    rows = sorted(
        (Path(utt.wav).stem, utt.start_sec, utt.end_sec, utt.speaker, utt.text) for utt in utts
    )
    with atomic_write(path / "stm") as out:
        out.writelines(
            f"{file} A {speaker} {start_sec:.3f} {end_sec:.3f} {text}\n"
            for file, start_sec, end_sec, speaker, text in rows
        )
    with atomic_write(path / "glm") as out:
        out.write(glm_text)
