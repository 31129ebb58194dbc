"""One way to write English words, for corpora that are mixed or come with punctuation.

 1. Accents go; typographic quotes and dashes become plain.
 2. What is no speech goes: <unk>, [noise], {cough}.
 3. & -> AND. Upper case.
 4. A hyphen between words becomes a space, but not in back-channels: MM-HMM, UH-HUH. One at the end
    of a broken-off word goes.
 5. Full stops go; between single letters they become spaces: U.S. -> U S, as in L. C. D. -> L C D.
 6. An apostrophe stays inside a word (IT'S), before those that are written with one ('EM, 'CAUSE),
    and after S and N (DOGS' GOIN'). All other apostrophes go.
 7. Whatever is no letter A to Z, digit or apostrophe becomes a space.

Digits and other alphabets can be read in several ways: `is_spelt_out` says whether there are none.
"""

from __future__ import annotations

import re
import unicodedata

PLAIN = str.maketrans("‘’‛`´ʼ′“”„–—‐‑‒−\0", "'''''''\"\"\"------ ")
NO_SPEECH = re.compile(r"<[^<>]*>|\[[^][]*\]|\{[^{}]*\}")
BACK_CHANNELS = re.compile(r"(?<![A-Z'-])(MM|UH|UM|HUH|MHM|HM)-(HMM?|HUH|HUM|UH|MHM|MM)(?![A-Z'-])")
KEPT_HYPHEN = "\0"
INITIALS = re.compile(r"\b([A-Z])\.(?=[A-Z]\b)")
BEFORE = {"'BOUT", "'CAUSE", "'EM", "'KAY", "'ROUND", "'TIL", "'TILL", "'TIS", "'TWAS"}


def normalise(text: str) -> str:
    """The words of a transcript by the rules above; may be empty.

    >>> normalise('“It’s the U.S.,” she said—<unk> well-known, mm-hmm; café & dogs\\' [noise]')
    "IT'S THE U S SHE SAID WELL KNOWN MM-HMM CAFE AND DOGS'"
    """
    text = unicodedata.normalize("NFKD", NO_SPEECH.sub(" ", text.translate(PLAIN)))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = text.upper().replace("&", " AND ")
    text = BACK_CHANNELS.sub(rf"\1{KEPT_HYPHEN}\2", text)
    text = INITIALS.sub(r"\1 ", text).replace(".", "")
    text = "".join(c if c.isalnum() or c in "'\0" else " " for c in text)
    words = (_apostrophes(word) for word in text.split())
    return " ".join(word for word in words if word).replace(KEPT_HYPHEN, "-")


def is_spelt_out(words: str) -> bool:
    """Whether normalised words have letters A to Z alone, so that there is one way to say them."""
    return not re.search(r"[^A-Z' -]", words)


def _apostrophes(word: str) -> str:
    """Keep those that belong to the word."""
    tail = "'" if re.search(r"[SN]'$", word) and not word.startswith("'") else ""
    core = word.strip("'")
    head = "'" if f"'{core}" in BEFORE and word.startswith("'") else ""
    return f"{head}{core}{tail}" if core else ""
