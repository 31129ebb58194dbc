"""From the script's English to the words spoken, and whether a recording agrees with them.

The rules of `normalise`, in this order; a prompt whose spoken form is not certain gets no
transcript, and the reason is counted:
 1. Wholly in brackets, `[ascending tones]`, `(1 second of silence)`, `<beep ascending>`: not
    speech.
 2. Glosses go: `at [@]` -> AT; `IAX (note: does not say "2")` -> IAX.
 3. Any other bracket names a sound beside the speech, `(simple tone sound plays)`: left out.
 4. The symbols * and # have several names (star, asterisk, pound, hash): left out. Where the script
    spells the name, `pound key`, it is a word like any other.
 5. Upper case. A.M. and P.M. are read as letters: A M, P M. Another dot inside a word
    (www.asterisk.org) or a digit in one (3D, H.323, 500, 28.8) has no certain reading: left out.
 6. A digit alone is spoken as its name: `press 1` -> PRESS ONE, 0 -> ZERO.
 7. Hyphens split words; `...` and all punctuation go; apostrophes stay inside words (O'CLOCK).
 8. Misspellings of the script in `SPELLING` are mended, so that a word has one form.
Acronyms stay one word as written (PBX, IAX); letters spelt apart stay apart (M I S D N).

A transcript that the recording disproves (`too_fast_or_slow`) is left out too.
"""

import re

import numpy as np

DIGITS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
SPELLING = {
    "EXCLAIMATION": "EXCLAMATION",
    "FOURTIETH": "FORTIETH",
    "INDENTIFIED": "IDENTIFIED",
    "REPRESENATIVES": "REPRESENTATIVES",
    "UMUTE": "UNMUTE",
    "WITHELD": "WITHHELD",
}


class NoTranscriptError(Exception):
    """Why a prompt gets no transcript, in the words of the printed table."""


def normalise(raw: str) -> str:
    """The words spoken in one English prompt; the rules are above.

    Raises:
        NoTranscriptError: the spoken form is not certain; the message is the reason.
    """
    text = raw.strip()
    if re.fullmatch(r"\[.*\]|\(.*\)|<.*>", text):
        raise NoTranscriptError("not speech: silence, tones, beeps")
    text = re.sub(r"\s*(\[[^\w\]]+\]|\(note: .*?\))", "", text)
    if re.search(r"[\[\]()<>]", text):
        raise NoTranscriptError("speech beside another sound")
    if re.search(r"[*#]", text):
        raise NoTranscriptError("symbol with several names (* #)")
    text = text.upper().replace("’", "'")
    text = re.sub(r"\b([AP])\.M\.", r"\1 M", text)
    text = re.sub(r"\.{2,}|-", " ", text)
    words = []
    for token in text.split():
        word = token.strip(".,!?;:\"'")
        if re.fullmatch(r"\d", word):
            word = DIGITS[int(word)]
        elif re.search(r"[\d.]", word):
            raise NoTranscriptError("number or name with several readings")
        elif word and not re.fullmatch(r"[A-Z]+('[A-Z]+)*", word):
            raise NoTranscriptError("characters without a rule")
        if word:
            words.append(SPELLING.get(word, word))
    if not words:
        raise NoTranscriptError("no words")
    return " ".join(words)


def speech_sec(samples_N: np.ndarray, rate: int) -> float:
    """Seconds from the first to the last 20 ms that lie within 40 dB of the loudest 20 ms."""
    hop = rate // 50
    power_T = (samples_N[: len(samples_N) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
    loud = np.flatnonzero(power_T > power_T.max(initial=0.0) * 1e-4)
    return (loud[-1] + 1 - loud[0]) * hop / rate if len(loud) else 0.0


def too_fast_or_slow(text: str, dur_sec: float) -> bool:
    """Whether fewer than 3 or more than 30 characters a second disprove the transcript.

    A word without a vowel (MGCP) and a letter alone are read letter by letter: such a letter counts
    as three characters here.
    """
    spelt = sum(2 * len(w) for w in text.split() if len(w) == 1 or not set(w) & set("AEIOUY"))
    return not 3.0 <= (len(text) + spelt) / max(dur_sec, 1e-3) <= 30.0
