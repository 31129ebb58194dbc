"""n-gram language models from text: interpolated modified Kneser-Ney, as KenLM's lmplz has it.

Chen and Goodman (1998) §3; Heafield et al. (2013), "Scalable Modified Kneser-Ney Language Model
Estimation". With c an adjusted count (of the highest order and after <s>: how often; else: after
how many different words), D the discounts of its order, and p' the probability with one word less:

    p(w | h) = (c(h w) - D(c(h w))) / Σ_v c(h v)  +  γ(h) p'(w | h')

γ(h) is what the discounts and the pruned n-grams left over; below single words lies 1 / |V|, which
also gives `<unk>` its probability.

Why not a library: lmplz comes as no wheel, and kaldingram 0.1.2 estimates the unmodified kind and
prunes before it estimates the discounts, which then are nearly zero.

N-grams of one order are rows of arrays, so that millions of words are a matter of seconds. Suffixes
of names: G n-grams, T positions in the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from espnet_ext.config import UserError, atomic_write

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
MOST_ORDERS = 6  # what flashlight's KenLM reads
FALLBACK = np.array([0.0, 0.5, 1.0, 1.5])  # lmplz's --discount_fallback
NEVER = -99.0  # log10 of the probability of <s>, by convention


@dataclass
class Order:
    """The n-grams of one order. `prefix_G` and `suffix_G`: rows of the order below."""

    prefix_G: np.ndarray
    suffix_G: np.ndarray
    word_G: np.ndarray
    count_G: np.ndarray  # adjusted
    keep_G: np.ndarray
    prob_G: np.ndarray
    backoff_G: np.ndarray


def train_ngram(
    sentences: Iterable[Sequence[str]],
    order: int,
    prune: Sequence[int] = (),
    vocabulary: Iterable[str] | None = None,
) -> tuple[list[str], list[Order]]:
    """Estimate a model.

    Args:
        sentences: words of each. order: longest n-gram, 1 to 6.
        prune: by order, n-grams that are there so often or less go; the last holds for all orders
            above. `[0, 0, 1]` as lmplz's `--prune 0 0 1`.
        vocabulary: other words are taken for `<unk>`. Default: every word of the text.

    Returns:
        Words by id (`<unk>`, `<s>`, `</s>` first), and the orders from 1.

    Raises:
        UserError: no words, none in the vocabulary, or settings that make no sense.
    """
    thresholds = _thresholds(order, prune)
    words, text_T = _numbers(sentences, None if vocabulary is None else set(vocabulary))
    orders = _count(text_T, len(words), order)
    for own, threshold in zip(orders, thresholds, strict=True):
        # Whatever a longer one stands on is there at least as often: no gaps.
        own.keep_G = (own.count_G > threshold) | (threshold == 0)
    for above, below in zip(orders[:0:-1], orders[-2::-1], strict=True):
        _adjust(above, below)
    lower_G = np.full(len(words), 1.0 / (len(words) - 1))  # <s> is never predicted
    for i, own in enumerate(orders):
        lower_G = _estimate(own, orders[i - 1] if i else None, lower_G)
    return words, orders


def _thresholds(order: int, prune: Sequence[int]) -> list[int]:
    if not 1 <= order <= MOST_ORDERS:
        raise UserError(f"--order {order}: expected 1 to {MOST_ORDERS}")
    given = [*prune] or [0]
    if len(given) > order or given[0] != 0 or given != sorted(given):
        raise UserError(
            f"--prune {' '.join(map(str, given))}: expected at most {order} counts, the first 0, "
            "none less than the one before, such as 0 0 1"
        )
    return given + given[-1:] * (order - len(given))


def _numbers(sentences, vocabulary: set[str] | None) -> tuple[list[str], np.ndarray]:
    """Words by id, and the text as ids: <s> w … w </s> <s> …"""
    index = {UNKNOWN: 0, START: 1, END: 2}
    ids: list[int] = []
    known = 0
    for sentence in sentences:
        ids.append(1)
        for word in sentence:
            if word in (START, END):
                raise UserError(
                    f"the text has the word {word}, which marks a sentence's edge; remove it"
                )
            if vocabulary is not None and word not in vocabulary:
                word = UNKNOWN
            known += word != UNKNOWN
            ids.append(index.setdefault(word, len(index)))
        ids.append(2)
    if not known:
        raise UserError(
            "no words in the text; an LM needs some"
            if vocabulary is None
            else "no word of the text is in the vocabulary; are case and units the same?"
        )
    for word in sorted(vocabulary or ()):
        index.setdefault(word, len(index))
    return list(index), np.array(ids, dtype=np.int64)


def _count(text_T: np.ndarray, n_words: int, order: int) -> list[Order]:
    """Every n-gram of the text, of all orders, with how often it is there."""
    rows_T = text_T  # of the (n-1)-gram that begins at each position
    at_T = np.arange(len(text_T))  # positions where an n-gram begins
    orders = [_order(np.zeros(n_words, int), np.zeros(n_words, int), np.arange(n_words))]
    orders[0].count_G = np.bincount(text_T, minlength=n_words)
    ends = text_T == 2
    for n in range(2, order + 1):
        # it may not go on beyond the end of its sentence
        at_T = at_T[at_T + n - 1 < len(text_T)]
        at_T = at_T[~ends[at_T + n - 2]]
        keys_T = rows_T[at_T] * n_words + text_T[at_T + n - 1]
        keys_G, first_G, own_T, count_G = np.unique(
            keys_T, return_index=True, return_inverse=True, return_counts=True
        )
        suffix_G = rows_T[at_T[first_G] + 1]
        orders.append(_order(keys_G // n_words, suffix_G, keys_G % n_words))
        orders[-1].count_G = count_G
        rows_T = np.full(len(text_T), -1)
        rows_T[at_T] = own_T
    return orders


def _order(prefix_G: np.ndarray, suffix_G: np.ndarray, word_G: np.ndarray) -> Order:
    empty = np.zeros(0)
    return Order(prefix_G, suffix_G, word_G, empty, empty, empty, np.ones(len(word_G)))


def _adjust(above: Order, below: Order) -> None:
    """Counts of the lower order: after how many different words, but for n-grams that begin with
    <s>, before which there is none."""
    different_G = np.bincount(above.suffix_G, minlength=len(below.word_G))
    below.count_G = np.where(different_G > 0, different_G, below.count_G)


def _discounts(count_G: np.ndarray) -> np.ndarray:
    """D(0), D(1), D(2), D(3 and more) (Chen and Goodman 1998, eq. 26); where the text is too
    little for them, or one would leave nothing over, lmplz's fallback."""
    t = np.bincount(np.minimum(count_G, 5), minlength=6).astype(float)
    if not t[1:4].all():
        return FALLBACK
    k = np.arange(1, 4)
    found = k - (k + 1) * t[1] / (t[1] + 2 * t[2]) * t[k + 1] / t[k]
    return np.array([0.0, *found]) if ((found > 0) & (found <= k)).all() else FALLBACK


