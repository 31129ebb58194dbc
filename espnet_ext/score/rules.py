"""What is left out or made one before words are counted, as Kaldi's recipes do it.

`ami` (egs/ami/s5b/local/score_asclite.sh; needs a glm)
  1. Of the hypothesis go ACH AH EEE EH ER EW HA HEE HM HMM HUH MM OOF UH UM, in any case, and every
     word that contains `[noise`, `laughter`, `vocalized-noise]` or `<unk>` (SLAUGHTER, too: Kaldi's
     pattern has no word ends).
  2. Both sides pass through the glm (`glm.py`), which takes hesitations out of the reference.
  3. Case does not count; fragments and words in parentheses as in `network.py`.
  4. Costs are sclite's, 4 and 3.
`swbd` (egs/swbd/s5c/local/score_sclite.sh, hubscr.pl -h hub5; needs eval2000's glm)
  1. As in `ami`, but HMM stays; partial words (ending in `-`) go from the hypothesis.
  2. Of the hypothesis, u._c._l._a. becomes u c l a (Kaldi looks such words up in a table).
  3. In the reference `((` is `(`, and <B_ASIDE> and <E_ASIDE> go. (%HESITATION) there may be left
     out.
  4. Rules 2 to 4 of `ami`.
`swbd_basic` (egs/swbd/s5c/local/score_basic.sh)
  Of both sides go [NOISE] [LAUGHTER] [VOCALIZED-NOISE] <UNK> %HESITATION, in just this spelling.
`chime6` (egs/chime6/s5_track1/local/wer_output_filter)
  1. Of both sides, words that contain [ and, after it, ] go; the rest is lower case.
  2. mhm, mm and mmm, also between hyphens, are hmm: mm-hmm is hmm-hmm.
`nist`, what `--glm` alone means
  Rules 2 to 4 of `ami`: hubscr.pl without a recipe's own filter.
`sclite`
  Rules 3 and 4 of `ami`: sclite -F -D without a glm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.score.glm import Glm, close_parentheses, read_glm
from espnet_ext.score.phones import phone_map

Change = Callable[[list[str], str], list[str]]
"""The words of an utterance, and where they stand (for messages), to the words that count."""

LISTED = "ACH AH EEE EH ER EW HA HEE HM HUH MM OOF UH UM"
SWBD_HESITATIONS = frozenset(LISTED.split())
AMI_HESITATIONS = SWBD_HESITATIONS | {"HMM"}
NOISE = re.compile(r"\[noise|laughter|vocalized-noise\]|<unk>", re.IGNORECASE)
SWBD_BASIC = {"[NOISE]", "[LAUGHTER]", "[VOCALIZED-NOISE]", "<UNK>", "%HESITATION"}
ASIDES = {"<B_ASIDE>", "<E_ASIDE>"}
CHIME6_HMM = re.compile(r"\b(mhm|mm|mmm)\b", re.ASCII)
SPELT_OUT = re.compile(r"([A-Za-z]\._)+[A-Za-z]\.?('[A-Za-z]+)?")  # u._c._l._a., c._d.'s
NAMES = ("ami", "swbd", "swbd_basic", "chime6", "nist", "sclite")
WITH_GLM = ("ami", "swbd", "nist")


@dataclass(frozen=True)
class Rules:
    """What happens to each side; `network` if words like (UH) and WOR- have their NIST meaning."""

    ref: Change
    hyp: Change
    network: bool = False
    remark: str = ""  # for the score file


def make_rules(
    name: str = "", glm: Path | None = None, to_phones: str = "", silence: str = "keep"
) -> Rules | None:
    """The rules that options ask for; None for none.

    Raises:
        UserError: a glm that is missing, not wanted or cannot be read; phones and words at once.
    """
    if to_phones:
        if name or glm:
            raise UserError(f"--phone_map {to_phones}: --rules and --glm are for words; leave them")
        hyp = phone_map(to_phones, "keep" if silence == "optional" else silence)
        remark = f"phones: {to_phones}, silence: {silence}"
        return Rules(phone_map(to_phones, silence), hyp, silence == "optional", remark)
    name = name or ("nist" if glm else "")
    if not name:
        return None
    if name in WITH_GLM and not glm:
        raise UserError(
            f"--rules {name}: expected --glm FILE too, such as the data directory's glm"
        )
    if glm and name not in WITH_GLM:
        raise UserError(f"--glm {glm}: --rules {name} uses none; leave one of them out")
    if name in WITH_GLM:
        before_ref, before_hyp = BEFORE_GLM[name]
        ref = partial(_through_glm, before_ref, read_glm(glm, "stm"))
        hyp = partial(_through_glm, before_hyp, read_glm(glm, "ctm"))
        return Rules(ref, hyp, True, f"rules: {name}, {glm}")
    change = {"swbd_basic": _swbd_basic, "chime6": _chime6, "sclite": _sclite}[name]
    return Rules(change, change, name == "sclite", f"rules: {name}")


def _through_glm(
    before: Callable[[list[str]], list[str]], glm: Glm, words: list[str], where: str
) -> list[str]:
    return [word.lower() for word in glm(before(words))]


def ami_hypothesis(words: list[str]) -> list[str]:
    """Rule 1 of `ami`.

    >>> ami_hypothesis("um I Hmm hm-hm [laughter] MANSLAUGHTER <unk> so".split())
    ['I', 'hm-hm', 'so']
    """
    return [w for w in words if w.upper() not in AMI_HESITATIONS and not NOISE.search(w)]


def swbd_hypothesis(words: list[str]) -> list[str]:
    """Rules 1 and 2 of `swbd`.

    >>> swbd_hypothesis("uh hmm i wen- to u._c._l._a. [noise]".split())
    ['hmm', 'i', 'to', 'u', 'c', 'l', 'a']
    """
    kept = [
        word
        for word in words
        if word.upper() not in SWBD_HESITATIONS and not NOISE.search(word) and word[-1] != "-"
    ]
    return [part for word in kept for part in _letters(word)]


def _letters(word: str) -> list[str]:
    if not SPELT_OUT.fullmatch(word):
        return [word]
    *letters, last = word.split("._")
    return [*letters, re.sub(r"\.$|\.(?=')", "", last)]


def swbd_reference(words: list[str]) -> list[str]:
    """Rule 3 of `swbd`.

    >>> swbd_reference("((UH) <B_ASIDE> WELL".split())
    ['(UH)', 'WELL']
    """
    return [word.replace("((", "(") for word in words if word not in ASIDES]


def _swbd_basic(words: list[str], where: str) -> list[str]:
    return [word for word in words if word not in SWBD_BASIC]


def _chime6(words: list[str], where: str) -> list[str]:
    kept = [word for word in words if not re.search(r"\[.*\]", word)]
    return [CHIME6_HMM.sub("hmm", word.lower()) for word in kept]


def _sclite(words: list[str], where: str) -> list[str]:
    return [word.lower() for word in close_parentheses(" ".join(words))]


BEFORE_GLM = {
    "ami": (list, ami_hypothesis),
    "swbd": (swbd_reference, swbd_hypothesis),
    "nist": (list, list),
}
