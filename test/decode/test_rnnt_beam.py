"""RNN-T beam search against torchaudio's loss of every labelling, and an LM's rows."""

import itertools

import pytest
import torch
import torchaudio.functional
from espnet2.asr.decoder.transducer_decoder import TransducerDecoder
from espnet2.asr.transducer.beam_search_transducer import BeamSearchTransducer
from espnet2.asr_transducer.joint_network import JointNetwork

from espnet_ext.config import UserError
from espnet_ext.decode.conf import check_rnnt, make_conf
from espnet_ext.decode.ngram import load_ngram
from espnet_ext.decode.rnnt import RNNTBeam

TOKENS, DIM = ["<blank>", "▁A", "B"], 5
ARPA = """\\data\\
ngram 1=5
ngram 2=2

\\1-grams:
-99	<s>	-0.2
-0.6	</s>	0
-0.4	▁A	-0.3
-0.9	B	-0.1
-3	<unk>	0

\\2-grams:
-0.2	▁A B
-0.1	<s> ▁A

\\end\\
"""
ROWS = {"▁A": -0.4, "B": -0.9, "</s>": -0.6, ("▁A", "B"): -0.2, ("<s>", "▁A"): -0.1}
BACK_OFF = {"<s>": -0.2, "▁A": -0.3, "B": -0.1}


def lm_score(tokens) -> float:
    """log10, the end of the sentence included."""
    return sum(
        ROWS[pair] if pair in ROWS else BACK_OFF[pair[0]] + ROWS[pair[1]]
        for pair in itertools.pairwise(("<s>", *tokens, "</s>"))
    )


def transducer(seed: int, rnn_type: str = "lstm"):
    torch.manual_seed(seed)
    decoder = TransducerDecoder(len(TOKENS), rnn_type=rnn_type, num_layers=2, hidden_size=6).eval()
    joint = JointNetwork(len(TOKENS), DIM, 6, joint_space_size=8).eval()
    for parameter in (*decoder.parameters(), *joint.parameters()):
        torch.nn.init.normal_(parameter, std=0.7)  # frame, label and state must all matter
    joint.lin_out.bias.data[0] -= 0.7
    return decoder, joint, 2 * torch.randn(2, DIM)


@torch.no_grad()
def log_probs(decoder, joint, encoded_TD, longest: int) -> dict[tuple[str, ...], float]:
    """Of every labelling of up to so many labels, all alignments added up."""
    found = {}
    for n in range(longest + 1):
        for labels in itertools.product(range(1, len(TOKENS)), repeat=n):
            labels_1U = torch.tensor([labels], dtype=torch.long).reshape(1, n)
            prefix_1UD = decoder(torch.nn.functional.pad(labels_1U, (1, 0)))
            logits = joint(encoded_TD[None, :, None], prefix_1UD[:, None])
            lengths = torch.tensor([len(encoded_TD)]).int(), torch.tensor([n]).int()
            loss = torchaudio.functional.rnnt_loss(logits, labels_1U.int(), *lengths, blank=0)
            found[tuple(TOKENS[i] for i in labels)] = -float(loss)
    return found


@pytest.mark.parametrize("rnn_type", ["lstm", "gru"])
@pytest.mark.parametrize(("lm_weight", "word_score"), [(0.0, 0.0), (0.0, 0.8), (1.7, -0.6)])
def test_a_wide_beam_finds_what_an_enumeration_finds(tmp_path, rnn_type, lm_weight, word_score):
    (tmp_path / "lm.arpa").write_text(ARPA)
    lm = load_ngram(tmp_path / "lm.arpa", TOKENS) if lm_weight else None
    for seed in range(4):
        decoder, joint, encoded_TD = transducer(seed, rnn_type)
        beam = RNNTBeam(
            decoder, joint, TOKENS, 200, lm, lm_weight, word_score, max_symbols=3, by_length=False
        )
        found = beam.search(encoded_TD)
        # up to three labels: no alignment has more than max_symbols of them at a frame
        am = log_probs(decoder, joint, encoded_TD, 3)
        total = {
            tokens: own
            + (lm_weight * lm_score(tokens) if lm_weight else 0)
            + word_score * len("".join(tokens).replace("▁", " ").split())
            for tokens, own in am.items()
        }
        best = sorted(total, key=total.get, reverse=True)
        short = [hyp for hyp in found if len(hyp.tokens) <= 3]
        assert [hyp.tokens for hyp in short] == best
        for hyp in short:
            assert hyp.score == pytest.approx(total[hyp.tokens], abs=1e-4)
            assert hyp.am_score == pytest.approx(am[hyp.tokens], abs=1e-4)
            if lm_weight:
                assert hyp.lm_score == pytest.approx(lm_score(hyp.tokens), abs=1e-4)


@torch.no_grad()
def test_espnets_own_repeats_labellings_and_does_not_add_them_up():
    """Why there is one of ours. Should this fail, ESPnet's has been mended and may be used."""
    decoder, joint, _ = transducer(0)
    encoded_TD = 2 * torch.randn(8, DIM)
    search = BeamSearchTransducer(decoder, joint, beam_size=3, score_norm=False, nbest=9)
    found = [tuple(TOKENS[i] for i in hyp.yseq[1:]) for hyp in search(encoded_TD)]
    assert len(set(found)) < len(found)
    ours = RNNTBeam(decoder, joint, TOKENS, 3, by_length=False).search(encoded_TD)
    am = log_probs(decoder, joint, encoded_TD, 3)
    assert am[ours[0].tokens] > am[found[0]] + 0.5


def test_a_narrow_beam_ranks_by_length_and_tries_the_likeliest():
    decoder, joint, encoded_TD = transducer(1)
    am = log_probs(decoder, joint, encoded_TD, 3)
    found = RNNTBeam(decoder, joint, TOKENS, 4, tokens_tried=1).search(encoded_TD)
    assert len(found) == len({hyp.tokens for hyp in found}) == 4
    ranks = [hyp.score / (len(hyp.tokens) + 1) for hyp in found]
    assert ranks == sorted(ranks, reverse=True)
    assert all(hyp.score <= am[hyp.tokens] + 1e-4 for hyp in found if len(hyp.tokens) <= 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search": "lexicon", "lexicon": "x"}, "search: lexicon means nothing to an RNN-T"),
        ({"search": "beam", "log_add": False}, "alignments always add up.* means nothing"),
        ({"search": "beam", "beam_threshold": 9}, "beam_threshold means nothing to an RNN-T"),
        ({"search": "beam", "ngram": "x", "tune": {}}, "an RNN-T has none.* means nothing"),
        ({"search": "beam", "nbest": 20}, "nbest: 20, but beam_size: 10 are kept"),
    ],
)
def test_what_means_nothing_to_an_rnnt_is_told(given, said):
    with pytest.raises(UserError, match=f"^c.yaml: {said}" if "nbest" in said else said):
        make_conf(given | {"output": "rnnt"}, "c.yaml")
    conf = make_conf(given, "c.yaml")  # it may be a CTC's
    with pytest.raises(UserError, match=said):
        check_rnnt(conf, "c.yaml")
