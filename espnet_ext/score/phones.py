"""TIMIT's phones: 61 as transcribed, 48 to train on, 39 to score on (Lee & Hon 1989, Table II).

    aa                  -> ao and aa are one
    pcl -> cl           -> closures are silence
    q                   -> goes: the glottal stop is no phone

K.-F. Lee, H.-W. Hon: Speaker-independent phone recognition using hidden Markov models, IEEE Trans.
ASSP 37(11), 1989. The 48 are those of Kaldi's conf/phones.60-48-39.map.
"""

from __future__ import annotations

from collections.abc import Callable

from espnet_ext.config import UserError

DELETED = "q"
SPECIAL = {"<unk>", "<sos/eos>"}  # a recogniser that has learnt little may emit them: errors

# 61 -> 48, where they differ: folded for training
TO_48 = {
    **{"ax-h": "ax", "axr": "er", "em": "m", "eng": "ng", "hv": "hh", "nx": "n", "ux": "uw"},
    **dict.fromkeys(("pcl", "tcl", "kcl"), "cl"),
    **dict.fromkeys(("bcl", "dcl", "gcl"), "vcl"),
    **dict.fromkeys(("h#", "pau", "#h"), "sil"),
}
# 48 -> 39, where they differ: taken for one another in scoring
TO_39 = {
    **{"ao": "aa", "ax": "ah", "el": "l", "en": "n", "ix": "ih", "zh": "sh"},
    **dict.fromkeys(("cl", "vcl", "epi"), "sil"),
}
SCORED = (
    "aa ae ah aw ay b ch d dh dx eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh sil t th uh uw "
    "v w y z"
)
PHONES_39 = frozenset(SCORED.split())
PHONES_48 = PHONES_39 | frozenset(TO_39)
MAPS = ("timit48", "timit39")


def fold(phone: str, to: str = "timit39") -> str | None:
    """A phone of any of the three sets in a smaller one; None for `q`.

    >>> [fold(phone) for phone in ("ix", "pcl", "h#", "aa", "q")]
    ['ih', 'sil', 'sil', 'aa', None]

    Raises:
        KeyError: not a phone of TIMIT.
    """
    if phone == DELETED:
        return None
    phone = TO_48.get(phone, phone)
    if phone not in PHONES_48:
        raise KeyError(phone)
    return TO_39.get(phone, phone) if to == "timit39" else phone


def phone_map(to: str, silence: str = "keep") -> Callable[[list[str], str], list[str]]:
    """A function from the phones of an utterance, and where they stand, to those of `to`.

    Args:
        to: timit48 or timit39.
        silence: keep `sil` as a phone (Kaldi's compute-wer), let it be optional in the reference
            (Kaldi's sclite; the caller passes references only), or drop it on both sides.
    """

    def change(phones: list[str], where: str) -> list[str]:
        folded = []
        for phone in phones:
            if phone in SPECIAL:
                folded.append(phone)
                continue
            try:
                folded.append(fold(phone, to))
            except KeyError:
                raise UserError(f"{where}: `{phone}` is no phone of TIMIT's 61, 48 or 39") from None
        kept = [phone for phone in folded if phone and (phone != "sil" or silence != "drop")]
        return ["(sil)" if p == "sil" and silence == "optional" else p for p in kept]

    return change
