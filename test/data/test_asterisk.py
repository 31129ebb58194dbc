"""The Asterisk prompts: what their transcripts become, and whether the committed splits are right.

`asterisk_text` holds the normalised transcripts of the whole labelled corpus (542 prompts of
asterisk-core-sounds-en 1.6.1, CC BY-SA 3.0), so that the lists can be checked without a download.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpora import asterisk as look_alike

from espnet_ext.config import UserError
from espnet_ext.data.corpora import asterisk
from espnet_ext.data.corpora.asterisk import splits, text
from espnet_ext.data.kaldi_dir import read_dict

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "egs2/asterisk/ssl1"
TEXTS = read_dict(Path(__file__).parent / "asterisk_text")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("press 1 to send this message, or 2", "PRESS ONE TO SEND THIS MESSAGE OR TWO"),
        ("... letters of your party's last name.", "LETTERS OF YOUR PARTY'S LAST NAME"),
        ("o'clock", "O'CLOCK"),
        ("Call-Forward on No Answer.", "CALL FORWARD ON NO ANSWER"),
        ("at [@]", "AT"),
        ("space [ ]", "SPACE"),
        ("exclaimation-point [!]", "EXCLAMATION POINT"),
        ('IAX (note: does not say "2")', "IAX"),
        ("A.M.", "A M"),
        ("M I S D N", "M I S D N"),
        ('to a polite "don\'t call" menu;  now:', "TO A POLITE DON'T CALL MENU NOW"),
        ("number followed by the pound key.", "NUMBER FOLLOWED BY THE POUND KEY"),
        ("fourtieth", "FORTIETH"),
    ],
)
def test_normalise(raw, words):
    assert text.normalise(raw) == words


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("[ascending tones]", "not speech"),
        ("(10 seconds of silence)", "not speech"),
        ("<beep decending>", "not speech"),
        ("press the pound key. (simple tone sound plays)", "beside another sound"),
        ("press * to toggle pause", "several names"),
        ("dial 500 now", "several readings"),
        ("a 28.8 kilobit modem", "several readings"),
        ("3D audio enabled", "several readings"),
        ("visit www.asterisk.org.", "several readings"),
        ("50% off", "several readings"),
        ("naïve", "without a rule"),
        ("...", "no words"),
    ],
)
def test_uncertain_readings_get_no_transcript(raw, reason):
    with pytest.raises(text.NoTranscriptError, match=reason):
        text.normalise(raw)


def test_duration_disproves_a_transcript():
    assert not text.too_fast_or_slow("PLEASE TRY AGAIN", 1.2)
    assert not text.too_fast_or_slow("W", 0.8)  # "double u"
    assert text.too_fast_or_slow("PLEASE TRY AGAIN", 0.4)
    assert text.too_fast_or_slow("PLEASE TRY AGAIN", 6.0)


def test_speech_sec_leaves_out_the_silent_ends():
    tone_N = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    samples_N = np.concatenate([np.zeros(16000, np.float32), tone_N, np.zeros(4000, np.float32)])
    assert text.speech_sec(samples_N, 16000) == pytest.approx(0.5, abs=0.02)
    assert text.speech_sec(np.zeros(16000, np.float32), 16000) == 0.0


def committed() -> dict[str, list[str]]:
    return {n: (RECIPE / "local/splits" / n).read_text().split() for n in splits.SETS}


def test_committed_splits_are_what_the_rule_makes():
    assert committed() == splits.make_splits(TEXTS)
    backwards = dict(reversed(TEXTS.items()))
    assert committed() == splits.make_splits(backwards)


def test_committed_splits_keep_their_promises():
    sets = committed()
    utts = [utt for name in sets for utt in sets[name]]
    assert sorted(utts) == sorted(TEXTS)  # disjoint, and nothing is lost
    train_texts = {TEXTS[utt] for utt in sets["train"]}
    train_words = {word for text in train_texts for word in text.split()}
    held_out = [TEXTS[utt] for name in ("dev", "test", "test_open") for utt in sets[name]]
    assert len(set(held_out)) == len(held_out) and not train_texts & set(held_out)
    assert all(len(text.split()) >= 3 for text in held_out)
    for name in ("dev", "test"):
        assert len(sets[name]) >= 40
        assert not {word for utt in sets[name] for word in TEXTS[utt].split()} - train_words
    assert all(set(TEXTS[utt].split()) - train_words for utt in sets["test_open"])


def test_the_real_script_gives_these_transcripts():
    script = RECIPE / "downloads/asterisk" / asterisk.TEXT
    if not script.exists():
        pytest.skip("the packages are not here; local/data.sh fetches them")
    texts = {}
    for path, raw in asterisk.read_script(script).items():
        try:
            texts[asterisk.utt_id("en-allison", path)] = text.normalise(raw)
        except text.NoTranscriptError:
            continue
    del texts["en-allison-pls-try-call-later"]  # has no recording
    assert texts == TEXTS


@pytest.fixture
def corpus(tmp_path):
    """A corpus of five voices in the packages' layout, some 1 s long, and its split lists."""
    src = look_alike.lay_out(tmp_path / "src")
    parser = argparse.ArgumentParser()
    asterisk.add_arguments(parser)
    parser.add_argument("--nj", type=int, default=1)
    options = parser.parse_args(look_alike.arguments(src, tmp_path))
    return src, tmp_path / "data", options


