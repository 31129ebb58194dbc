import numpy as np
import pytest

from espnet_ext.config import UserError
from espnet_ext.data.kmeans import FrameSample, KMeans, LabelCounts, check_sizes, fit, nearest

BLOBS = 8


def blobs(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around eight corners of a cube, far from one another, and which corner each has."""
    rng = np.random.default_rng(seed)
    corner_N = rng.integers(0, BLOBS, n)
    corners_KD = 10 * np.array([[k & 1, k >> 1 & 1, k >> 2] for k in range(BLOBS)], dtype=float)
    frames_ND = corners_KD[corner_N] + rng.normal(size=(n, 3))
    return frames_ND.astype(np.float32), corner_N


def by_brute_force(frames_TD: np.ndarray, centres_KD: np.ndarray) -> np.ndarray:
    return ((frames_TD[:, None] - centres_KD) ** 2).sum(-1).argmin(1)


def test_clusters_are_found_and_frames_get_the_nearest():
    frames_ND, corner_N = blobs()
    kmeans = fit(frames_ND, [BLOBS], seed=3)
    labels_NG = kmeans.labels(frames_ND)
    assert labels_NG.shape == (len(frames_ND), 1)
    assert np.array_equal(labels_NG[:, 0], by_brute_force(frames_ND, kmeans.centres[0]))
    assert len(set(zip(labels_NG[:, 0], corner_N, strict=True))) == BLOBS  # one label a corner
    means = np.stack([frames_ND[labels_NG[:, 0] == k].mean(0) for k in range(BLOBS)])
    assert np.abs(kmeans.centres[0] - means).max() < 0.2


def test_many_frames_are_searched_in_chunks():
    frames_ND, _ = blobs(40000)
    centres_KD = blobs(5, seed=1)[0]
    assert np.array_equal(nearest(frames_ND, centres_KD), by_brute_force(frames_ND, centres_KD))
    assert len(nearest(frames_ND[:0], centres_KD)) == 0


def test_each_level_clusters_the_centres_of_the_one_before():
    frames_ND, _ = blobs()
    kmeans = fit(frames_ND, [40, BLOBS, 3], seed=3)
    assert kmeans.sizes == [40, BLOBS, 3]
    for level, (parent_K, finer_KD) in enumerate(
        zip(kmeans.parents, kmeans.centres[:-1], strict=True), 1
    ):
        coarse_KD = kmeans.centres[level]
        assert np.array_equal(parent_K, by_brute_force(finer_KD, coarse_KD))
        means = np.stack([finer_KD[parent_K == k].mean(0) for k in range(len(coarse_KD))])
        np.testing.assert_allclose(coarse_KD, means, atol=1e-4)
    fine_N, middle_N, coarse_N = kmeans.labels(frames_ND).T
    assert np.array_equal(middle_N, kmeans.parents[0][fine_N])
    assert np.array_equal(coarse_N, kmeans.parents[1][middle_N])

    kmeans.coarse = "nearest"
    columns = [by_brute_force(frames_ND, level_KD) for level_KD in kmeans.centres]
    assert np.array_equal(kmeans.labels(frames_ND), np.stack(columns, 1))


def test_the_seed_decides_and_a_file_keeps_everything(tmp_path):
    frames_ND, _ = blobs()
    first, again, other = (fit(frames_ND, [20, 5], seed) for seed in (1, 1, 2))
    for a, b in zip(first.centres + first.parents, again.centres + again.parents, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.centres[0], other.centres[0])
    first.made_from |= {"features": "mfcc"}
    first.save(tmp_path / "kmeans.npz")
    stored = KMeans.load(tmp_path / "kmeans.npz")
    assert (stored.made_from, stored.coarse) == ({"seed": 1, "features": "mfcc"}, "parent")
    assert np.array_equal(stored.labels(frames_ND), first.labels(frames_ND))


@pytest.mark.parametrize("sizes", [[], [1], [100, 100], [50, 100], [100, 1]])
def test_sizes_that_do_not_fall_are_told(sizes):
    with pytest.raises(UserError, match="expected falling numbers of at least 2"):
        check_sizes(sizes)


def test_other_faults_are_told(tmp_path):
    with pytest.raises(UserError, match="7 frames for 8 clusters"):
        fit(blobs(7)[0], [8], seed=0)
    with pytest.raises(UserError, match=r"none\.npz: missing; train_kmeans makes it"):
        KMeans.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not this")
    with pytest.raises(UserError, match=r"text\.npz: not a file of train_kmeans"):
        KMeans.load(tmp_path / "text.npz")


def test_a_sample_keeps_to_its_memory_and_takes_every_frame_as_likely():
    dim, offered = 8, 200_000
    sample = FrameSample(offered, dim, memory_mb=1, rng=np.random.default_rng(0))
    for first in range(0, offered, 1000):
        rows_T = np.arange(first, first + 1000, dtype=np.float32)
        sample.offer(np.repeat(rows_T[:, None], dim, 1))
    kept_N = sample.frames()[:, 0]
    room = 2**20 // (4 * dim)
    assert 0.95 * room < len(kept_N) <= room
    assert len(set(kept_N)) == len(kept_N)
    halves = np.histogram(kept_N, bins=4, range=(0, offered))[0]
    assert np.abs(halves / len(kept_N) - 0.25).max() < 0.015

    whole = FrameSample(10, dim, memory_mb=1, rng=np.random.default_rng(0))
    whole.offer(np.ones((10, dim), np.float32))
    assert len(whole.frames()) == 10


def test_how_labels_are_used_by_hand():
    counts = LabelCounts([4, 2])
    counts.add(np.array([[0, 1], [0, 1], [1, 1], [1, 1]], dtype=np.float32))
    counts.add(np.array([[2, 1], [2, 1], [3, 1], [3, 1]], dtype=np.float32))
    assert list(counts.lines(frame_shift_ms=20)) == [
        "4 clusters: 4 used, perplexity 4.0, a label lasts 40 ms on average",
        "2 clusters: 1 used, perplexity 1.0, a label lasts 80 ms on average",
    ]