def _estimate(own: Order, below: Order | None, lower_G: np.ndarray) -> np.ndarray:
    """Fill in the order's probabilities and the back-off weights of the order below; return the
    probabilities."""
    count_G = own.count_G.copy()
    if below is None:
        count_G[1] = 0  # <s>
    discount_G = _discounts(count_G[count_G > 0])[np.minimum(count_G, 3)]
    n_contexts = 1 if below is None else len(below.word_G)
    total = np.bincount(own.prefix_G, count_G, n_contexts)
    left_G = np.where(own.keep_G, discount_G, count_G)
    with np.errstate(invalid="ignore"):  # contexts that nothing follows
        left = np.bincount(own.prefix_G, left_G, n_contexts) / total
    suffix_G = np.arange(len(own.word_G)) if below is None else own.suffix_G
    own.prob_G = (count_G - discount_G) / total[own.prefix_G]
    own.prob_G += left[own.prefix_G] * lower_G[suffix_G]
    if below is not None:
        below.backoff_G = np.where(total > 0, left, 1.0)
    return own.prob_G


def write_arpa(path: str | Path, words: list[str], orders: list[Order]) -> None:
    """Write the model as an ARPA file, its n-grams in a fixed order."""
    with atomic_write(path) as handle:
        handle.write("\\data\\\n")
        for n, own in enumerate(orders, 1):
            handle.write(f"ngram {n}={int(own.keep_G.sum())}\n")
        spelled = [""]
        for n, own in enumerate(orders, 1):
            handle.write(f"\n\\{n}-grams:\n")
            names = [
                f"{spelled[prefix]} {words[word]}" if n > 1 else words[word]
                for prefix, word in zip(own.prefix_G.tolist(), own.word_G.tolist(), strict=True)
            ]
            rows = zip(
                names,
                own.keep_G.tolist(),
                own.prob_G.tolist(),
                own.backoff_G.tolist(),
                own.word_G.tolist(),
                strict=True,
            )
            for name, keep, prob, backoff, word in rows:
                if not keep:
                    continue
                log_prob = NEVER if n == 1 and word == 1 else math.log10(prob)
                # the last order is no context of another, nor is what ends a sentence
                tail = "" if n == len(orders) or word == 2 else f"\t{math.log10(backoff):.7f}"
                handle.write(f"{log_prob:.7f}\t{name}{tail}\n")
            spelled = names
        handle.write("\n\\end\\\n")
