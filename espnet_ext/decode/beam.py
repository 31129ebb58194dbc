"""Beam search by libraries: flashlight-text for CTC, ESPnet for the RNN-T."""

from __future__ import annotations

import numpy as np
from espnet2.asr.transducer.beam_search_transducer import BeamSearchTransducer
from torch import Tensor


class CTCBeam:
    """Prefix beam search over tokens, without lexicon or language model.

    Args:
        vocab_size: tokens. blank: index of the blank. beam_size: prefixes kept.
    """

    def __init__(self, vocab_size: int, blank: int, beam_size: int):
        # here, because flashlight-text has no wheel for Python 3.13 and greedy search needs none
        from flashlight.lib.text.decoder import (
            CriterionType,
            LexiconFreeDecoder,
            LexiconFreeDecoderOptions,
            ZeroLM,
        )

        options = LexiconFreeDecoderOptions(
            beam_size=beam_size,
            beam_size_token=min(vocab_size, beam_size),
            beam_threshold=50.0,  # nats below the best, far beyond what can still win
            lm_weight=0.0,
            sil_score=0.0,
            log_add=True,  # paths of one prefix add up, as CTC defines
            criterion_type=CriterionType.CTC,
        )
        # flashlight's silence only matters with a word separator; there is none, so blank stands in
        self.decoder = LexiconFreeDecoder(options, ZeroLM(), blank, blank, [])
        self.vocab_size, self.blank = vocab_size, blank

    def __call__(self, log_probs_TV: Tensor) -> list[int]:
        emissions = np.ascontiguousarray(log_probs_TV.float().cpu().numpy())
        path = self.decoder.decode(emissions.ctypes.data, len(emissions), self.vocab_size)[0].tokens
        merged = [path[i] for i in range(len(path)) if i == 0 or path[i] != path[i - 1]]
        return [token for token in merged if token not in (self.blank, -1)]


class RNNTBeam:
    """ESPnet's transducer beam search (Graves 2012), one utterance at a time."""

    def __init__(self, decoder, joint, beam_size: int):
        self.search = BeamSearchTransducer(decoder, joint, beam_size=beam_size)

    def __call__(self, encoded_TD: Tensor) -> list[int]:
        best = self.search(encoded_TD)[0]
        return [int(token) for token in best.yseq[1:]]
