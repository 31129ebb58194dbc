"""TIMIT's 61 phones, and the 48 and 39 that are made of them (Lee and Hon 1989).

48 are trained on, 39 are scored: the closures and pauses are all `sil` there. The glottal stop `q`
is left out of both.
"""

from __future__ import annotations

# phone=48=39, shorter where two are the same: bcl is vcl of the 48 and sil of the 39
_TABLE = """
aa ae ah ao=ao=aa aw ax=ax=ah ax-h=ax=ah axr=er ay b bcl=vcl=sil ch d dcl=vcl=sil dh dx eh
el=el=l em=m en=en=n eng=ng epi=epi=sil er ey f g gcl=vcl=sil h#=sil hh hv=hh ih ix=ix=ih iy
jh k kcl=cl=sil l m n ng nx=n ow oy p pau=sil pcl=cl=sil r s sh t tcl=cl=sil th uh uw ux=uw
v w y z zh=zh=sh
"""


def _columns() -> dict[str, tuple[str, str]]:
    rows = [row.split("=") for row in _TABLE.split()]
    return {row[0]: (row[min(1, len(row) - 1)], row[-1]) for row in rows}


OF_48_AND_39 = _columns()
GLOTTAL_STOP = "q"
ALL = frozenset({*OF_48_AND_39, GLOTTAL_STOP})


def fold(phones: list[str], count: int) -> list[str]:
    """Phones of the corpus as those of the set of 61, 48 or 39; repeats stay, as in Kaldi.

    Raises:
        KeyError: no phone of TIMIT.
    """
    if count == 61:
        return phones
    column = (48, 39).index(count)
    return [OF_48_AND_39[phone][column] for phone in phones if phone != GLOTTAL_STOP]
