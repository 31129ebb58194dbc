"""Our counts beside those of NIST's sclite (Debian package sctk), utterance by utterance.

sclite minimises 4 sub + 3 ins + 3 del, so its totals are those of `--align sclite`; Kaldi's, the
fewest errors, are never above them and sometimes below.
"""

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espnet_ext.score.wer import align_kaldi, align_sclite, count_errors

ROOT = Path(__file__).resolve().parents[2]
PLACES = [ROOT / ".cache/deb/sctk/usr/lib/sctk/bin/sclite", Path("/usr/lib/sctk/bin/sclite")]

REAL_PAIRS = """\
you have reached the maximum number of messages | you have reach to maximum number of message
please enter your password followed by the pound key | please enter your pass word followed by pound key
the person at extension is on the phone | person at the extension is on a phone
i'm sorry that's not a valid extension please try again | i am sorry that is not valid extension try again
you are currently the only person in this conference | you are currently only person in the conference call
to leave a message press one or hang up | two leave a message press one or hang up
thank you for calling good bye | thank you for calling goodbye
first message received yesterday at eleven forty five | first message recieved at eleven forty five yesterday
yes | yeah
no | no
oh |
all circuits are busy now please try your call again later | all circuits are busy
uh huh well i was going to say the the same thing | well i was gonna say the same thing
x y z a b | a b p q r
"""  # noqa: E501


def find_sclite():
    named = os.environ.get("SCLITE")
    if named:
        return named
    return shutil.which("sclite") or next((str(p) for p in PLACES if p.is_file()), None)


@pytest.fixture(scope="module")
def sclite(tmp_path_factory):
    """sclite(pairs) -> [(sub, ins, del)], all pairs in one call."""
    binary = find_sclite()
    if binary is None:
        pytest.skip("no sclite on PATH, in $SCLITE or .cache/deb/sctk (Debian package sctk)")
    folder = tmp_path_factory.mktemp("sclite")

    def run(pairs):
        for name, side in (("ref", 0), ("hyp", 1)):
            lines = (f"{' '.join(pair[side])} (spk-{i:06d})\n" for i, pair in enumerate(pairs))
            (folder / f"{name}.trn").write_text("".join(lines))
        command = f"{binary} -s -r ref.trn trn -h hyp.trn trn -i rm -o pra stdout".split()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        # id: (spk-000007)
        # Scores: (#C #S #D #I) 4 1 0 2
        utts = re.findall(r"^id: \(spk-(\d+)\)", done.stdout, re.M)
        scores = re.findall(r"^Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout, re.M)
        assert [int(utt) for utt in utts] == list(range(len(pairs)))
        return [(int(s), int(i), int(d)) for _, s, d, i in scores]

    return run


def ints(*texts):
    ids = {}
    return [[ids.setdefault(word, len(ids)) for word in text] for text in texts]


def check_all(pairs, theirs):
    """Both counts of every pair; the number of pairs where sclite's total is not the fewest."""
    above = 0
    for (ref, hyp), (subs, ins, dels) in zip(pairs, theirs, strict=True):
        ours = count_errors(align_sclite(*ints(ref, hyp)))
        assert (ours.subs, ours.ins, ours.dels) == (subs, ins, dels), (ref, hyp)
        fewest = count_errors(align_kaldi(*ints(ref, hyp))).errors
        assert fewest <= ours.errors, (ref, hyp)
        above += fewest < ours.errors
    return above


def spoil(ref, words, rate, rng):
    """A hypothesis with about `rate` deletions, substitutions and insertions each per word."""
    if rng.random() < 0.05:
        return [rng.choice(words) for _ in range(rng.randrange(20))]
    hyp = []
    for word in ref:
        fate = rng.random() / rate
        hyp += [] if fate < 1 else [rng.choice(words)] if fate < 2 else [word]
        hyp += [rng.choice(words)] if rng.random() < rate else []
    return hyp


# 20 times 500 pairs
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    n_words=st.integers(2, 30),
    rate=st.sampled_from([0.03, 0.1, 0.3]),
    seed=st.integers(0, 2**32),
)
def test_ten_thousand_random_pairs_have_sclites_counts(sclite, n_words, rate, seed):
    rng = random.Random(seed)
    words = [f"w{i}" for i in range(n_words)]
    refs = [[rng.choice(words) for _ in range(rng.randrange(24))] for _ in range(500)]
    pairs = [(ref, spoil(ref, words, rate, rng)) for ref in refs]
    check_all(pairs, sclite(pairs))


def test_real_pairs_have_sclites_counts(sclite):
    pairs = [tuple(side.split() for side in line.split("|")) for line in REAL_PAIRS.splitlines()]
    assert check_all(pairs, sclite(pairs)) == 1  # the last: six gaps are cheaper than five subs


def test_sclite_does_find_more_errors_than_the_fewest(sclite):
    """What makes a second alignment necessary; if this fails, it can go."""
    rng = random.Random(1)
    words = list("abcdefgh")
    refs = [[rng.choice(words) for _ in range(rng.randrange(1, 25))] for _ in range(1000)]
    pairs = [(ref, spoil(ref, words, 0.35, rng)) for ref in refs]
    assert 5 < check_all(pairs, sclite(pairs)) < 100
