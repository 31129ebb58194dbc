"""Scores as read back, the interval over seeds, and the spread of confidences."""

import numpy as np
import pytest

from espnet_ext.analysis.confidence_spread import confidence_spread
from espnet_ext.analysis.scores import pooled_counts, read_counts, read_score
from espnet_ext.score.scoring import score_files
from espnet_ext.tasks.report import interval_percent

WER = """\
%WER 40.00 [ 4 / 10, 1 ins, 1 del, 2 sub ]
%SER 66.67 [ 2 / 3 ]
# 95% bootstrap interval [ 10.00, 70.00 ], 10000 resamples of utterances, seed 1
"""
PER_UTT = """\
u1 ref a b c d
u1 hyp a b x x
u1 #csid 2 2 0 0
u2 #csid 4 0 0 0
u3 #csid 1 0 1 1
"""


def test_read_score(tmp_path):
    (tmp_path / "wer").write_text(WER)
    score = read_score(tmp_path / "wer")
    assert score.line == "%WER 40.00 [ 4 / 10, 1 ins, 1 del, 2 sub ]"
    assert (score.errors, score.words, score.ser) == (4, 10, "66.67")
    assert score.interval == ("10.00", "70.00")


def test_what_score_wer_writes_is_understood(tmp_path):
    """So that a change of its lines is noticed here."""
    (tmp_path / "ref").write_text("u1 a b c\nu2 a\nu3 b b\n")
    (tmp_path / "hyp").write_text("u1 a x c\nu2 a\nu3 b b c\n")
    score_files(tmp_path / "ref", tmp_path / "hyp", tmp_path)
    score = read_score(tmp_path / "wer")
    assert (score.errors, score.words, score.wer, score.ser) == (2, 6, "33.33", "66.67")
    assert 0 <= float(score.interval[0]) < float(score.interval[1])
    assert read_counts(tmp_path / "per_utt") == {"u1": (1, 3), "u2": (0, 1), "u3": (1, 2)}


def test_no_interval_of_one_utterance(tmp_path):
    (tmp_path / "ref").write_text("u1\n")
    score_files(tmp_path / "ref", tmp_path / "ref", tmp_path)
    score = read_score(tmp_path / "wer")
    assert (score.wer, score.percent, score.interval) == ("undefined", None, None)


def test_a_file_without_wer_is_refused(tmp_path):
    (tmp_path / "wer").write_text("%SER 66.67 [ 2 / 3 ]\n")
    with pytest.raises(ValueError, match="no `%WER"):
        read_score(tmp_path / "wer")


def test_counts_are_errors_and_reference_words(tmp_path):
    (tmp_path / "per_utt").write_text(PER_UTT)
    counts = read_counts(tmp_path / "per_utt")
    assert counts == {"u1": (2, 4), "u2": (0, 4), "u3": (2, 2)}  # u3: one insertion, one deletion


def test_pooled_counts():
    one, two = {"u1": (1, 4), "u2": (0, 2)}, {"u1": (3, 4), "u2": (1, 2)}
    assert pooled_counts([one, two]).tolist() == [[4, 8], [1, 4]]
    with pytest.raises(ValueError, match="different utterances"):
        pooled_counts([one, {"u1": (1, 4)}])


def test_interval_percent():
    """Against the normal approximation, for utterances of equal length."""
    errors_U = np.random.default_rng(1).binomial(5, 0.4, 400)
    low, high = interval_percent(errors_U, np.full(400, 5))
    mean, half = 20 * errors_U.mean(), 1.96 * 20 * errors_U.std() / 20
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.3)


def test_spread_of_confidences():
    flat, single = np.full(50, 0.2), np.eye(50)[3]
    assert confidence_spread([flat]).effective_share == pytest.approx(1)
    assert confidence_spread([single]).effective_share == pytest.approx(1 / 50)
    both = confidence_spread([flat, single, np.zeros(100)])
    frames = np.concatenate([flat, single, np.zeros(100)])
    assert (both.mean, both.std) == pytest.approx((frames.mean(), frames.std()))
    assert both.effective_share == pytest.approx((1 + 1 / 50) / 2)
    assert (both.utterances, both.frames, both.silent) == (3, 200, 1)
