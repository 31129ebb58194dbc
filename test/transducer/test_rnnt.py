import torch

from espnet_ext.transducer.rnnt import rnnt_loss


def forward_recursion(log_probs_TUV, labels: list[int], blank: int) -> torch.Tensor:
    """Graves 2012, eq. 16: α(t, u) = α(t-1, u) ∅(t-1, u) + α(t, u-1) y(t, u-1)."""
    n_frames, n_labels = log_probs_TUV.shape[0], len(labels)
    alpha = {(0, 0): torch.zeros(())}
    for t in range(n_frames):
        for u in range(n_labels + 1):
            ways = []
            if t > 0:
                ways.append(alpha[t - 1, u] + log_probs_TUV[t - 1, u, blank])
            if u > 0:
                ways.append(alpha[t, u - 1] + log_probs_TUV[t, u - 1, labels[u - 1]])
            if ways:
                alpha[t, u] = torch.logsumexp(torch.stack(ways), 0)
    last = (n_frames - 1, n_labels)
    return -(alpha[last] + log_probs_TUV[(*last, blank)])


def test_loss_and_gradient_equal_the_forward_recursion_on_a_ragged_batch():
    torch.manual_seed(0)
    ours, loops = (torch.randn(3, 5, 4, 6).requires_grad_() for _ in range(2))
    loops.data.copy_(ours.data)
    labels_BU = torch.tensor([[1, 2, 2], [5, 3, 1], [3, 2, 5]])  # beyond the lengths: no meaning
    frames_B, labels_B = torch.tensor([5, 3, 1]), torch.tensor([3, 2, 0])
    for blank in (0, 4):
        loss = rnnt_loss(ours, labels_BU, frames_B, labels_B, blank)
        expected = torch.stack(
            [
                forward_recursion(x.log_softmax(-1)[:t], row[:u].tolist(), blank)
                for x, row, t, u in zip(loops, labels_BU, frames_B, labels_B, strict=True)
            ]
        ).mean()
        torch.testing.assert_close(loss, expected)
        ours.grad = loops.grad = None
        loss.backward()
        expected.backward()
        torch.testing.assert_close(ours.grad, loops.grad, rtol=1e-4, atol=1e-6)
