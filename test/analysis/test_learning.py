"""The table of what was learnt: which folders make a row, its means, its neighbours' tables."""

import numpy as np
import pytest

from espnet_ext.analysis import learning, learning_pictures, plots, runs
from espnet_ext.analysis.page import Table, to_markdown

SCORES = {  # errors of u1 and u2, of four words each
    "score_wer": ("wer", "%WER {:.2f} [ {} / 8, 0 ins, 0 del, {} sub ]"),
    "score_cer": ("cer", "%CER {:.2f} [ {} / 8, 0 ins, 0 del, {} sub ]"),
}


def score(folder, kind: str, first: int, second: int) -> None:
    home, (name, line) = folder / kind, SCORES[kind]
    home.mkdir(parents=True)
    errors = first + second
    (home / name).write_text(line.format(12.5 * errors, errors, errors) + "\n")
    counts = [f"u{i} #csid {4 - n} {n} 0 0\n" for i, n in ((1, first), (2, second))]
    (home / "per_utt").write_text("".join(counts))


@pytest.fixture
def learnt(recipe):
    """Two rows of three; a run that is none of them."""
    weights = ["exp/ssl_learn_ehmam/latest.pth:encoder:encoder"]
    losses = {"contrastive": {"conf": {"distractors": 4}}}
    recipe.training("ssl_learn_ehmam", "pretrain", "ehmam", masker="random", losses=losses)
    recipe.training("ssl_learn_lowest_30", "pretrain", "w2vbert_atm", masker="confidence")
    for seed, errors in ((1, 1), (2, 3)):
        for row, init in (("ehmam", weights), ("scratch_ctc", [])):
            name = f"asr_ctc_learn_{row}_seed{seed}"
            asr = recipe.training(name, "finetune", "asr_ctc", seed=seed, init_param=init)
            score(asr / "decode_greedy/test", "score_wer", errors, errors + 1)
    recipe.training("asr_ctc_scratch", "finetune", "asr_ctc")
    score(recipe.root / "exp/asr_ctc_scratch/decode_greedy/test", "score_wer", 0, 0)
    probed = recipe.root / "exp/probe_learn_ehmam_seed1/decode_probe/test"
    score(probed, "score_wer", 4, 4)
    score(probed, "score_cer", 2, 2)
    return runs.find(recipe.root)


def widest(errors_U, words_U):
    return (100 * (errors_U / words_U).min(), 100 * (errors_U / words_U).max())


def test_rows_and_their_means(recipe, learnt):
    others, ours = learning.split(learnt)
    assert "asr_ctc_scratch" in {run.asr.name for run in others.runs}
    assert not any("_learn_" in run.asr.name for run in others.runs)
    methods, grid = (
        block
        for block in learning.blocks(learning.rows(ours, recipe.root), widest, learning.Pictures())
        if isinstance(block, Table)
    )
    assert [row[0] for row in methods.rows] == ["`scratch_ctc`", "`ehmam`"]
    # seeds: 3 and 7 errors of 8 words; u1 has 4, u2 6 of 8
    tuned = "**62.5** [50.0, 75.0] (2)"
    assert methods.rows[0][5:] == [tuned, learning.NOT_YET, learning.NOT_YET]
    assert methods.rows[1][5:] == [
        tuned,
        "**100.0** [100.0, 100.0] (1)",
        "**50.0** [50.0, 50.0] (1)",
    ]
    assert grid.rows[0][0] == "`lowest_30`" and grid.rows[0][5:] == [learning.NOT_YET] * 3
    assert "| `ehmam` | random |" in to_markdown([methods])


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("asr_ctc_data2vec2_learn_scratch_ctc_data2vec2_seed3", "scratch_ctc_data2vec2"),
        ("probe_learn_highest_40_seed12", "highest_40"),
        ("ssl_learn_w2v2_cfr", "w2v2_cfr"),
        ("ssl_w2v2_cfr", None),
        ("asr_ctc_w2vbert_atm_seed1", None),
    ],
)
def test_folders_of_a_row(name, row):
    assert learning.row_of(name) == row


def test_chance_beside_accuracy(learnt):
    ssl = learnt.trainings["ssl_learn_ehmam"]
    history = ssl.history
    history.curves["valid"] |= {"contrastive_acc": [0.1, 0.5], "masked_acc_50": [np.nan, 0.25]}
    assert (
        learning.on_masked(ssl)
        == "contrastive 50.0 % (chance 20.0 %), 50 labels 25.0 % (chance 2.0 %)"
    )


def test_pictures(recipe, learnt, tmp_path):
    """Drawn from what there is; of a recipe that learnt nothing, none."""
    _, ours = learning.split(learnt)
    rows = learning.rows(ours, recipe.root)
    notes: list[str] = []
    drawn = learning_pictures.draw(rows, widest, notes, tmp_path)
    assert [picture.path for picture in drawn.methods] == [
        "images/learnt.png",
        "images/learning.png",
    ]
    assert [picture.path for picture in drawn.grid] == ["images/learning_masks.png"]
    assert "on test," in drawn.methods[0].caption and not notes
    for picture in drawn.methods + drawn.grid:
        assert (tmp_path / picture.path).stat().st_size > 1000
    assert learning_pictures.draw([], widest, notes, tmp_path) == learning.Pictures()


def test_dots_are_ordered_by_the_first_panel():
    point = plots.Point
    panels = {
        "a": {"far": point(9, (8, 10)), "near": point(2, (2.5, 3))},
        "b": {"only here": point(1), "far": point(0, None, hollow=True)},
    }
    left, right = plots.draw_dots(panels, "%").axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["near", "far", "only here"]
    assert left.yaxis_inverted() and len(right.containers) == 2
