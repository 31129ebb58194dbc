"""The inner loop: its short cuts, and several processes, change nothing."""

import random
from collections import Counter

import pytest

from espnet_ext.score import inner
from espnet_ext.score.wer import GAP, align_kaldi, count_errors

WORDS = ["a", "of", "the", "tomorrow", "é"]


@pytest.fixture
def texts():
    draw = random.Random(1)
    refs = {f"u{i}": [draw.randrange(5) for _ in range(draw.randrange(6))] for i in range(200)}
    hyps = {
        utt: list(ref) if draw.random() < 0.5 else [draw.randrange(5) for _ in ref[1:]]
        for utt, ref in refs.items()
        if utt != "u7"
    }
    ready = {"u8": [(word, word) for word in refs["u8"]] + [(GAP, 3)]}
    hyps["u8"] = list(refs["u8"])
    return inner.Texts(refs, hyps, WORDS, ready)


def test_counts_are_those_of_every_pair_alone(texts):
    done = inner.align_all(texts, list(texts.refs), align_kaldi)
    ops = Counter()
    for utt, block, csid in zip(texts.refs, done.blocks, done.csid_U4.tolist(), strict=True):
        pairs = texts.ready.get(utt) or align_kaldi(texts.refs[utt], texts.hyps.get(utt, []))
        ops.update(pairs)
        alone = count_errors(pairs)
        assert csid == [alone.words - alone.subs - alone.dels, alone.subs, alone.ins, alone.dels]
        said = block.splitlines()[0].split()[2:]
        assert said == [WORDS[ref] if ref != GAP else "***" for ref, _ in pairs]
    assert done.ops == ops


def test_several_processes_give_the_same(texts, monkeypatch):
    utts = list(texts.refs)
    one = inner.align_all(texts, utts, align_kaldi)
    monkeypatch.setattr(inner, "FEWEST_PER_JOB", 10)
    several = inner.align_all(texts, utts, align_kaldi, jobs=3)
    assert len(several.blocks) < len(one.blocks)  # those of other processes come in one piece
    assert "".join(several.blocks) == "".join(one.blocks)
    assert several.csid_U4.tolist() == one.csid_U4.tolist()
    assert several.ops == one.ops


def test_a_dead_process_is_said(texts, monkeypatch):
    def die(*_):
        raise SystemExit(1)

    monkeypatch.setattr(inner, "FEWEST_PER_JOB", 10)
    monkeypatch.setattr(inner, "_child", die)
    with pytest.raises(RuntimeError, match="died"):
        inner.align_all(texts, list(texts.refs), align_kaldi, jobs=2)
