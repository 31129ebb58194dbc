"""n-gram estimation against a second implementation by recursion, and as a distribution."""

import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.data.ngram import train_ngram, write_arpa

TEN = """the cat sat
the cat sat on the mat
a dog sat on a cat
the dog and the cat
the dog
a cat and a dog sat
on the mat the cat
the mat
a mouse saw the cat
the cat saw a mouse""".splitlines()


def arpa(path, sentences, order, prune=(), vocabulary=None):
    """(n-gram -> log10 probability, n-gram -> log10 back-off) as the file has them."""
    words, orders = train_ngram([s.split() for s in sentences], order, prune, vocabulary)
    write_arpa(path, words, orders)
    return read(path)


def read(path):
    probs, backoffs = {}, {}
    for line in path.read_text().splitlines():
        if "\t" in line:
            prob, name, *backoff = line.split("\t")
            probs[tuple(name.split())] = float(prob)
            backoffs[tuple(name.split())] = float(backoff[0]) if backoff else 0.0
    return probs, backoffs


def score(model, history, word):
    """log10 of the probability of a word, by the rule of ARPA files."""
    probs, backoffs = model
    if (*history, word) in probs:
        return probs[(*history, word)]
    return backoffs.get(history, 0.0) + score(model, history[1:], word)


class Recursion:
    """Interpolated modified Kneser-Ney as the textbook has it, a probability at a time."""

    def __init__(self, sentences, order):
        counts = [Counter() for _ in range(order + 1)]
        for sentence in sentences:
            words = ["<s>", *sentence.split(), "</s>"]
            for n in range(1, order + 1):
                counts[n].update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
        self.counts = [None] * (order + 1)
        self.counts[order] = counts[order]
        for n in range(1, order):
            before = defaultdict(set)
            for gram in counts[n + 1]:
                before[gram[1:]].add(gram[0])
            self.counts[n] = {
                gram: counts[n][gram] if gram[0] == "<s>" else len(before[gram])
                for gram in counts[n]
            }
        del self.counts[1][("<s>",)]
        self.vocabulary = {gram[0] for gram in self.counts[1]} | {"<unk>"}
        self.discounts = [None, *(self._discounts(own) for own in self.counts[1:])]

    @staticmethod
    def _discounts(counts):
        t = Counter(counts.values())
        if not all(t[k] for k in (1, 2, 3)):
            return [0, 0.5, 1.0, 1.5]
        y = t[1] / (t[1] + 2 * t[2])
        found = [0, *(k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3))]
        return found if all(0 < d <= k for k, d in enumerate(found) if k) else [0, 0.5, 1.0, 1.5]

    def prob(self, history, word):
        n = len(history) + 1
        lower = self.prob(history[1:], word) if history else 1 / len(self.vocabulary)
        after = {g[-1]: c for g, c in self.counts[n].items() if g[:-1] == history}
        if not after:
            return lower
        discount = self.discounts[n]
        left = sum(discount[min(c, 3)] for c in after.values())
        count = after.get(word, 0)
        return (count - discount[min(count, 3)] + left * lower) / sum(after.values())


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equal_to_the_recursion(tmp_path, order):
    model, peer = arpa(tmp_path / "lm", TEN, order), Recursion(TEN, order)
    for sentence in [*TEN, "the mouse sat on a dog"]:
        words = ["<s>", *sentence.split(), "</s>"]
        for i in range(1, len(words)):
            history = tuple(words[max(0, i - order + 1) : i])
            expected = math.log10(peer.prob(history, words[i]))
            assert score(model, history, words[i]) == pytest.approx(expected, abs=2e-6)


def test_equal_to_kenlm(tmp_path):
    """lmplz.arpa: KenLM's lmplz -o 3 --prune 0 0 1 --discount_fallback on these sentences."""
    ours, theirs = (
        arpa(tmp_path / "lm", TEN, 3, [0, 0, 1]),
        read(Path(__file__).parent / "lmplz.arpa"),
    )
    for own, peer in zip(ours, theirs, strict=True):
        assert own.keys() == peer.keys()
        del own[("<s>",)], peer[("<s>",)]
        assert own == pytest.approx(peer, abs=5e-7)


def test_unigrams_by_hand(tmp_path):
    """`a b`, `a`: a 2, b 1, </s> 2; too little for discounts, so 0.5 and 1.0; |V| is 4."""
    probs, _ = arpa(tmp_path / "lm", ["a b", "a"], 1)
    left = (1.0 + 0.5 + 1.0) / 5
    by_hand = {"a": 1 / 5, "b": 0.5 / 5, "</s>": 1 / 5, "<unk>": 0.0}
    for word, share in by_hand.items():
        assert probs[(word,)] == pytest.approx(math.log10(share + left / 4), abs=1e-6)


texts = st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(texts, st.integers(1, 5), st.lists(st.integers(0, 3), max_size=4), st.booleans())
def test_every_history_has_a_distribution(tmp_path_factory, text, order, prune, closed):
    lines = [" ".join(words) for words in text] + ["a"]
    thresholds = [0, *sorted(prune)][:order]
    vocabulary = ["a", "b", "z"] if closed else None
    model = arpa(tmp_path_factory.mktemp("lm") / "lm", lines, order, thresholds, vocabulary)
    words = [gram[0] for gram in model[0] if len(gram) == 1 and gram != ("<s>",)]
    assert ("z" in words) == closed and {"</s>", "<unk>"} <= {*words}
    histories = {gram for gram in model[0] if len(gram) < order and gram[-1] != "</s>"}
    for history in {(), ("a", "b"), ("<s>",), *histories}:
        history = history[-(order - 1) :] if order > 1 else ()
        assert sum(10 ** score(model, history, word) for word in words) == pytest.approx(
            1, abs=1e-5
        )


def test_pruning_goes_by_how_often_not_after_how_many_words(tmp_path):
    """`x y` 4 times, but after one word only; as lmplz does."""
    lines = ["q x y z"] * 4 + ["a x", "y a"]
    probs, _ = arpa(tmp_path / "lm", lines, 3, [0, 1, 1])
    assert {("x", "y", "z"), ("x", "y"), ("y", "z")} <= probs.keys()
    assert ("y", "a") not in probs and ("a", "x") not in probs
    assert all(gram[1:] in probs and gram[:-1] in probs for gram in probs if len(gram) > 1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"order": 7}, "--order 7: expected 1 to 6"),
        ({"order": 2, "prune": [0, 1, 2]}, "at most 2 counts"),
        ({"order": 3, "prune": [1]}, "the first 0"),
        ({"order": 3, "prune": [0, 2, 1]}, "none less than the one before"),
        ({"order": 2, "vocabulary": ["THE"]}, "no word of the text is in the vocabulary"),
    ],
)
def test_settings_that_make_no_sense(settings, expected):
    with pytest.raises(UserError, match=expected):
        train_ngram([s.split() for s in TEN], **settings)


def test_text_that_cannot_be_learnt_from():
    with pytest.raises(UserError, match="no words"):
        train_ngram([], 2)
    with pytest.raises(UserError, match="marks a sentence's edge"):
        train_ngram([["a", "</s>"]], 2)


def test_words_outside_a_vocabulary_are_unknown(tmp_path):
    probs, _ = arpa(tmp_path / "lm", TEN, 2, vocabulary=["the", "cat", "zebra"])
    assert ("zebra",) in probs and ("dog",) not in probs
    assert ("the", "<unk>") in probs  # the dog, the mat
    assert np.isfinite([*probs.values()]).all()
