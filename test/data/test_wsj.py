"""WSJ: what becomes of its discs, and what is said when they are not all there."""

import numpy as np
import pytest
import soundfile
from corpora import clip
from corpora import wsj as look_alike
from corpora.preparing import assert_valid, runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import wsj
from espnet_ext.data.kaldi_dir import read_dict

prepare, faults = runner(wsj)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mr. O\\'Neil said --dash ,COMMA", "MR. O'NEIL SAID -DASH ,COMMA"),
        ("five %percent .point six", "FIVE PERCENT POINT SIX"),
        ("[<door_slam] a [door_slam>] b [phone_ring/] c [/phone_ring] . ~", "A B C"),
        ("[loud_breath] a [tongue_click]", "<NOISE> A <NOISE>"),
        ("<and> <it's> <a b>", "AND IT'S <A B>"),
        ('"DOUBLE-QUOTE yes *mis*', '"DOUBLE-QUOTE YES *MIS*'),
    ],
)
def test_transcripts_as_kaldis(said, words):
    assert wsj.normalise(said, "<NOISE>") == words
    assert wsj.normalise(said) == " ".join(words.replace("<NOISE>", "").split())


def test_every_set(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path)
    for name, count in zip(wsj.SETS, (6, 12, 6, 6, 6), strict=True):
        assert_valid(tmp_path / name)
        assert len(read_dict(tmp_path / name / "text")) == count
    assert list(read_dict(tmp_path / "train_si84/spk2utt")) == ["01i", "404"]  # not 401
    texts = read_dict(tmp_path / "dev93/text")
    assert texts["4k0c0201"] == clip(12)[0]
    assert texts["4k0c0202"] == f"{clip(13)[0]} ,COMMA"
    assert texts["4k0c0203"] == f"{clip(14)[0]} -DASH"
    assert read_dict(tmp_path / "dev93/wav.scp")["4k0c0201"].endswith("SI_DT_20/4K0/4K0C0201.WV1")
    heard_N = SpeechDir(tmp_path / "eval92/wav.scp")["440c0201"] * 32768
    np.testing.assert_array_equal(heard_N, clip(18)[1])
    assert "333 utterances, 5,643 words" in capsys.readouterr().out


def test_merged_discs_and_noises(laid_out, tmp_path):
    merged = look_alike.merge(laid_out, tmp_path / "src")
    prepare(laid_out, tmp_path / "discs", "--noise_word", "<NOISE>")
    prepare(merged, tmp_path / "merged", "--noise_word", "<NOISE>")
    prepare(merged / "wsj0", tmp_path / "wsj0", "--sets", "train_si84 eval92")
    for name in wsj.SETS:
        tables = [tmp_path / where / name / "text" for where in ("discs", "merged")]
        assert tables[0].read_text() == tables[1].read_text()
        assert "<NOISE>" in tables[0].read_text()
    assert (tmp_path / "wsj0/eval92/wav.scp").exists()


def test_a_copy_is_taken_in_place_of_packed_audio(corpus, tmp_path):
    packed = corpus / "11-14.1/wsj0/si_et_20/440/440c0201.wv1"
    soundfile.write(packed.with_suffix(".wav"), clip(18)[1], 16000)
    packed.write_bytes(b"")
    prepare(corpus, tmp_path, "--sets", "eval92")
    assert read_dict(tmp_path / "eval92/wav.scp")["440c0201"].endswith("440c0201.wav")


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    speaker = corpus / "11-14.1/wsj0/si_et_20/440"
    (speaker / "440c0201.wv1").write_bytes(b"")
    packed = speaker / "440c0202.wv1"
    packed.write_bytes(packed.read_bytes().replace(b"-s26 pcm,", b"-s27 ulaw,"))
    dot = corpus / "11-14.1/wsj0/si_et_20/441/441c0200.dot"
    lines = dot.read_text().splitlines()
    dot.write_text("\n".join([lines[0], ". ~ (441c0202)", lines[2].replace("203", "303")]))
    index = corpus / look_alike.INDICES["h1_p0"]
    index.write_text("no colon here\n" + index.read_text())
    (corpus / look_alike.INDICES["si_tr_s"]).unlink()
    said = faults(corpus, tmp_path / "data", "--sets", "train_si284 dev93 eval92")
    assert "empty audio files (1)" in said and "sph2pipe" in said
    assert "transcripts without a word (1); first: 441c0202" in said
    assert "utterances without a transcript (1)" in said and "441c0200.dot" in said
    assert f"lines of indices that are not `disc:path` (1); first: {index}:1" in said
    assert "indices that are not there (1)" in said
    assert not (tmp_path / "data/eval92/wav.scp").exists()


def test_a_part_is_told_from_the_whole(corpus, tmp_path):
    (corpus / "11-1.1/wsj0/si_tr_s/01i/01ic0201.wv1").unlink()
    said = faults(corpus, tmp_path / "data", "--complete", "true", "--sets", "train_si84 eval92")
    first = "utterances of train_si84 that are on no disc (1); first: wsj0/si_tr_s/01i/01ic0201.wv1"
    assert first in said
    assert "set eval92 of another size than is published (1); first: 6 utterances" in said
    (corpus / "11-1.1").rename(tmp_path / "elsewhere")
    assert "sets with no utterance (1); first: train_si84" in faults(
        corpus, tmp_path / "data", "--sets", "train_si84"
    )


def test_another_number_of_words_is_a_fault(laid_out, tmp_path, monkeypatch):
    monkeypatch.setitem(wsj.SETS, "eval92", (wsj.SETS["eval92"][0], 6, 5))
    said = faults(laid_out, tmp_path, "--complete", "true", "--sets", "eval92")
    assert "sets with another number of words (1)" in said


def test_wrong_places(laid_out, tmp_path):
    assert "no wsj0 or wsj1 at any depth; it is LDC93S6A" in faults(tmp_path, tmp_path)
    assert "expected some of train_si84" in faults(laid_out, tmp_path, "--sets", "si84")
