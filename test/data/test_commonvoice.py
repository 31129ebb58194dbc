"""Common Voice: tables and clips to utterances at 16 kHz, and what is said of faults."""

import numpy as np
import pytest
from corpora import clip
from corpora.preparing import runner

from espnet_ext.config import UserError
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import commonvoice
from espnet_ext.data.kaldi_dir import read_dict

prepare, faults = runner(commonvoice)


def test_the_clip_of_the_words_is_heard_at_16_khz(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "dev")
    utt = "c3c3c3c3c3c3c3c3-common_voice_en_109"
    assert read_dict(tmp_path / "dev/text")[utt] == clip(9)[0]
    heard_N, said_N = SpeechDir(tmp_path / "dev/wav.scp")[utt], clip(9)[1] / 32768
    assert abs(len(heard_N) - len(said_N)) < 0.1 * 16000  # mp3 pads
    lags = np.correlate(heard_N, said_N.astype(np.float32), "full")
    norm = np.linalg.norm(heard_N) * np.linalg.norm(said_N)
    assert lags.max() / norm > 0.95


def test_validated_clips_less_the_speakers_of_dev_and_test(laid_out, tmp_path, capsys):
    prepare(laid_out / "en", tmp_path, "--sets", "train train_validated")
    assert {utt[:2] for utt in read_dict(tmp_path / "train_validated/text")} == {"a1", "b2", "e5"}
    assert "left out: clips of speakers of dev or test: 8; first: common_voice_en_108.mp3" in (
        capsys.readouterr().out
    )
    texts = read_dict(tmp_path / "train/text")
    assert len(texts) == 6 and texts["a1a1a1a1a1a1a1a1-common_voice_en_102"].endswith(" SHE SAID")


def test_sentences_without_one_reading_are_left_out_of_training_alone(corpus, tmp_path, capsys):
    for name in ("train", "dev"):
        path = corpus / f"en/{name}.tsv"
        rows = path.read_text().splitlines()
        for row, sentence in ((1, "In 1984."), (2, "…!")):
            columns = rows[row].split("\t")
            columns[2] = sentence
            rows[row] = "\t".join(columns)
        path.write_text("\n".join(rows) + "\n")
    prepare(corpus, tmp_path / "data", "--sets", "train dev")
    assert len(read_dict(tmp_path / "data/train/text")) == 4
    assert "IN 1984" in read_dict(tmp_path / "data/dev/text").values()
    shown = capsys.readouterr().out
    assert "left out of training: digits, other alphabets: 1; first: IN 1984" in shown
    assert "left out: sentences without a word: 2" in shown


def test_other_languages_keep_their_sentences(corpus, tmp_path):
    (corpus / "en").rename(corpus / "cy")
    prepare(corpus, tmp_path / "data", "--language", "cy", "--sets", "train")
    texts = read_dict(tmp_path / "data/train/text")
    assert texts["a1a1a1a1a1a1a1a1-common_voice_en_100"] == f"{clip(0)[0].capitalize()}."


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    clips = corpus / "en/clips"
    (clips / "common_voice_en_100.mp3").unlink()
    (clips / "common_voice_en_101.mp3").write_bytes(b"")
    (clips / "common_voice_en_108.mp3").write_bytes(b"no sound" * 99)
    (corpus / "en/test.tsv").unlink()
    train = corpus / "en/train.tsv"
    dev = (corpus / "en/dev.tsv").read_text().splitlines()
    train.write_text(train.read_text() + f"{dev[1]}\nonly one column\n")
    with train.open("ab") as out:
        out.write("a1\tclip.mp3\tcafé".encode()[:-1])  # the end of a file that is cut off
    said = faults(corpus, tmp_path / "data")
    for line in (
        "7 kinds of fault",
        f"clips that are not there (1); first: {clips}/common_voice_en_100.mp3",
        f"empty clips (1); first: {clips}/common_voice_en_101.mp3",
        f"clips that cannot be decoded (1); first: {clips}/common_voice_en_108.mp3",
        f"tables that are not there (1); first: {corpus}/en/test.tsv",
        f"rows without client_id, path and sentence (1); first: {train}:9",
        f"lines that are not UTF-8 (1); first: {train}:10",
        "speakers of train in dev or test (1); first: c3c3c3c3c3c3c3c3",
    ):
        assert line in said, f"{line!r} in:\n{said}"
    assert not list((tmp_path / "data").rglob("wav.scp"))


def test_wrong_places(laid_out, tmp_path):
    with pytest.raises(UserError, match=r"no clips/ nor en/clips/; .*commonvoice\.mozilla\.org"):
        prepare(tmp_path, tmp_path)
    assert "--sets validated: expected some of" in faults(laid_out, tmp_path, "--sets", "validated")
