"""What CHiME-6's transcripts become, by the rules of Kaldi's recipe.

 1. " . ? , : ; ! go. Lower case. One space between words.
 2. [inaudible 0:12:22.5] -> [inaudible].
 3. A dash between two spaces goes. `mm-` -> `mm`: mm-hmm -> mmhmm.
 4. What Kaldi does before it scores, to references and hypotheses, is done here at once, unless
    events are kept: words with [brackets] go ([noise], [laughs], [inaudible]); mhm, mm and mmm ->
    hmm.

Utterances with [redacted] are not transcribed: `transcripts.py` leaves them out.
"""

from __future__ import annotations

import re

PUNCTUATION = str.maketrans("", "", '".?,:;!')
HESITATION = re.compile(r"\b(mhm|mm|mmm)\b", re.ASCII)
PLACEHOLDER = "placeholder"  # stands for the words in releases of the times alone


def normalise(words: str, events: bool = False) -> str:
    """The words of one utterance, by the rules above; may be empty.

    >>> normalise('[laughs] Mm-hmm - "mm", [inaudible 0:12:22.50] well.')
    'mmhmm hmm well'
    >>> normalise("[laughs] Mm - [inaudible 0:12:22.50]", events=True)
    '[laughs] mm [inaudible]'
    """
    # Kaldi's commands see the id before the words, so a leading dash has a space before it
    text = "id " + " ".join(words.translate(PUNCTUATION).lower().split())
    text = re.sub(r"\[inaudible[- 0-9]*\]", "[inaudible]", text)
    text = text.replace(" - ", " ").replace("mm-", "mm").removeprefix("id").strip()
    if events:
        return text
    kept = [word for word in text.split() if not re.search(r"\[.*\]", word)]
    return HESITATION.sub("hmm", " ".join(kept))
