"""Alternatives, words that may be left out, fragments: by hand, and as sclite -F -D counts them."""

import random
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.score.network import align_networks, is_network, parse
from espnet_ext.score.nist import find_sctk
from espnet_ext.score.wer import align_sclite

VOCABULARY = ["ab", "ac", "bc", "cb", "abc", "d", "e", "f"]


def align(ref, hyp, fragments=True):
    return align_networks(parse(ref.split()), parse(hyp.split()), fragments)


def counts(columns):
    """(correct, subs, dels, ins), as sclite prints them."""
    correct = sum(meant == said for meant, said in columns)
    ins = sum(meant is None for meant, _ in columns)
    dels = sum(said is None for _, said in columns)
    return correct, len(columns) - correct - ins - dels, dels, ins


@pytest.mark.parametrize(
    ("ref", "hyp", "expected"),
    [
        ("a { b c / d } e", "a d e", (3, 0, 0, 0)),  # counts as three words, not as four
        ("a { b c / d } e", "a b c e", (4, 0, 0, 0)),
        ("a { b / @ } e", "a e", (2, 0, 0, 0)),
        ("a { b / } e", "a e", (2, 0, 0, 0)),  # an empty alternative is @
        ("a { b / { c / d } e } f", "a d e f", (4, 0, 0, 0)),
        ("i he is x", "i { he's / he is } x", (4, 0, 0, 0)),  # in the hypothesis, too
        ("well (uh) so", "well so", (3, 0, 0, 0)),  # left out, and yet a word of the reference
        ("well (uh) so", "well uh so", (3, 0, 0, 0)),
        ("well (uh) so", "well x so", (2, 1, 0, 0)),
        ("well so", "well (uh) so", (3, 0, 0, 0)),
        ("well () so", "well so", (3, 0, 0, 0)),
        ("wor- x", "work x", (2, 0, 0, 0)),
        ("work x", "wor- x", (2, 0, 0, 0)),
        ("-ly x", "truly x", (2, 0, 0, 0)),
        ("wor- x", "wo x", (1, 1, 0, 0)),  # the fragment must be whole in the word
        ("- x", "y x", (1, 1, 0, 0)),  # a hyphen alone is a word
        ("a / b", "a / b", (3, 0, 0, 0)),  # a slash outside braces is a word
        ("", "a", (0, 0, 0, 1)),
        ("a { b / c d }", "", (0, 0, 2, 0)),
        ("", "", (0, 0, 0, 0)),
    ],
)
def test_worked_examples(ref, hyp, expected):
    assert counts(align(ref, hyp)) == expected


def test_what_is_shown():
    assert align("wor- (uh) (um) x", "work um y") == [
        ("wor-", "wor-"),
        ("(uh)", "(uh)"),  # not said
        ("um", "um"),
        ("x", "y"),
    ]


def test_fragments_can_be_words():
    assert counts(align("wor- x", "work x", fragments=False)) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a { b / c", "ref: `{` without `}` in `a { b / c`"),
        ("a } b", "ref: `}` without `{`"),
    ],
)
def test_braces_that_do_not_pair(text, says):
    with pytest.raises(UserError) as err:
        parse(text.split(), "ref")
    assert str(err.value).startswith(says)


def test_what_needs_a_network():
    assert not is_network(["a", "-", "b", "well-known", "mm-hmm"])
    assert all(is_network(["a", word]) for word in ("{", "(b)", "wor-", "-ly", "@"))


PLAIN = st.lists(st.sampled_from("abcd"), max_size=10)


@given(PLAIN, PLAIN)
def test_plain_words_are_aligned_as_by_align_sclite(ref, hyp):
    ours = align(" ".join(ref), " ".join(hyp))
    ids = {None: -1, **{word: i for i, word in enumerate("abcd")}}
    theirs = align_sclite([ids[word] for word in ref], [ids[word] for word in hyp])
    assert [(ids[meant], ids[said]) for meant, said in ours] == theirs


def random_text(rng, inside=False):
    words = []
    for _ in range(rng.randrange(1, 4) if inside else rng.randrange(12)):
        if rng.random() < 0.2 and not inside:
            branches = [random_text(rng, True) for _ in range(rng.randrange(2, 4))]
            words += [
                "{",
                *"/".join(" ".join(b) for b in branches).replace("/", " / ").split(),
                "}",
            ]
        else:
            word, fate = rng.choice(VOCABULARY), rng.random()
            word = f"{word[0]}-" if fate < 0.08 else f"-{word[-1]}" if fate < 0.12 else word
            word = "" if fate > 0.97 else word  # as a glm leaves (UH)
            words.append(f"({word})" if fate > 0.92 and not inside else word or "a")
    return words


def test_random_networks_have_sclites_counts(tmp_path):
    sctk = find_sctk()
    if sctk is None:
        pytest.skip("no sctk ($SCTK, PATH, .cache/deb/sctk or Debian's package)")
    rng = random.Random(1)
    pairs = [(random_text(rng), random_text(rng)) for _ in range(600)]
    pairs = [pair for pair in pairs if any(pair)]
    for name, side in (("ref", 0), ("hyp", 1)):
        lines = (f"{' '.join(pair[side])} (s-{i:04d})\n" for i, pair in enumerate(pairs))
        (tmp_path / f"{name}.trn").write_text("".join(lines))
    command = f"{sctk}/sclite -s -F -D -r ref.trn trn -h hyp.trn trn -i rm -o pra stdout"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=True)
    scores = re.findall(r"^Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout, re.M)
    assert len(scores) == len(pairs)
    for (ref, hyp), theirs in zip(pairs, scores, strict=True):
        assert counts(align_networks(parse(ref), parse(hyp))) == tuple(map(int, theirs)), (ref, hyp)
