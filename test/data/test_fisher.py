"""Fisher: what becomes of its layout, and what is said when it is not whole."""

import shutil

import pytest
from corpora import clips
from corpora import fisher as look_alike
from corpora.preparing import assert_same_tables, assert_valid, runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import fisher
from espnet_ext.data.kaldi_dir import read_dict

prepare, faults = runner(fisher)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[laughter] [mn]", ""),
        ("an- so the t._v. is on", "AN- SO THE T V IS ON"),
        ("c. n. n.'s i'm a.", "C N N'S I'M A"),
        ("mr. smith", "MR. SMITH"),
        ("yes (( what ))", None),
    ],
)
def test_transcripts(said, words):
    assert fisher.normalise(said) == words


def test_every_set(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path, "--sets", "fisher_p1 fisher_p2 train_fisher")
    parts = [read_dict(tmp_path / name / "text") for name in fisher.SETS]
    assert [len(part) for part in parts] == [12, 6, 18] and parts[0] | parts[1] == parts[2]
    assert min(parts[1]).startswith("fe_03_05851-A-000040-")
    for name in fisher.SETS:
        assert_valid(tmp_path / name)
    sides = read_dict(tmp_path / "fisher_p2/reco2file_and_channel")
    assert sides == {f"fe_03_05851-{side}": f"fe_03_05851 {side}" for side in "AB"}
    utt, text = next(iter(parts[2].items()))
    heard_N = SpeechDir(tmp_path / "train_fisher/wav.scp")[utt]
    assert abs(len(heard_N) - len(dict(clips())[text])) <= 160
    shown = capsys.readouterr().out
    assert "left out: utterances that the transcriber was not sure of: 12" in shown
    assert "11,699 calls" in shown


def test_annotation_alone_gives_the_same_tables(laid_out, tmp_path):
    for folder in ("fe_03_p1_tran", "fe_03_p2_tran"):
        shutil.copytree(laid_out / folder, tmp_path / "src" / folder)
    prepare(tmp_path / "src", tmp_path / "counts", "--annotation_only", "true")
    prepare(laid_out, tmp_path / "whole")
    assert not list((tmp_path / "counts").rglob("wav.scp"))
    folders = (tmp_path / kind / "train_fisher" for kind in ("counts", "whole"))
    assert_same_tables(*folders, "reco2file_and_channel")


def test_a_start_that_was_mistyped(tmp_path):
    text = tmp_path / "fe_03_11487.txt"
    text.write_text("31.09 234.06 A: no\n31.09 34.06 A: yes\n")
    call = fisher.read_call(text.stem, {text.stem: text}, {text.stem: text}, audio=False)
    assert [(utt.start_sec, utt.end_sec) for utt in call.utts] == [(231.09, 234.06), (31.09, 34.06)]


def test_smoke_takes_a_few_of_every_side(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--size", "smoke")
    assert len(read_dict(tmp_path / "train_fisher/text")) == 12
    assert len(read_dict(tmp_path / "train_fisher/wav.scp")) == 6


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    first, second, third = (next(corpus.rglob(f"{call}.sph")) for call in look_alike.CALLS)
    first.write_bytes(first.read_bytes()[:-1000])
    second.write_bytes(b"")
    text = next(corpus.rglob("fe_03_05851.txt"))
    text.write_text("1.00 2.00 C: who is it\n1.0.0 2 A: yes\n")
    third.write_bytes(third.read_bytes().replace(b"-s4 ulaw", b"-s27 ulaw,embedded-shorten-v2.00"))
    next(corpus.rglob("fe_03_00002.txt")).write_text("")
    said = faults(corpus, tmp_path / "data")
    assert "calls that are cut off (1)" in said and "empty calls (1)" in said
    assert "calls packed in a way that nothing here unpacks (1)" in said and "sph2pipe" in said
    assert f"lines that are not `start end A: words` (2); first: {text}:1: 1.00" in said
    assert "empty transcripts (1)" in said
    assert not (tmp_path / "data/train_fisher/wav.scp").exists()


def test_a_part_is_told_from_the_whole(corpus, tmp_path):
    next(corpus.rglob("fe_03_00001.sph")).unlink()
    said = faults(corpus, tmp_path, "--complete", "true")
    assert "first: 3, published are 11,699" in said
    assert "transcripts of calls that are not there (1)" in said and "fe_03_00001.txt" in said
    prepare(corpus, tmp_path)
    assert len(read_dict(tmp_path / "train_fisher/wav.scp")) == 4


def test_wrong_places(laid_out, tmp_path):
    assert "no transcripts such as fe_03_00004.txt" in faults(tmp_path, tmp_path)
    assert "expected some of fisher_p1" in faults(laid_out, tmp_path, "--sets", "train")
