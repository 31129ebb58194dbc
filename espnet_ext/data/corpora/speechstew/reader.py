"""Read a Kaldi data directory again, line by line: what is in it need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import Utterance, read_dict, read_table

CHECK = "validate_data_dir says more; prepare it again"


def hours_of(path: Path) -> float:
    """The sum of utt2dur."""
    try:
        return sum(float(sec) for _, sec in read_table(path / "utt2dur")) / 3600
    except ValueError as err:
        raise UserError(f"{path}/utt2dur: {err}; expected `utterance seconds`; {CHECK}") from None


def read_dir(path: Path) -> Iterator[Utterance]:
    """The utterances of a directory, in its order; those that are whole files begin at 0.

    Tables are read side by side; of a directory with `segments` wav.scp alone is held in memory.

    Raises:
        UserError: a table that is missing, or lists other utterances than text does.
    """
    cut = (path / "segments").exists()
    wavs = read_dict(path / "wav.scp") if cut else {}
    names = ["text", "utt2spk", "utt2dur", "segments" if cut else "wav.scp"]
    for rows in zip_longest(*(read_table(path / name) for name in names), fillvalue=("", "")):
        utt = rows[0][0]
        for name, (key, _) in zip(names, rows, strict=True):
            if key != utt:
                raise UserError(
                    f"{path}/{name}: {key or 'nothing'}, where text has {utt or 'nothing'}; {CHECK}"
                )
        (_, text), (_, speaker), (_, dur), (_, where) = rows
        try:
            if not cut:
                dur_sec = float(dur)
                yield Utterance(utt, speaker, where, dur_sec, text, utt, 0.0, dur_sec)
                continue
            recording, start, end = where.split()
            wav, start_sec, end_sec = wavs[recording], float(start), float(end)
        except (ValueError, KeyError) as err:
            raise UserError(f"{path}/{names[-1]}: {utt} {where}: {err}; {CHECK}") from None
        yield Utterance(utt, speaker, wav, end_sec - start_sec, text, recording, start_sec, end_sec)
