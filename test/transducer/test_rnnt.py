"""The exact chunked RNN-T loss, against torchaudio's and against the recursion written out."""

import pytest
import torch
import torch.nn.functional as F
import torchaudio.functional
from espnet2.asr_transducer.joint_network import JointNetwork
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from espnet_ext.transducer.rnnt import rnnt_loss

NAMES = ("enc", "dec", "weight", "bias")


def problem(frames, labels, vocab, dim, blank=0, scale=1.0, dtype=torch.float32, seed=0):
    """Inputs of a ragged batch; padding of labels is -1, as a data loader's."""
    draw = torch.Generator().manual_seed(seed)
    n_utts, n_frames, n_labels = len(frames), max(frames), max(labels)

    def normal(*shape: int) -> torch.Tensor:
        return (scale * torch.randn(shape, generator=draw)).to(dtype).requires_grad_()

    inputs = [
        normal(n_utts, n_frames, dim),
        normal(n_utts, n_labels + 1, dim),
        normal(vocab, dim),
        normal(vocab),
    ]
    labels_BU = torch.randint(1, vocab, (n_utts, n_labels), generator=draw)
    labels_BU = (labels_BU + blank) % vocab
    lengths = torch.tensor(frames), torch.tensor(labels)
    beyond_BU = torch.arange(n_labels) >= lengths[1][:, None]
    return inputs, labels_BU.masked_fill(beyond_BU, -1), *lengths


def logits_of(enc_BTJ, dec_BWJ, weight_VJ, bias_V, activation=torch.tanh) -> torch.Tensor:
    return F.linear(activation(enc_BTJ[:, :, None] + dec_BWJ[:, None]), weight_VJ, bias_V)


def forward_recursion(log_probs_TWV, labels: list[int], blank: int, label_weight=1.0):
    """Graves 2012, eq. 16: α(t, u) = α(t-1, u) ∅(t-1, u) + α(t, u-1) y(t, u-1).

    `label_weight` multiplies the gradient by the y(t, u), not their values.
    """
    n_frames, n_labels = log_probs_TWV.shape[0], len(labels)
    alpha = {(0, 0): log_probs_TWV.new_zeros(())}
    for t in range(n_frames):
        for u in range(n_labels + 1):
            ways = []
            if t > 0:
                ways.append(alpha[t - 1, u] + log_probs_TWV[t - 1, u, blank])
            if u > 0:
                y = log_probs_TWV[t, u - 1, labels[u - 1]]
                ways.append(alpha[t, u - 1] + y + (label_weight - 1) * (y - y.detach()))
            if ways:
                alpha[t, u] = torch.logsumexp(torch.stack(ways), 0)
    last = (n_frames - 1, n_labels)
    return -(alpha[last] + log_probs_TWV[(*last, blank)])


def written_out(inputs, labels_BU, frames_B, labels_B, blank=0, label_weight=1.0) -> torch.Tensor:
    log_probs_BTWV = logits_of(*inputs).log_softmax(-1)
    rows = zip(log_probs_BTWV, labels_BU, frames_B, labels_B, strict=True)
    return torch.stack(
        [forward_recursion(x[:t], row[:u].tolist(), blank, label_weight) for x, row, t, u in rows]
    )


def torchaudios(inputs, labels_BU, frames_B, labels_B, blank=0, activation=torch.tanh):
    return torchaudio.functional.rnnt_loss(
        logits_of(*inputs, activation=activation),
        labels_BU.clamp(min=0).int(),
        frames_B.int(),
        labels_B.int(),
        blank=blank,
        reduction="none",
    )


def assert_same(ours_B, theirs_B, inputs, rtol=1e-4) -> None:
    """Values, and gradients of a sum in which every utterance has another weight, one negative."""
    torch.testing.assert_close(ours_B.double(), theirs_B.double(), rtol=rtol, atol=1e-5)
    weight_B = torch.linspace(-0.5, 1.5, len(ours_B) + 2)[1:-1]
    grads = (torch.autograd.grad((x_B * weight_B).sum(), inputs) for x_B in (ours_B, theirs_B))
    for name, ours, theirs in zip(NAMES, *grads, strict=True):
        assert ours.dtype == theirs.dtype
        difference = (ours.double() - theirs.double()).abs().max()
        # shares of alignments, of order one, may cancel to a small gradient
        assert difference <= rtol * theirs.abs().max().clamp(min=0.01), name


