"""Greedy search, a batch at a time.

Shapes: B utterances, T frames, V tokens, D dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor


def ctc_greedy(log_probs_BTV: Tensor, lengths_B: Tensor, blank: int) -> list[list[int]]:
    """Best token of every frame, repeats merged, blanks removed."""
    best_BT = log_probs_BTV.argmax(-1)
    frame_T = torch.arange(best_BT.shape[1], device=best_BT.device)
    new_BT = torch.ones_like(best_BT, dtype=torch.bool)
    new_BT[:, 1:] = best_BT[:, 1:] != best_BT[:, :-1]
    keep_BT = new_BT & (best_BT != blank) & (frame_T < lengths_B[:, None])
    return [row[keep].tolist() for row, keep in zip(best_BT, keep_BT, strict=True)]


def rnnt_greedy(
    decoder, joint, encoded_BTD: Tensor, lengths_B: Tensor, blank: int, max_symbols: int = 10
) -> list[list[int]]:
    """Follow the best symbol; a frame is left at its first blank.

    Args:
        decoder, joint: ESPnet's TransducerDecoder and JointNetwork.
        max_symbols: emitted at one frame at most, so that an untrained model ends, too.
    """
    batch = len(encoded_BTD)
    decoder.set_device(encoded_BTD.device)

    def predict(token_B, state):
        out_B1D, new_state = decoder.rnn_forward(decoder.embed(token_B)[:, None], state)
        return out_B1D[:, 0], new_state

    blank_B = torch.full((batch,), blank, dtype=torch.long, device=encoded_BTD.device)
    out_BD, state = predict(blank_B, decoder.init_state(batch))
    hyps: list[list[int]] = [[] for _ in range(batch)]
    for frame in range(encoded_BTD.shape[1]):
        active_B = frame < lengths_B
        for _ in range(max_symbols):
            best_B = joint(encoded_BTD[:, frame], out_BD).argmax(-1)
            active_B = active_B & (best_B != blank)
            if not active_B.any():
                break
            for row in active_B.nonzero()[:, 0].tolist():
                hyps[row].append(int(best_B[row]))
            next_BD, next_state = predict(torch.where(active_B, best_B, blank_B), state)
            out_BD = torch.where(active_B[:, None], next_BD, out_BD)
            state = tuple(
                old if new is None else torch.where(active_B[None, :, None], new, old)
                for new, old in zip(next_state, state, strict=True)
            )
    return hyps