def test_prepare(corpus, capsys):
    src, data, options = corpus
    asterisk.prepare(src, data, options)
    assert read_dict(data / "train/text") == {"en-allison-hello": "HELLO THERE WORLD"}
    assert read_dict(data / "test_open/text") == {"en-allison-weasels": "WEASELS THERE WORLD"}
    unlabelled = read_dict(data / "unlabelled/wav.scp")
    voices_hello = [f"{speaker}-hello" for speaker in asterisk.VOICES]
    assert sorted(unlabelled) == sorted([*voices_hello, "en-allison-digits_500"])
    assert not (data / "unlabelled/text").exists()
    flac = Path(unlabelled["it-carlo-hello"])
    assert soundfile.info(flac).frames == 16000
    out = capsys.readouterr().out
    assert "kept, with a transcript                                                  4" in out
    assert "number or name with several readings                           1" in out

    made = flac.stat().st_mtime_ns
    asterisk.prepare(src, data, options)
    assert flac.stat().st_mtime_ns == made  # nothing is decoded twice
    flac.write_bytes(flac.read_bytes()[:100])
    asterisk.prepare(src, data, options)
    assert soundfile.info(flac).frames == 16000


def test_prepare_names_the_damaged_recording(corpus):
    src, data, options = corpus
    (src / "usr/share/asterisk/sounds/fr_CA_f_June/hello.g722").write_bytes(b"")
    with pytest.raises(UserError, match=r"fr_CA_f_June/hello\.g722: an empty file"):
        asterisk.prepare(src, data, options)
    assert not (data / "train/wav.scp").exists()


def test_prepare_refuses_lists_that_do_not_fit(corpus):
    src, data, options = corpus
    dev = options.splits / "dev"
    dev.write_text("en-allison-nobody\n")
    with pytest.raises(UserError, match="splits/dev: en-allison-nobody is not in SRC"):
        asterisk.prepare(src, data, options)
    dev.write_text("en-allison-hello\n")
    with pytest.raises(UserError, match="splits/dev: en-allison-hello is in train already"):
        asterisk.prepare(src, data, options)
    dev.write_text("en-allison-digits_500\n")
    with pytest.raises(UserError, match=r"splits/dev: 1 .*several readings"):
        asterisk.prepare(src, data, options)


def test_data_sh_explains_itself():
    script = RECIPE / "local/data.sh"
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.count("local/data.sh ") >= 3
    wrong = subprocess.run([script, "--sizes", "full"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "unknown option --sizes" in wrong.stderr
