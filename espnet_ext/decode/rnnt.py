"""RNN-T beam search: ESPnet's."""

from __future__ import annotations

from espnet2.asr.transducer.beam_search_transducer import BeamSearchTransducer
from torch import Tensor


class RNNTBeam:
    """ESPnet's transducer beam search (Graves 2012), one utterance at a time."""

    def __init__(self, decoder, joint, beam_size: int):
        self.search = BeamSearchTransducer(decoder, joint, beam_size=beam_size)

    def __call__(self, encoded_TD: Tensor) -> list[int]:
        best = self.search(encoded_TD)[0]
        return [int(token) for token in best.yseq[1:]]