@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6)), min_size=1, max_size=4),
    vocab=st.integers(2, 7),
    dim=st.integers(1, 6),
    blank_from_end=st.booleans(),
    chunk_nodes=st.sampled_from([5, 17, 300]),
    seed=st.integers(0, 100),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_values_and_gradients_equal_torchaudios(
    lengths, vocab, dim, blank_from_end, chunk_nodes, seed
):
    frames, labels = (list(x) for x in zip(*lengths, strict=True))
    labels[0] = max(labels[0], 1)  # torchaudio wants one label in the batch
    blank = vocab - 1 if blank_from_end else 0
    args = problem(frames, labels, vocab, dim, blank, seed=seed)
    inputs, *rest = args
    ours_B = rnnt_loss(*inputs, *rest, blank=blank, chunk_nodes=chunk_nodes)
    assert_same(ours_B, torchaudios(*args, blank), inputs)


def test_gradient_by_finite_differences():
    inputs, *rest = problem([4, 2, 1], [2, 3, 0], vocab=4, dim=2, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda *x: rnnt_loss(*x, *rest, chunk_nodes=5), inputs)


def test_chunks_change_no_result():
    inputs, *rest = problem([11, 4, 7], [3, 6, 1], vocab=9, dim=5)
    in_one = rnnt_loss(*inputs, *rest)
    for chunk_nodes in (1, 3, 50):
        assert_same(rnnt_loss(*inputs, *rest, chunk_nodes=chunk_nodes), in_one, inputs, rtol=1e-6)
        in_one = rnnt_loss(*inputs, *rest)  # differentiable once


def test_fastemit_multiplies_the_gradient_of_labels_and_no_value():
    args = problem([5, 3], [3, 4], vocab=5, dim=3, dtype=torch.double)
    inputs, *rest = args
    emitting = rnnt_loss(*inputs, *rest, fastemit_lambda=0.3)
    torch.testing.assert_close(emitting, rnnt_loss(*inputs, *rest))
    assert_same(emitting, written_out(*args, label_weight=1.3), inputs, rtol=1e-9)


def test_more_labels_than_frames():
    args = problem([2, 1], [6, 5], vocab=4, dim=3, dtype=torch.double)
    inputs, *rest = args
    assert_same(rnnt_loss(*inputs, *rest), written_out(*args), inputs, rtol=1e-9)


def test_without_labels_every_frame_is_blank():
    inputs, *rest = problem([4, 2], [0, 0], vocab=3, dim=2)
    blank_BT = logits_of(*inputs).log_softmax(-1)[:, :, 0, 0]
    by_hand_B = -torch.stack([blank_BT[0].sum(), blank_BT[1, :2].sum()])
    assert_same(rnnt_loss(*inputs, *rest), by_hand_B, inputs)


@pytest.mark.parametrize("labels", [[2, 3], [2, 0]])
def test_an_utterance_without_frames_has_no_loss_and_no_gradient(labels):
    inputs, labels_BU, _, labels_B = problem([5, 4], labels, vocab=4, dim=3)
    loss_B = rnnt_loss(*inputs, labels_BU, torch.tensor([5, 0]), labels_B)
    alone = [x[:1] for x in inputs[:2]] + inputs[2:]
    alone[1] = alone[1][:, :3]
    alone_1 = rnnt_loss(*alone, labels_BU[:1, :2], torch.tensor([5]), labels_B[:1])
    assert_same(loss_B, torch.cat([alone_1, torch.zeros(1)]), inputs)
    nothing_B = rnnt_loss(*inputs, labels_BU, torch.tensor([0, 0]), labels_B)
    assert nothing_B.tolist() == [0, 0]
    assert all(not grad.any() for grad in torch.autograd.grad(nothing_B.sum(), inputs))


def test_a_certain_model_leaves_out_what_has_no_gradient_and_changes_none():
    args = problem([40, 30], [6, 9], vocab=6, dim=4, scale=20.0)
    inputs, *rest = args
    computed = []

    def counted_tanh(x_NJ: torch.Tensor) -> torch.Tensor:
        computed.append(len(x_NJ))
        return x_NJ.tanh()

    loss_B = rnnt_loss(*inputs, *rest, activation=counted_tanh)
    n_nodes = sum(computed)
    assert n_nodes == 40 * 7 + 30 * 10
    in_double = [x.detach().double().requires_grad_() for x in inputs]
    grads = torch.autograd.grad(loss_B.sum(), inputs)
    assert 70 <= sum(computed) - n_nodes < n_nodes / 2
    expected = torch.autograd.grad(written_out(in_double, *rest).sum(), in_double)
    for ours, theirs in zip(grads, expected, strict=True):
        assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()


