"""CTC prefix beam search against an enumeration of every alignment."""

import itertools

import pytest
import torch

from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.greedy import ctc_greedy
from espnet_ext.decode.search import CTCSearch


def labelling_log_probs(log_probs_TV, blank: int) -> dict[tuple[int, ...], float]:
    """log p of every labelling: all alignments, merged, added up."""
    n_frames, vocab = log_probs_TV.shape
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(vocab), repeat=n_frames):
        merged = [token for token, _ in itertools.groupby(path)]
        labelling = tuple(token for token in merged if token != blank)
        p = float(sum(log_probs_TV[t, token] for t, token in enumerate(path)).exp())
        totals[labelling] = totals.get(labelling, 0.0) + p
    return {labelling: float(torch.tensor(p).log()) for labelling, p in totals.items()}


@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_the_best_labelling(blank):
    generator = torch.Generator().manual_seed(blank)
    tokens = ["a", "b"]
    tokens.insert(blank, "<blank>")
    beam, greedy = (
        CTCSearch(tokens, DecodeConf(search=kind, beam_size=100)) for kind in ("beam", "greedy")
    )
    better_than_greedy = 0
    for n_frames in (1, 2, 3, 4) * 15:
        log_probs_TV = torch.randn(n_frames, 3, generator=generator).log_softmax(-1)
        totals = labelling_log_probs(log_probs_TV, blank)
        best = beam.search(log_probs_TV)[0]
        found = tuple(tokens.index(token) for token in best.tokens)
        first = tuple(ctc_greedy(log_probs_TV[None], torch.tensor([n_frames]), blank)[0])
        assert [tokens[i] for i in first] == list(greedy.search(log_probs_TV)[0].tokens)
        assert totals[found] == pytest.approx(max(totals.values()), abs=1e-5)
        assert best.score == best.am_score == pytest.approx(totals[found], abs=1e-4)
        assert totals[found] >= totals[first] - 1e-5
        better_than_greedy += found != first
    assert better_than_greedy > 5  # adding up alignments changed the winner


def test_repeated_labels_survive():
    """Sure of a, blank, a: the blank separates two labels."""
    log_probs_TV = torch.full((5, 3), -20.0)
    for t, token in enumerate([1, 1, 0, 1, 2]):
        log_probs_TV[t, token] = 0.0
    for kind in ("beam", "greedy"):
        search = CTCSearch(["<blank>", "a", "b"], DecodeConf(search=kind))
        assert search.search(log_probs_TV)[0].words == ("a", "a", "b")
