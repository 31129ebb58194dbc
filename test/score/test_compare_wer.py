"""Paired bootstrap of two systems, and the command around it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.bin.compare_wer import main
from espnet_ext.score.bootstrap import paired_bootstrap
from espnet_ext.score.scoring import Options, score_files

REF = "u1 a b c d\nu2 a b\nu3 c\n"
HYP_A = "u1 a x x d\nu2 a b\nu3 c\n"
HYP_B = "u1 a b c d\nu2 a x\nu3 c\n"
UTTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=30
)


def paired(utts, seed=1, n_resamples=10_000):
    return paired_bootstrap(*np.array(utts).T, np.random.default_rng(seed), n_resamples)


def test_against_every_resample_of_a_small_set():
    """The 4^4 resamples are equally likely; 40,000 draws come as near as their own error."""
    utts = np.array([(2, 0, 4), (0, 1, 2), (1, 1, 3), (3, 1, 5)])
    a_R, b_R, words_R = utts[list(itertools.product(range(4), repeat=4))].sum(1).T
    found = paired(utts, n_resamples=40_000)
    assert found.difference == pytest.approx(-3 / 14)
    assert found.better == pytest.approx(np.mean(b_R < a_R), abs=0.01)
    assert found.equal == pytest.approx(np.mean(b_R == a_R), abs=0.005)
    # The ends are steps of a coarse distribution: hold each between its neighbours.
    more_R = (b_R - a_R) / words_R
    low, high = np.quantile(more_R, [0.02, 0.03]), np.quantile(more_R, [0.97, 0.98])
    assert low[0] - 1e-9 <= found.interval.low <= low[1] + 1e-9
    assert high[0] - 1e-9 <= found.interval.high <= high[1] + 1e-9


def test_two_utterances_by_hand():
    """B wins u1 by 2, A wins u2 by 1: u1 u1 and both mixed orders (3 of 4) speak for B."""
    found = paired([(2, 0, 4), (0, 1, 2)], n_resamples=40_000)
    assert found.better == pytest.approx(0.75, abs=0.01)
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.5, 0.5))


@given(UTTS, st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_swapping_the_systems_negates(utts, seed):
    one = paired(utts, seed, 200)
    other = paired([(b, a, words) for a, b, words in utts], seed, 200)
    assert other.difference == -one.difference
    swapped = (-other.interval.high, -other.interval.low)
    assert swapped == pytest.approx((one.interval.low, one.interval.high), abs=1e-12)
    assert other.equal == one.equal
    assert other.better == pytest.approx(1 - one.better - one.equal, abs=1e-12)


def test_pairing_narrows_the_interval():
    """Where both fail on the same utterances, the difference is surer than either rate."""
    errors_a_U = np.random.default_rng(0).integers(0, 8, 200)
    found = paired_bootstrap(errors_a_U, errors_a_U + 1, np.full(200, 10), np.random.default_rng(1))
    assert (found.interval.low, found.interval.high) == pytest.approx((0.1, 0.1))
    assert (found.better, found.equal) == (0, 0)


@pytest.fixture
def compare(tmp_path, monkeypatch, command):
    """compare(hyp_a, hyp_b, ref_b) -> (exit status, stdout, stderr) after scoring both."""

    def run(hyp_a=HYP_A, hyp_b=HYP_B, ref_b=REF, unit_b="word"):
        monkeypatch.chdir(tmp_path)
        for name, ref, hyp, unit in (("A", REF, hyp_a, "word"), ("B", ref_b, hyp_b, unit_b)):
            if hyp is not None:
                (tmp_path / "ref").write_text(ref)
                (tmp_path / "hyp").write_text(hyp)
                options = Options(unit=unit)
                score_files(tmp_path / "ref", tmp_path / "hyp", tmp_path / name, options=options)
        return command(main, "compare_wer", "A", "B")

    return run


def test_what_it_prints(compare):
    status, out, _ = compare()
    lines = out.splitlines()
    assert status == 0
    assert lines[:2] == ["A  %WER 28.57 [ 2 / 7 ]  A", "B  %WER 14.29 [ 1 / 7 ]  B"]
    assert lines[2].startswith("B - A  -14.29, 95% interval [ -50.00, +")
    assert lines[3].startswith("probability that B is better: ")
    assert lines[4] == "# paired bootstrap, 10000 resamples of 3 utterances, seed 1"


def test_identical_systems(compare):
    _, out, _ = compare(HYP_A, HYP_A)
    assert "B - A  +0.00, 95% interval [ +0.00, +0.00 ]" in out
    assert "probability that B is better: 0.00% (that both are equal: 100.00%)" in out


def test_one_utterance_has_no_interval(compare, tmp_path):
    (tmp_path / "A").mkdir()
    (tmp_path / "A/per_utt").write_text("u #csid 3 1 0 0\n")
    (tmp_path / "B").mkdir()
    (tmp_path / "B/per_utt").write_text("u #csid 4 0 0 0\n")
    status, out, _ = compare(None, None)
    assert status == 0
    assert out.endswith("# no bootstrap interval: one utterance only\n")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"ref_b": "u1 a\n", "hyp_b": "u1 a\n"}, "error: B/per_utt: 2 utterances of A/per_utt"),
        ({"ref_b": REF + "u4 a\n", "hyp_b": HYP_B + "u4\n"}, "error: A/per_utt: 1 utterances of B"),
        ({"ref_b": REF.replace("a b\n", "a b c\n")}, "the reference of u2 is 3 long, in A"),
        ({"unit_b": "char"}, "error: B: holds a CER, A a WER; score both by one unit"),
        ({"hyp_b": None}, "error: B/per_utt: No such file or directory; expected what score_wer"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line(compare, inputs, message):
    status, out, err = compare(**inputs)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_file_without_counts_is_refused(compare, tmp_path):
    (tmp_path / "A").mkdir()
    (tmp_path / "A/per_utt").write_text("nothing\n")
    status, _, err = compare(None, HYP_B)
    assert status == 2
    assert err.startswith("error: A/per_utt: no `utt #csid c s i d` line in it; expected")
