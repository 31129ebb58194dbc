"""SpeechStew: what is mixed, how often, with which words and ids, and what is said of faults."""

import argparse
import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from corpora import speechstew as look_alike
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import speechstew
from espnet_ext.data.corpora.speechstew.mix import Part, balance, copies_of, read_mix
from espnet_ext.data.kaldi_dir import read_dict

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return look_alike.lay_out(tmp_path_factory.mktemp("speechstew"))


def prepare(src: Path, dst: Path, *more: str, mix: Path = look_alike.MIX) -> None:
    parser = argparse.ArgumentParser()
    speechstew.add_arguments(parser)
    speechstew.prepare(src, dst, parser.parse_args(["--mix", str(mix), *more]))


def write_mix(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_mix_of_three(prepared, tmp_path, capsys):
    prepare(prepared, tmp_path)
    texts = read_dict(tmp_path / "train/text")
    assert all(text == text.upper() for text in texts.values())
    assert len([utt for utt in texts if utt.startswith("librispeech-")]) == 24
    ours = Counter(u.split("@")[0] for u in texts if u.startswith("commonvoice-"))
    assert set(ours.values()) == {2, 3} and len(ours) == 12
    durs = read_dict(tmp_path / "train/utt2dur")
    hours = Counter()
    for utt, dur in durs.items():
        hours[utt.split("-")[0]] += float(dur)
    assert abs(hours["tedlium3"] / sum(hours.values()) - 0.5) < 0.06  # single utterances are whole
    shown = capsys.readouterr().out
    assert "train            utterances     hours  left out  copies" in shown
    assert "tedlium3_test                     8 utterances" in shown


def test_the_sound_of_a_copy_is_the_sound_of_the_corpus(prepared, tmp_path):
    prepare(prepared, tmp_path, "--sets", "train tedlium3_test")
    mixed = SpeechDir(tmp_path / "train/wav.scp")
    for corpus, where in (
        ("librispeech", "librispeech/train_other_500"),
        ("tedlium3", "tedlium3/train"),
        ("commonvoice", "commonvoice/train_validated"),
    ):
        own = SpeechDir(prepared / where / "wav.scp")
        utt = next(iter(own))
        for name in (f"{corpus}-{utt}", f"{corpus}-{utt}@2"):
            if name in mixed:
                length = min(len(mixed[name]), len(own[utt]))
                assert abs(len(mixed[name]) - len(own[utt])) <= 16  # a millisecond
                np.testing.assert_array_equal(mixed[name][:length], own[utt][:length])
    test = read_dict(tmp_path / "tedlium3_test/text")
    assert test.keys() == read_dict(prepared / "tedlium3/test/text").keys()


def test_tests_keep_the_tables_they_are_scored_by(prepared, tmp_path):
    src = shutil.copytree(prepared, tmp_path / "src")
    (src / "tedlium3/test/stm").write_text("as it is\n")
    (src / "tedlium3/test/utt2room").write_text("a b\n")
    prepare(src, tmp_path / "data", "--sets", "tedlium3_test librispeech_test_clean")
    there = {path.name for path in (tmp_path / "data/tedlium3_test").iterdir()}
    assert {"stm", "utt2room", "segments"} <= there
    there = {path.name for path in (tmp_path / "data/librispeech_test_clean").iterdir()}
    assert "spk2gender" in there and "segments" not in there


def test_words_that_cannot_be_trained_on(prepared, tmp_path, capsys):
    src = shutil.copytree(prepared, tmp_path / "src")
    for where, said in (("librispeech/train_clean_100", "IN 1984"), ("tedlium3/test", "in 1984")):
        rows = (src / where / "text").read_text().splitlines()
        rows[0] = f"{rows[0].split()[0]} {said}"
        rows[1] = f"{rows[1].split()[0]} <unk> …"
        (src / where / "text").write_text("\n".join(rows) + "\n")
    prepare(src, tmp_path / "data")
    shown = capsys.readouterr().out
    assert "left out of training: digits, other alphabets: 1; first: librispeech/train" in shown
    assert "left out: utterances without a word: 2; first: " in shown
    assert "IN 1984" in read_dict(tmp_path / "data/tedlium3_test/text").values()
    assert len(read_dict(tmp_path / "data/tedlium3_test/text")) == 7


def test_all_faults_of_a_pass_are_said_at_once(prepared, tmp_path):
    src = shutil.copytree(prepared, tmp_path / "src")
    look_alike.damage(src)
    (src / "commonvoice/train_validated/utt2dur").write_text("a b\n")
    for name in ("wav.scp", "text", "utt2spk", "utt2dur"):  # the test set, in training too
        shutil.copy(src / "librispeech/test_clean" / name, src / "librispeech/train_other_500")
    with pytest.raises(UserError) as caught:
        prepare(src, tmp_path / "data")
    for line in (
        "3 kinds of fault",
        "durations that cannot be read (2); first: ",
        "utterances of train in dev or a test (8); first: librispeech/train_other_500: 1089-",
        "data directories whose tables cannot be read, or disagree (4); first: ",
        "where text has 10-121123-0001; validate_data_dir says more",
    ):
        assert line in str(caught.value), f"{line!r} in:\n{caught.value}"
    assert not list((tmp_path / "data").rglob("wav.scp"))


def test_directories_that_are_not_there(prepared, tmp_path, capsys):
    src = shutil.copytree(prepared, tmp_path / "src")
    shutil.rmtree(src / "tedlium3/train")
    (src / "librispeech/dev_clean/wav.scp").unlink()
    with pytest.raises(UserError, match=r"data directories that are not there \(2\); first: "):
        prepare(src, tmp_path / "data")
    prepare(src, tmp_path / "data", "--corpora", "commonvoice", "--sets", "train")
    with pytest.raises(UserError, match="--corpora ami: expected some of commonvoice libri"):
        prepare(src, tmp_path / "data", "--corpora", "ami")
    with pytest.raises(UserError, match="--sets test: expected some of train dev librispeech_te"):
        prepare(src, tmp_path / "data", "--sets", "test")


def test_speakers_of_training_in_a_test_are_said(prepared, tmp_path, capsys):
    src = shutil.copytree(prepared, tmp_path / "src")
    path = src / "tedlium3/test/utt2spk"
    path.write_text(path.read_text().replace(" AimeeMullins_2009P", " AlGore_2009"))
    prepare(src, tmp_path / "data", "--sets", "train")
    assert "speakers of tedlium3/train in dev or a test: 1; first: AlGore_2009" in (
        capsys.readouterr().out
    )


@given(st.floats(0.01, 5), st.integers(0, 9))
def test_copies_are_as_many_as_asked(copies, seed):
    drawn = [copies_of(f"u{i}", copies, seed) for i in range(2000)]
    assert {*drawn} <= {math.floor(copies), math.floor(copies) + 1}
    assert abs(np.mean(drawn) - copies) < 0.06  # five standard errors


def test_balance_by_hand():
    parts = {"a": Part(["a"]), "b": Part(["b"], copies=2), "c": Part(["c"], share=0.25)}
    # a and b have 10 + 2 * 10 hours, three quarters; c's 4 hours shall be the 10 that are a quarter
    assert balance(parts, {"a": 10, "b": 10, "c": 4}, "train") == {"a": 1, "b": 2, "c": 2.5}
    halves = {"a": Part(["a"], share=0.5), "b": Part(["b"], share=0.5)}
    assert balance(halves, {"a": 30, "b": 10}, "train") == {"a": 20 / 30, "b": 2}
    with pytest.raises(UserError, match=r"train: shares sum up to 0\.25"):
        balance({"c": parts["c"]}, {"c": 4}, "train")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: {a: {dirs: [a], copy: 2}}", "expected {dirs"),
        ("train: {a: {dirs: [a], copies: 0}}", "copies above 0"),
        ("train: {a: {dirs: [a], share: 1.5}}", "share of at most 1"),
        ("train: {a: {dirs: [a], share: 0.5, copies: 2}}", "expected one of them"),
        ("train: {a: [a]}", "expected {dirs"),
        ("trains: {}", "unknown key trains"),
        ("tests: a", "expected a list"),
        ("tests: [a/b]", "expected seed, train, dev and tests"),
    ],
)
def test_mixes_that_are_refused(tmp_path, text, said):
    with pytest.raises(UserError, match=said):
        read_mix(write_mix(tmp_path / "mix.yaml", text))


def test_the_papers_mix_has_its_corpora_once():
    mix = read_mix(ROOT / "egs2/speechstew/ssl1/conf/mix/speechstew.yaml")
    assert set(mix.train) == {
        "ami", "broadcastnews", "commonvoice", "librispeech", "swbd", "fisher", "tedlium3", "wsj"
    }  # fmt: skip
    assert all((part.copies, part.share) == (1, None) for part in mix.train.values())
