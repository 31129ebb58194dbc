"""data2vec 2.0's blocks: the arithmetic of its public code, frame by frame."""

import pytest
import torch

from espnet_ext.masking.inverse_block import InverseBlocks
from espnet_ext.masking.spans import Batch


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("fraction", [0.5, 0.55, 0.8])
def test_the_count_is_exact(fraction):
    lengths_B = torch.arange(2, 302)
    kept_BT = ~InverseBlocks(fraction=fraction)(lengths_B, 301, generator=seeded(0))
    masked_BT = InverseBlocks(fraction=fraction, blocks="masked")(
        lengths_B, 301, generator=seeded(0)
    )
    for i, length in enumerate(lengths_B.tolist()):
        assert kept_BT[i, :length].sum() == max(1, int(length * (1 - fraction)))
        assert masked_BT[i].sum() == max(1, int(length * fraction))


def test_blocks_cover_as_often_as_their_number_and_width_say():
    """Base conf: int(T (0.5 + 0.05) / 5) centres with replacement, two frames to each side."""
    n, length = 20000, 100
    batch = Batch(torch.full((n,), length), 110, generator=seeded(1))
    covered_T = InverseBlocks().blocks(batch)[:, :length].float().mean(0)
    centres = int(length * 0.55 / 5)
    assert centres == 11
    reach_T = torch.full((length,), 5.0)  # centres that reach a frame
    reach_T[[0, -1]], reach_T[[1, -2]] = 3.0, 4.0
    expected_T = 1 - (1 - reach_T / length) ** centres
    assert (covered_T - expected_T).abs().max() < 0.015  # 4 standard errors


def test_an_even_block_has_one_frame_more_before_its_centre():
    masker = InverseBlocks(span=4, fraction=0.9, adjust=0.02)
    batch = Batch(torch.full((2000,), 40), 40, generator=seeded(2))
    blocks_BT = masker.blocks(batch)  # 40 · 0.12 / 4 = 1 block
    first = blocks_BT.int().argmax(1)
    cut_at_the_end = blocks_BT.sum(1)[first == 37]  # centre 39: frames 37, 38, 39
    assert (cut_at_the_end == 3).all()
    assert len(cut_at_the_end) > 20
    assert set(blocks_BT.sum(1)[first == 0].tolist()) == {2, 3, 4}  # centres 0, 1, 2
    assert first.max() == 37


@pytest.mark.parametrize("adjust", [0.0, 0.4])
def test_single_frames_are_added_to_the_blocks_or_taken_from_them(adjust):
    masker, lengths_B = InverseBlocks(adjust=adjust), torch.tensor([80, 61])
    blocks_BT = masker.blocks(Batch(lengths_B, 80, generator=seeded(3)))
    blocks_BT &= torch.arange(80) < lengths_B[:, None]
    visible_BT = ~masker(lengths_B, 80, generator=seeded(3))
    visible_BT &= torch.arange(80) < lengths_B[:, None]
    fewer = blocks_BT.sum(1) < visible_BT.sum(1)
    assert fewer.all() if adjust == 0 else not fewer.any()
    assert torch.equal(blocks_BT & visible_BT, blocks_BT if adjust == 0 else visible_BT)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"blocks": "hidden"}, "kept nor masked"),
        ({"adjust": 1.0}, "adjust"),
        ({"adjust": -0.1}, "adjust"),
        ({"fraction": 1.0}, "fraction"),
        ({"span": 0}, "span"),
    ],
)
def test_settings_without_meaning_are_refused(conf, message):
    with pytest.raises(ValueError, match=f"masker_conf.*{message}"):
        InverseBlocks(**conf)
