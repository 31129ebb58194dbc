import pytest
import torch
import torchaudio.functional
from espnet2.asr.decoder.transducer_decoder import TransducerDecoder
from espnet2.asr_transducer.joint_network import JointNetwork

from espnet_ext.decode.greedy import ctc_greedy, rnnt_greedy
from espnet_ext.decode.rnnt import RNNTBeam

VOCAB, DIM = 7, 5
TOKENS = [str(i) for i in range(VOCAB)]


def test_ctc_merges_repeats_and_drops_blanks_by_hand():
    best_BT = torch.tensor([[0, 1, 1, 0, 1, 2, 2, 0], [3, 3, 0, 3, 0, 0, 9, 9], [0] * 8])
    log_probs_BTV = torch.nn.functional.one_hot(best_BT, 10).float()
    assert ctc_greedy(log_probs_BTV, torch.tensor([8, 4, 8]), blank=0) == [[1, 1, 2], [3, 3], []]
    assert ctc_greedy(log_probs_BTV, torch.tensor([8, 4, 8]), blank=1) == [
        [0, 0, 2, 0],
        [3, 0, 3],
        [0],
    ]


def transducer(rnn_type: str, blank_bias: float):
    torch.manual_seed(0)
    decoder = TransducerDecoder(VOCAB, rnn_type=rnn_type, num_layers=2, hidden_size=6).eval()
    joint = JointNetwork(VOCAB, DIM, 6, joint_space_size=8).eval()
    for parameter in (*decoder.parameters(), *joint.parameters()):
        torch.nn.init.normal_(parameter)  # frame, label and state must all matter
    decoder.embed.weight.data.mul_(3)
    joint.lin_out.bias.data.zero_()[0] = blank_bias
    return decoder, joint, 2 * torch.randn(4, 12, DIM), torch.tensor([12, 9, 1, 5])


@pytest.mark.parametrize("rnn_type", ["lstm", "gru"])
@torch.no_grad()
def test_rnnt_batch_equals_one_at_a_time(rnn_type):
    decoder, joint, encoded_BTD, lengths_B = transducer(rnn_type, blank_bias=1.0)
    together = rnnt_greedy(decoder, joint, encoded_BTD, lengths_B, 0)
    alone = [
        rnnt_greedy(decoder, joint, encoded_BTD[i : i + 1, :n], lengths_B[i : i + 1], 0)[0]
        for i, n in enumerate(lengths_B)
    ]
    assert together == alone
    assert len({len(hyp) for hyp in together}) > 1


@torch.no_grad()
def test_rnnt_emits_at_most_max_symbols_a_frame():
    decoder, joint, encoded_BTD, lengths_B = transducer("lstm", blank_bias=-100.0)
    hyps = rnnt_greedy(decoder, joint, encoded_BTD, lengths_B, 0, max_symbols=3)
    assert [len(hyp) for hyp in hyps] == (3 * lengths_B).tolist()


@torch.no_grad()
def test_a_wider_rnnt_beam_finds_likelier_labels():
    """Likelier per symbol, the leading blank counted: by this it ranks."""
    decoder, joint, encoded_BTD, _ = transducer("lstm", blank_bias=5.0)
    encoded_BTD, n_frames = encoded_BTD[:, :4], 4

    def log_prob_per_symbol(row_TD, beam) -> float:
        labels = [int(token) for token in beam.search(row_TD)[0].tokens]
        labels_1U = torch.tensor([labels], dtype=torch.long)
        prefix_1UD = decoder(torch.nn.functional.pad(labels_1U, (1, 0)))
        logits = joint(row_TD[None, :, None], prefix_1UD[:, None])
        lengths = torch.tensor([n_frames]).int(), torch.tensor([len(labels)]).int()
        loss = torchaudio.functional.rnnt_loss(logits, labels_1U.int(), *lengths, blank=0)
        return -float(loss) / (len(labels) + 1)

    one, wide = (
        sum(log_prob_per_symbol(row_TD, beam) for row_TD in encoded_BTD)
        for beam in (RNNTBeam(decoder, joint, TOKENS, size) for size in (1, 4))
    )
    assert wide > one
