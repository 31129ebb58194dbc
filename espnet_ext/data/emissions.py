"""CTC emissions on disk: what a search is tuned and run on, without the network.

emissions.{ark,scp}        per utterance a float32 (T, V) matrix of natural log-probabilities
emissions.frame_shift_ms   20
tokens.txt, bpe.model      what the columns stand for; the latter only with word pieces
rtf.JOB                    seconds that a job of the network took, seconds of its audio
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import kaldiio
import numpy as np

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import read_dict


class EmissionsDir(Mapping[str, np.ndarray]):
    """utterance id -> emissions_TV of a folder that `dump_emissions` filled.

    Attributes:
        tokens: of the recogniser. pieces_of: a word's word pieces; None for letters and phones.

    Raises:
        UserError: a file is missing.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        for name in ("emissions.scp", "tokens.txt"):
            if not (self.folder / name).exists():
                raise UserError(f"{self.folder / name}: missing; stage 8 (emissions) makes it")
        self._places = read_dict(self.folder / "emissions.scp")
        self.tokens = (self.folder / "tokens.txt").read_text(encoding="utf-8").splitlines()
        self.pieces_of: Callable[[str], list[str]] | None = None
        if (self.folder / "bpe.model").exists():
            import sentencepiece

            model = sentencepiece.SentencePieceProcessor(str(self.folder / "bpe.model"))
            self.pieces_of = lambda word: model.encode(word, out_type=str)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, utt: object) -> bool:  # Mapping's own would read the matrix
        return utt in self._places

    def __getitem__(self, utt: str) -> np.ndarray:
        return kaldiio.load_mat(self._places[utt])
