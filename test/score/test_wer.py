"""Counts, alignments and Kaldi's formats."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.score.kaldi_files import Columns, ops_lines, per_spk_lines, per_utt_block
from espnet_ext.score.wer import (
    GAP,
    ErrorCounts,
    align_kaldi,
    align_sclite,
    count_errors,
    percent,
)

WORDS = st.lists(st.integers(0, 4), max_size=12)
COUNTS = st.builds(ErrorCounts, *[st.integers(0, 9)] * 6)
ALIGN = pytest.mark.parametrize("align", [align_kaldi, align_sclite])


def edit_distance(ref, hyp, sub=1, gap=1):
    """Cheapest alignment, written independently: one row, no alignment kept."""
    costs = [gap * j for j in range(len(hyp) + 1)]
    for i, word in enumerate(ref, 1):
        diagonal, costs[0] = costs[0], gap * i
        for j, said in enumerate(hyp, 1):
            best = min(diagonal + sub * (word != said), costs[j] + gap, costs[j - 1] + gap)
            diagonal, costs[j] = costs[j], best
    return costs[-1]


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add(a, b, c):
    assert (a + b).errors == a.errors + b.errors
    assert (a + b).words == a.words + b.words
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + ErrorCounts() == a


def test_counts_cannot_be_averaged():
    counts = [ErrorCounts(1, 0, 0, 2, 1, 1), ErrorCounts(0, 0, 0, 8, 1, 0)]
    assert percent(sum(counts, ErrorCounts()).errors, 10) == "10.00"  # not (50 + 0) / 2
    with pytest.raises(TypeError):
        np.mean(counts)
    with pytest.raises(TypeError):
        counts[0] + 1


@ALIGN
@given(ref=WORDS, hyp=WORDS)
def test_alignment_covers_both_texts(align, ref, hyp):
    pairs = align(ref, hyp)
    assert [word for word, _ in pairs if word != GAP] == ref
    assert [word for _, word in pairs if word != GAP] == hyp
    assert (GAP, GAP) not in pairs


@given(WORDS, WORDS)
def test_kaldi_errors_are_the_fewest(ref, hyp):
    count = count_errors(align_kaldi(ref, hyp))
    assert count.errors == edit_distance(ref, hyp)
    assert count.words == len(ref)
    assert count.wrong_utts == (ref != hyp)


@given(WORDS, WORDS)
def test_sclite_errors_cost_least_and_are_never_fewer_than_kaldis(ref, hyp):
    count = count_errors(align_sclite(ref, hyp))
    assert 4 * count.subs + 3 * (count.ins + count.dels) == edit_distance(ref, hyp, 4, 3)
    assert count.errors >= count_errors(align_kaldi(ref, hyp)).errors


def test_five_substitutions_cost_sclite_more_than_six_gaps():
    x, y, z, a, b, p, q, r = range(8)
    ref, hyp = [x, y, z, a, b], [a, b, p, q, r]
    assert count_errors(align_kaldi(ref, hyp)) == ErrorCounts(5, 0, 0, 5, 1, 1)
    assert count_errors(align_sclite(ref, hyp)) == ErrorCounts(0, 3, 3, 5, 1, 1)


@ALIGN
@given(text=WORDS)
def test_identical_texts_have_no_error(align, text):
    assert count_errors(align(text, text)) == ErrorCounts(0, 0, 0, len(text), 1, 0)


@ALIGN
@given(ref=WORDS, hyp=WORDS)
def test_swapping_texts_swaps_insertions_and_deletions(align, ref, hyp):
    ours, swapped = count_errors(align(ref, hyp)), count_errors(align(hyp, ref))
    # Where alignments tie, sclite's total and the number of substitutions may change; what a pair
    # of texts fixes is the cost, and the surplus of one kind of gap over the other.
    assert ours.ins - ours.dels == swapped.dels - swapped.ins == len(hyp) - len(ref)
    if align is align_kaldi:
        assert ours.errors == swapped.errors
    if ours.subs == swapped.subs:
        assert (ours.ins, ours.dels) == (swapped.dels, swapped.ins)


def test_lines_as_compute_wer_prints_them():
    count = ErrorCounts(subs=26, ins=10, dels=20, words=454, utts=20, wrong_utts=9)
    assert count.rate_line() == "%WER 12.33 [ 56 / 454, 10 ins, 20 del, 26 sub ]"
    assert count.rate_line("CER", n_absent=2).startswith("%CER 12.33 [ 56 / 454, ")
    assert count.rate_line(n_absent=2).endswith(" sub ] [PARTIAL]")
    assert count.sentence_line() == "%SER 45.00 [ 9 / 20 ]"


def test_rate_of_no_word_is_undefined():
    assert ErrorCounts(ins=3).rate_line() == "%WER undefined [ 3 / 0, 3 ins, 0 del, 0 sub ]"


# The example in the manual of Kaldi's wer_per_utt_details.pl, with A heard twice and E as X.
WORDS_OF_EXAMPLE = ["word-A", "word-B", "word-C", "word-D", "word-E", "word-X"]
PAIRS = [(0, 0), (GAP, 0), (1, 1), (2, GAP), (3, 3), (4, 5)]


def test_per_utt_as_kaldi_prints_it():
    block, csid, wrong = per_utt_block("UTT-A", PAIRS, Columns(WORDS_OF_EXAMPLE))
    assert [line.rstrip() for line in block.splitlines()] == [
        "UTT-A ref  word-A    ***   word-B  word-C  word-D  word-E",
        "UTT-A hyp  word-A  word-A  word-B    ***   word-D  word-X",
        "UTT-A op      C       I       C       D       C       S",
        "UTT-A #csid 3 1 1 1",
    ]
    assert csid == [3, 1, 1, 1]
    assert wrong == [(GAP, 0), (2, GAP), (4, 5)]


def test_per_utt_of_nothing():
    block, csid, _ = per_utt_block("u", [], Columns([]))
    assert block == "u ref  \nu hyp  \nu op   \nu #csid 0 0 0 0\n"
    assert csid == [0, 0, 0, 0]


def test_per_spk_as_kaldi_prints_it():
    counts = {"B": ErrorCounts(ins=2, utts=1, wrong_utts=1), "A": ErrorCounts(1, 1, 1, 5, 1, 1)}
    # B has no word, so no percentages.
    assert "".join(per_spk_lines(counts)) == (
        "SPEAKER         id       #SENT      #WORD       Corr        Sub        Ins        Del"
        "        Err      S.Err\n"
        "A               raw          1          5          3          1          1          1"
        "          3          1\n"
        "A               sys          1          5      60.00      20.00      20.00      20.00"
        "      60.00     100.00\n"
        "B               raw          1          0          0          0          2          0"
        "          2          1\n"
        "SUM             raw          2          5          3          1          3          1"
        "          5          2\n"
        "SUM             sys          2          5      60.00      20.00      60.00      20.00"
        "     100.00     100.00\n"
    )


def test_ops_as_kaldi_prints_and_sorts_them():
    ops = Counter([*PAIRS, *PAIRS[2:3] * 9])
    assert "".join(ops_lines(ops, WORDS_OF_EXAMPLE)).splitlines() == [
        "correct       word-B    word-B    10",
        "correct       word-A    word-A     1",
        "correct       word-D    word-D     1",
        "deletion      word-C       ***     1",
        "insertion        ***    word-A     1",
        "substitution  word-E    word-X     1",
    ]
