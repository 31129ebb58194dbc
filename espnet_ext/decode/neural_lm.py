"""A neural language model for recognition: whole sentences at once, or a token more at a time.

Both give the same number for the same sentence: the natural log of its probability, end included.
`neural_fusion` brings it into flashlight's searches.
Shapes: B sentences, L tokens and the start, V tokens of the LM.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from espnet_ext.config import UserError
from espnet_ext.decode.units import BLANK

UNKNOWN = "<unk>"
LOGITS_AT_A_TIME = 2**26  # 256 MB


class NeuralLM:
    """An LM of ESPnet's, with the names of its tokens.

    Args:
        lm: `forward(ids_BL, None)` gives (logits_BLV, _), `batch_score(ids_BL, states, None)` the
            log-probabilities of the next token and new states: ESPnet's LMs. 0 is padding.
        tokens: its list; the last one is start and end of a sentence.
    """

    def __init__(self, lm: torch.nn.Module, tokens: Sequence[str]):
        self.lm, self.tokens = lm.eval(), list(tokens)
        self.index = {token: i for i, token in enumerate(self.tokens)}
        self.boundary = len(self.tokens) - 1

    @property
    def device(self) -> torch.device:
        return next(self.lm.parameters()).device

    def ids(self, units: Sequence[str]) -> list[int]:
        """Indices of words or tokens; `<unk>`'s for those that it has not.

        Raises:
            UserError: one that it has not, and it has no `<unk>`.
        """
        unknown = self.index.get(UNKNOWN)
        found = [self.index.get(unit, unknown) for unit in units]
        if None in found:
            raise UserError(f"{units[found.index(None)]!r} is no token of the LM, nor is {UNKNOWN}")
        return found

    @torch.no_grad()
    def score_sentences(self, sentences: Sequence[Sequence[int]]) -> list[float]:
        """Log-probability of each, in batches of sentences of like length.

        Args:
            sentences: of token indices, without start and end; they may be empty.
        """
        by_length = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        scores = [0.0] * len(sentences)
        while by_length:
            width = len(sentences[by_length[-1]]) + 1
            n = max(1, LOGITS_AT_A_TIME // (width * len(self.tokens)))
            batch = by_length[-n:]
            del by_length[-n:]
            found = self._score_batch([sentences[i] for i in batch], width)
            for i, score in zip(batch, found, strict=True):
                scores[i] = score
        return scores

    def _score_batch(self, sentences: list[Sequence[int]], width: int) -> list[float]:
        inputs_BL = torch.zeros(len(sentences), width, dtype=torch.long)
        targets_BL = torch.full_like(inputs_BL, -1)
        for row, sentence in enumerate(sentences):
            ids = torch.tensor([self.boundary, *sentence, self.boundary])
            inputs_BL[row, : len(sentence) + 1] = ids[:-1]
            targets_BL[row, : len(sentence) + 1] = ids[1:]
        targets_BL = targets_BL.to(self.device)
        logits_BLV, _ = self.lm(inputs_BL.to(self.device), None)
        losses_BL = torch.nn.functional.cross_entropy(
            logits_BLV.transpose(1, 2).float(), targets_BL, ignore_index=-1, reduction="none"
        )
        return (-losses_BL.double().sum(1)).tolist()

    @torch.no_grad()
    def next_log_probs(self, prefixes: list[tuple[int, ...]], states: list) -> tuple[Tensor, list]:
        """Of the token after each prefix.

        Args:
            prefixes: of one length, the start included. states: of all but their last token; where
                one is None, all are read anew.

        Returns:
            (B, V) on the host, and the states of the prefixes.
        """
        ids_BL = torch.tensor(prefixes, device=self.device)
        length = ids_BL.shape[1]
        anew = any(state is None for state in states)
        states = [None] * len(prefixes) if anew else states
        for end in range(1 if anew else length, length + 1):
            log_probs_BV, states = self.lm.batch_score(ids_BL[:, :end], states, None)
        return log_probs_BV.float().cpu(), states


def check_vocabulary(neural: NeuralLM, units: Sequence[str], source: str) -> None:
    """Raise a UserError where the LM lacks most of the units that it shall score."""
    wanted = [unit for unit in units if unit not in (BLANK, UNKNOWN, neural.tokens[-1])]
    lacking = [unit for unit in wanted if unit not in neural.index]
    if len(lacking) > len(wanted) / 2:
        raise UserError(
            f"{source}: an LM over another vocabulary: it lacks {len(lacking)} of the "
            f"{len(wanted)} units of the search; first: {lacking[0]} (case? words or tokens?)"
        )