def test_a_nan_is_not_hidden():
    inputs, *rest = problem([3, 2], [1, 2], vocab=4, dim=3)
    with torch.no_grad():
        inputs[0][1, 0, 0] = float("nan")
    loss_B = rnnt_loss(*inputs, *rest)
    assert loss_B.isnan().tolist() == [False, True]
    assert torch.autograd.grad(loss_B.sum(), inputs)[0][1, 0].isnan().any()


@pytest.mark.parametrize(
    "name",
    ["ftswish", "hardtanh", "leaky_relu", "mish", "relu", "selu", "smish", "swish", "tanh"],
)
def test_espnets_joint_network_with_each_of_its_activations(name):
    torch.manual_seed(0)
    joint = JointNetwork(6, 4, 3, joint_space_size=5, joint_activation_type=name)
    (enc_BTD, dec_BWD, *_), *rest = problem([6, 4], [2, 3], vocab=6, dim=4)
    dec_BWD = dec_BWD[..., :3].detach().requires_grad_()
    theirs_B = torchaudio.functional.rnnt_loss(
        joint(enc_BTD[:, :, None], dec_BWD[:, None]),
        *(x.clamp(min=0).int() for x in rest),
        blank=0,
        reduction="none",
    )
    ours_B = rnnt_loss(
        joint.lin_enc(enc_BTD),
        joint.lin_dec(dec_BWD),
        joint.lin_out.weight,
        joint.lin_out.bias,
        *rest,
        activation=joint.joint_activation,
    )
    assert_same(ours_B, theirs_B, (enc_BTD, dec_BWD, joint.lin_out.weight, joint.lin_out.bias))


def test_bfloat16_is_close():
    inputs, *rest = problem([30, 20], [8, 5], vocab=12, dim=16, scale=0.5)
    exact = rnnt_loss(*inputs, *rest)
    exact_grads = torch.autograd.grad(exact.sum(), inputs)
    halves = [x.detach().bfloat16().requires_grad_() for x in inputs]
    rounded = rnnt_loss(*halves, *rest)
    with torch.autocast("cpu", torch.bfloat16):
        cast = rnnt_loss(*inputs, *rest)
    for loss, leaves in ((rounded, halves), (cast, inputs)):
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, exact, rtol=0.01, atol=0)
        for grad, leaf, expected in zip(
            torch.autograd.grad(loss.sum(), leaves), leaves, exact_grads, strict=True
        ):
            assert grad.dtype == leaf.dtype
            assert (grad - expected).norm() < 0.05 * expected.norm()


class LargestTensor(TorchDispatchMode):
    """Elements of the largest tensor that any operation returns."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else (out,):
            if isinstance(x, torch.Tensor):
                # oneDNN's tensors have no storage to ask
                strided = x.layout == torch.strided
                size = x.untyped_storage().nbytes() // x.itemsize if strided else x.numel()
                self.elements = max(self.elements, size)
        return out


def test_no_tensor_holds_all_frames_prefixes_and_symbols():
    inputs, *rest = problem([60, 50], [20, 15], vocab=64, dim=32)
    n_nodes = 2 * 60 * 21
    with LargestTensor() as ours:
        rnnt_loss(*inputs, *rest, chunk_nodes=100).sum().backward()
    with LargestTensor() as theirs:
        torchaudios(inputs, *rest).sum().backward()
    assert theirs.elements == n_nodes * 64
    assert ours.elements <= 2 * 2 * 21 * (60 + 21)  # two numbers for every place of every diagonal


def test_a_missing_row_for_the_empty_prefix_is_refused():
    (enc, dec, *layer), *rest = problem([3], [2], vocab=4, dim=3)
    with pytest.raises(ValueError, match="dec_BWJ has 2 rows for 2 labels"):
        rnnt_loss(enc, dec[:, 1:], *layer, *rest)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_computes_the_same():
    args = problem([40, 25, 33], [9, 12, 0], vocab=50, dim=24)
    inputs, *rest = args
    on_gpu = rnnt_loss(*(x.cuda() for x in (*inputs, *rest))).cpu()
    assert_same(on_gpu, torchaudios(*args), inputs)
