"""TIMIT: what becomes of its layout, and what is said when it is not all there."""

import pytest
from corpora import timit as look_alike
from corpora.preparing import assert_valid, runner

from espnet_ext.data.corpora import timit
from espnet_ext.data.corpora.timit.phones import ALL, OF_48_AND_39, fold
from espnet_ext.data.corpora.timit.published import SETS
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.score import phones

prepare, faults = runner(timit)


def test_phones():
    assert len(ALL) == 61
    assert [len({row[i] for row in OF_48_AND_39.values()}) for i in (0, 1)] == [48, 39]
    said = [
        "h#",
        "hh",
        "ah",
        "dx",
        "ux",
        "w",
        "iy",
        "dcl",
        "d",
        "ix",
        "f",
        "ay",
        "n",
        "ih",
        "q",
        "h#",
    ]  # FCKE0_SI1111
    assert " ".join(fold(said, 48)) == "sil hh ah dx uw w iy vcl d ix f ay n ih sil"
    assert " ".join(fold(said, 39)) == "sil hh ah dx uw w iy sil d ih f ay n ih sil"
    assert fold(said, 61) == said
    assert fold(["zh", "pcl", "ao", "el", "epi"], 39) == ["sh", "sil", "aa", "l", "sil"]


def test_phones_are_folded_as_they_are_scored():
    """Training and scoring keep a table each, for rooms do not import each other."""
    assert {phone: fold([phone], 39) for phone in ALL} == {
        phone: [folded] if (folded := phones.fold(phone)) else [] for phone in ALL
    }
    assert all(fold([phone], 48) == [phones.fold(phone, "timit48")] for phone in OF_48_AND_39)


def test_partition():
    dev, core = ({*SETS[name][1]} for name in ("dev", "test"))
    assert len(dev) == 50 and len(core) == 24 and not dev & core
    assert sum(who.startswith("F") for who in core) == 8
    assert [SETS[name][2] for name in SETS] == [8 * 462, 8 * 50, 8 * 24, 8 * 168]


@pytest.mark.parametrize("kind", ["disc", "lower", "riff"])
def test_every_layout_gives_the_same_sets(tmp_path, capsys, kind):
    src = look_alike.lay_out(tmp_path / "src", lower=kind == "lower", riff=kind == "riff")
    prepare(src, tmp_path / "data", "--sets", "train dev test test_full")
    for name, count in (("train", 6), ("dev", 6), ("test", 6), ("test_full", 12)):
        assert_valid(tmp_path / "data" / name)
        assert len(read_dict(tmp_path / f"data/{name}/text")) == count
    texts = read_dict(tmp_path / "data/test/text")
    assert list(texts)[:3] == ["FELC0_SI1027", "FELC0_SX127", "FELC0_SX37"]
    assert {*read_dict(tmp_path / "data/test/spk2utt")} == {"FELC0", "MDAB0"}
    assert read_dict(tmp_path / "data/train/spk2gender") == {"FCJF0": "f", "MDAC0": "m"}
    words = {phone for text in texts.values() for phone in text.split()}
    assert words <= {row[0] for row in OF_48_AND_39.values()} and "vcl" in words
    shown = capsys.readouterr().out
    assert "192 utterances, 7,215 phones" in shown and "SA" not in "".join(texts)


def test_phone_sets(laid_out, tmp_path):
    inner = laid_out / "TIMIT"
    for count in (61, 48, 39):
        prepare(inner, tmp_path / str(count), "--phones", str(count), "--sets", "test")
    whole, middle, small = (read_dict(tmp_path / str(n) / "test/text") for n in (61, 48, 39))
    for utt, text in whole.items():
        assert middle[utt].split() == fold(text.split(), 48)
        assert small[utt].split() == fold(text.split(), 39)


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    here = corpus / "TIMIT/TRAIN/DR1/FCJF0"
    (here / "SX37.WAV").unlink()
    (here / "SI1027.PHN").write_text("0 3050 h#\n3050 4559 shh\n")
    sound = (here / "SX127.WAV").read_bytes()
    (here / "SX127.WAV").unlink()
    (here / "SX127.WAV").write_bytes(sound[:-100])
    other = corpus / "TIMIT/TRAIN/DR1/MDAC0"
    (other / "SX37.PHN").write_text("")
    (other / "SI1027.PHN").write_text("0 h#\n")
    (other / "SX127.WAV").unlink()
    (other / "SX127.WAV").write_bytes(b"")
    said = faults(corpus, tmp_path / "data")
    assert "6 kinds of fault" in said
    assert f"sentences without audio (1); first: {here}/SX37.PHN" in said
    assert f"phones that TIMIT does not have (1); first: {here}/SI1027.PHN:2: shh" in said
    assert "cut-off audio files (1)" in said and "empty audio files (1)" in said
    assert "empty phone files (1)" in said and "are not `first last phone` (1)" in said
    assert not (tmp_path / "data/train/wav.scp").exists()


def test_a_part_is_told_from_the_whole(corpus, tmp_path):
    said = faults(corpus, tmp_path / "data", "--complete", "true")
    assert "TRAIN with another number of speakers than is published (1)" in said
    assert "speakers of test that are not there (22); first: FDHC0" in said
    assert "has 2, published are 462" in said
    copied = corpus / "TIMIT/TRAIN/DR5"
    copied.mkdir()
    (corpus / "TIMIT/TEST/DR5/MTAA0").rename(copied / "MTAA0")
    (corpus / "TIMIT/TEST/DR5/MTAA0").mkdir()
    assert "speakers in TRAIN and in TEST (1)" in faults(corpus, tmp_path / "data")


def test_another_number_of_phones_or_utterances_is_a_fault(laid_out, tmp_path, monkeypatch):
    monkeypatch.setitem(SETS, "test", ("TEST", ["FELC0"], 3, 10))
    monkeypatch.setitem(timit.SPEAKERS, "TEST", 4)
    said = faults(laid_out, tmp_path, "--sets", "test", "--complete", "true")
    assert "set test with another number of phones than is published" in said
    monkeypatch.setitem(SETS, "test", ("TEST", ["FELC0"], 4, None))
    said = faults(laid_out, tmp_path, "--sets", "test", "--complete", "true")
    assert "set test of another size than is published (1); first: 3 utterances" in said


def test_wrong_places(laid_out, tmp_path):
    assert "no folder TRAIN, nor in TIMIT; it is LDC93S1" in faults(tmp_path, tmp_path)
    assert "expected some of train dev test" in faults(laid_out, tmp_path, "--sets", "eval")


def test_smoke_takes_a_few_of_every_speaker(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--size", "smoke")
    assert len(read_dict(tmp_path / "test/spk2utt")) == 2
