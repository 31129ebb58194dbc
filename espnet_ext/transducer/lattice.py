"""All alignments of labels with frames, as paths through a rectangle of nodes (Graves 2012, §2.4).

Node (t, u): t frames are done, u labels are out. Two arcs leave it: blank, to (t+1, u), and the
next label, to (t, u+1). Nodes with the same t + u form a diagonal and depend only on the one before
it, so that all of a diagonal, of all utterances, is computed at once.

Shapes: B utterances, T frames, U labels, W = U + 1 prefixes of them. Log-probabilities are in
double: a long utterance's sum of -6000 has a float32 step of 5e-4, which would be the relative
error of every gradient. Two numbers per node are too few for that to cost anything.
"""

from __future__ import annotations

import torch
from torch import Tensor

_CLOSED = float("-inf")


def closed(
    blank_BTW: Tensor, label_BTW: Tensor, frames_B: Tensor, labels_B: Tensor
) -> tuple[Tensor, Tensor]:
    """A ragged batch as rectangles of one size, in which every path leads from (0, 0) to (T, U).

    From the end of an utterance free arcs go on to (T, U), over the frames first; all other arcs
    outside it are closed. So the recursion needs no lengths, and the backward one is the forward
    one on the rectangle turned round.

    Args:
        blank_BTW, label_BTW: log-probabilities of the arcs that leave each node; those outside the
            utterances have no meaning.

    Returns:
        Blank arcs (B, T, W) and label arcs (B, T + 1, U), double.
    """
    _, n_frames, n_prefixes = blank_BTW.shape
    t_T1 = torch.arange(n_frames + 1, device=blank_BTW.device)[:, None]
    u_W = torch.arange(n_prefixes, device=blank_BTW.device)
    frames_B11, labels_B11 = frames_B[:, None, None], labels_B[:, None, None]
    inside_BT1 = t_T1 < frames_B11
    blank_BTW = blank_BTW.double().masked_fill(~(inside_BT1[:, :-1] & (u_W <= labels_B11)), _CLOSED)
    blank_BTW = blank_BTW.masked_fill(~inside_BT1[:, :-1] & (u_W == labels_B11), 0.0)
    label_BTU = torch.nn.functional.pad(label_BTW[:, :, :-1].double(), (0, 0, 0, 1))
    u_U = u_W[:-1]
    label_BTU = label_BTU.masked_fill(~(inside_BT1 & (u_U < labels_B11)), _CLOSED)
    label_BTU = label_BTU.masked_fill((t_T1 == n_frames) & (u_U >= labels_B11), 0.0)
    return blank_BTW, label_BTU


def forward(blank_BTW: Tensor, label_BTU: Tensor) -> Tensor:
    """Log-probability of coming from (0, 0) to each node (Graves 2012, eq. 16).

    Args:
        blank_BTW, label_BTU: as `closed` returns them.

    Returns:
        (B, T + 1, W): a view, in which the nodes of a diagonal lie side by side.
    """
    n_utts, n_frames, n_prefixes = blank_BTW.shape
    n_steps = n_frames + n_prefixes - 1
    plane, skew = 2 * n_utts * n_prefixes, 2 * n_utts * n_prefixes + 1
    # by diagonal, kind (label, blank), utterance, and u of the node that the arc leads to
    arcs = blank_BTW.new_full((n_steps, 2, n_utts, n_prefixes), _CLOSED)
    arcs.as_strided(label_BTU.shape, (n_prefixes, plane, skew), 1).copy_(label_BTU)
    arcs.as_strided(blank_BTW.shape, (n_prefixes, plane, skew), plane // 2).copy_(blank_BTW)
    # a closed column before u = 0: what label arcs to u = 0 would come from
    row = n_prefixes + 1
    reached = blank_BTW.new_full((n_steps + 1, n_utts, row), _CLOSED)
    reached[0, :, 1] = 0.0
    sources = reached.as_strided(
        (n_steps + 1, 2, n_utts, n_prefixes), (n_utts * row, 1, row, 1)
    ).unbind()
    targets = reached[:, :, 1:].unbind()
    ways = blank_BTW.new_empty((2, n_utts, n_prefixes))
    by_label, by_blank = ways.unbind()
    for step, arc in enumerate(arcs.unbind()):
        torch.add(sources[step], arc, out=ways)
        torch.logaddexp(by_label, by_blank, out=targets[step + 1])
    return reached.as_strided(
        (n_utts, n_frames + 1, n_prefixes), (row, n_utts * row, n_utts * row + 1), 1
    )


def posteriors(blank_BTW: Tensor, label_BTU: Tensor, reached_BTW: Tensor) -> tuple[Tensor, Tensor]:
    """Probability, given the labels, that a path takes each arc.

    Args:
        blank_BTW, label_BTU: as `closed` returns them. reached_BTW: as `forward` does.

    Returns:
        Of blank arcs and of label arcs, (B, T, W) both; NaN for utterances that no path leads
        through, without meaning outside the utterances.
    """
    total_B11 = reached_BTW[:, -1:, -1:]
    to_end_BTW = forward(blank_BTW.flip(1, 2), label_BTU.flip(1, 2)).flip(1, 2)
    so_far_BTW = reached_BTW[:, :-1] - total_B11
    by_blank_BTW = (so_far_BTW + blank_BTW + to_end_BTW[:, 1:]).exp()
    by_label_BTU = (so_far_BTW[..., :-1] + label_BTU[:, :-1] + to_end_BTW[:, :-1, 1:]).exp()
    return by_blank_BTW, torch.nn.functional.pad(by_label_BTU, (0, 1))
