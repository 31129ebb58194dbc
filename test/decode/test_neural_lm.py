"""A neural LM's sentence scores: ESPnet's own, those of rescoring, and those of the beam search."""

import itertools
import math

import numpy as np
import pytest
import torch
from espnet2.lm.espnet_model import ESPnetLanguageModel
from espnet2.lm.seq_rnn_lm import SequentialRNNLM
from espnet2.lm.transformer_lm import TransformerLM

from espnet_ext.config import UserError
from espnet_ext.decode.neural_lm import NeuralLM

WORDS = ["GO", "ON", "AND", "WAIT", "HERE"]
TOKENS = ["<blank>", "<unk>", *WORDS, "<sos/eos>"]
SENTENCES = [[2, 3], [], [5], [2, 6, 4, 5, 6], [1, 1, 3]]


def made(kind: str) -> NeuralLM:
    torch.manual_seed(0)
    if kind == "rnn":
        lm = SequentialRNNLM(len(TOKENS), unit=12, nlayers=2)
    else:
        sizes = {"embed_unit": 12, "att_unit": 16, "unit": 24, "layer": 2}
        lm = TransformerLM(len(TOKENS), None if kind == "no positions" else "sinusoidal", **sizes)
    for parameter in lm.parameters():  # far from uniform
        parameter.data *= 2
    return NeuralLM(lm, TOKENS)


@pytest.fixture(params=["sinusoidal", "no positions", "rnn"])
def neural(request):
    return made(request.param)


def espnet_log_probs(neural: NeuralLM) -> list[float]:
    model = ESPnetLanguageModel(neural.lm, len(TOKENS)).eval()
    lengths = torch.tensor([len(s) for s in SENTENCES])
    rows = [torch.tensor(s, dtype=torch.long) for s in SENTENCES]
    with torch.no_grad():
        nll, _ = model.nll(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)
    return (-nll.sum(1)).tolist()


def test_sentences_score_as_by_espnet(neural, monkeypatch):
    expected = espnet_log_probs(neural)
    assert neural.score_sentences(SENTENCES) == pytest.approx(expected, abs=1e-5)
    monkeypatch.setattr("espnet_ext.decode.neural_lm.LOGITS_AT_A_TIME", 1)  # one at a time
    assert neural.score_sentences(SENTENCES) == pytest.approx(expected, abs=1e-5)
    assert neural.score_sentences([]) == []


def test_all_sentences_of_two_words_at_most_sum_to_what_is_not_longer():
    """Σ over sentences of n words of their probability, with P(longer), is one."""
    neural = made("sinusoidal")
    ids = range(len(TOKENS) - 1)  # the LM's softmax has the blank, too; as a prefix it is padding
    short = neural.score_sentences([[], *([i] for i in ids)])
    start = (neural.boundary,)
    after, _ = neural.next_log_probs([start], [None])
    longer = sum(
        math.exp(after[0, i])
        * (1 - math.exp(neural.next_log_probs([(*start, i)], [None])[0][0, neural.boundary]))
        for i in ids
    )
    assert sum(map(math.exp, short)) + longer == pytest.approx(1, abs=1e-5)


@pytest.fixture
def fused():
    pytest.importorskip("flashlight.lib.text.decoder")
    from espnet_ext.decode.neural_fusion import FusedLM

    return FusedLM


def along(lm, units, sentence):
    """The score that flashlight's search would add up along a sentence."""
    state, total = lm.start(False), 0.0
    for word in sentence:
        state, score = lm.score(state, units.index(word))
        total += score
    return total + lm.finish(state)[1]


@pytest.mark.parametrize("options", [{}, {"batch": 1}, {"batch": 64}, {"keep_numbers": 1}])
def test_fusion_scores_as_rescoring_does(neural, fused, options):
    units = ["WAIT", "HERE", "GO", "BOTHER", "ON"]  # an order of its own, and an unknown word
    lm = fused(neural, units, **options)
    some = [list(s) for n in range(4) for s in itertools.product(units, repeat=n)][:90]
    ids = [neural.ids(s) for s in some]
    expected = neural.score_sentences(ids)
    state_of = {(): lm.start(False)}
    for sentence in some:  # interleaved, as in a beam: all of one length, then all one longer
        if sentence:
            before = state_of[tuple(sentence[:-1])]
            state_of[tuple(sentence)], _ = lm.score(before, units.index(sentence[-1]))
    for sentence, log_prob in zip(some, expected, strict=True):
        total, state = 0.0, state_of[()]
        for word in sentence:
            state, score = lm.score(state, units.index(word))
            total += score
        assert total + lm.finish(state)[1] == pytest.approx(log_prob, abs=1e-4)
    assert along(lm, units, ["GO", "ON"]) == pytest.approx(neural.score_sentences([[2, 3]])[0])


def test_a_batch_saves_calls_of_the_network(fused, monkeypatch):
    calls = {}
    for batch in (1, 8):
        neural = made("sinusoidal")
        plain = neural.lm.batch_score
        calls[batch] = 0

        def counted(*args, batch=batch, plain=plain):
            calls[batch] += 1
            return plain(*args)

        neural.lm.batch_score = counted
        lm = fused(neural, WORDS, batch=batch)
        start = lm.start(False)
        states = [lm.score(start, i)[0] for i in range(len(WORDS))]
        for state in states:
            lm.finish(state)
    assert calls == {1: 6, 8: 2}


def test_in_the_lexicon_search_as_by_hand(fused):
    """Equal letters for GO and ON and AND: the LM chooses, with its own score beside."""
    from espnet_ext.decode.conf import make_conf
    from espnet_ext.decode.lexicon import spell
    from espnet_ext.decode.search import CTCSearch

    neural = made("sinusoidal")
    letters = ["<blank>", "<unk>", "<space>", *sorted({c for w in WORDS for c in w}), "<sos/eos>"]
    lexicon, _ = spell(WORDS, letters)
    conf = make_conf(
        {"search": "lexicon", "lexicon": "x", "beam_size": 500, "nbest": 50, "lm_weight": 1.5}, ""
    )
    rng = np.random.default_rng(0)
    emissions_TV = np.log(rng.dirichlet(np.ones(len(letters)), 7)).astype(np.float32)
    found = CTCSearch(letters, conf, lexicon, fused(neural, list(lexicon))).search(emissions_TV)
    assert len(found) > 5
    alone = neural.score_sentences([neural.ids(hyp.words) for hyp in found])
    assert [hyp.lm_score for hyp in found] == pytest.approx(alone, abs=1e-3)


def test_an_lm_of_another_vocabulary_is_one_line(fused):
    neural = made("sinusoidal")
    with pytest.raises(UserError, match=r"exp/lm_x: .*lacks 3 of the 4 units.*first: go"):
        fused(neural, ["go", "on", "wait", "HERE"], "exp/lm_x")
    del neural.index["<unk>"]
    with pytest.raises(UserError, match="'go' is no token of the LM"):
        neural.ids(["GO", "go"])
