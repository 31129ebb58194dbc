"""Switchboard and eval2000: what becomes of their layout, and what is said when it is not whole."""

import shutil

import numpy as np
import pytest
from corpora import clip, clips
from corpora import swbd as look_alike
from corpora.preparing import assert_same_tables, assert_valid, runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import swbd
from espnet_ext.data.corpora.swbd.text import normalise, spelt_words
from espnet_ext.data.kaldi_dir import Utterance, read_dict

prepare, faults = runner(swbd)


# --- text ---


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[silence]", ""),
        ("[noise] [vocalized-noise] [laughter]", ""),
        ("[laughter-story] [laughter-y[ou]-]", "STORY Y-"),
        ("[it'n/isn't] [lem[guini]-/linguini]", "IT'N LEM-"),
        ("ab[solute]- -[an]y [an]y", "AB- -Y -Y"),
        ("{yuppiedom} them_1 them_1's", "YUPPIEDOM THEM THEM'S"),
        ("ex[specially]-/especially] ammu[n]it-", "EX AMMU-IT-"),
        ("<b_aside> come here <e_aside>", "COME HERE"),
        ("IBM's on a TV i think", "I B M'S ON A TV I THINK"),
    ],
)
def test_transcripts(said, words):
    spelt = spelt_words("IBM ay b iy eh m\nIBM's  ay b iy eh m z\nTV t eh l ax v ih zh en\n")
    assert normalise(said, spelt) == words


def test_noises_can_be_kept():
    assert normalise("[laughter] um [silence] [noise]", {}, keep_noises=True) == (
        "[LAUGHTER] UM [NOISE]"
    )


# --- sets ---


def test_training_sets(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path, "--sets", "train_dev train_nodev train_nodup", "--noises", "drop")
    dev, rest = (read_dict(tmp_path / name / "text") for name in ("train_dev", "train_nodev"))
    assert len(dev) == 3 and len(rest) == 29 and max(dev) < min(rest)
    assert min(dev) == "sw02001-A_000040-000140"
    entry = read_dict(tmp_path / "train_dev/wav.scp")["sw02001-A"]
    assert entry.endswith("/swb1_d1/data/sw02001.sph#channel=1#rate=16000")
    sides = read_dict(tmp_path / "train_nodev/reco2file_and_channel")
    assert sides["sw02008-B"] == "sw02008 B"
    for name in ("train_dev", "train_nodev", "train_nodup"):
        assert_valid(tmp_path / name)
    words = " ".join([*dev.values(), *rest.values()])
    assert "[" not in words and "I B M" in words and "AB-" in words
    assert words == words.upper()
    assert "train_nodev" in capsys.readouterr().out


def test_what_is_heard_is_what_was_said(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "eval2000_callhm")
    speech = SpeechDir(tmp_path / "eval2000_callhm/wav.scp")
    texts = read_dict(tmp_path / "eval2000_callhm/text")
    said = dict(clips())
    for utt, text in texts.items():
        heard_N, said_N = speech[utt] * 32768, said[text.removeprefix("(%HESITATION) ")]
        count = min(len(heard_N), len(said_N))
        assert abs(len(heard_N) - len(said_N)) <= 160
        # 4 kHz and mu-law are left of it; times are rounded to 10 ms
        matches = np.correlate(heard_N[200:count], said_N[200:count].astype(np.float32), "full")
        scale = np.linalg.norm(heard_N[200:count]) * np.linalg.norm(said_N[200:count])
        assert matches.max() / scale > 0.9


def test_evaluation_sets(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "eval2000 eval2000_swbd eval2000_callhm")
    whole, *halves = (
        read_dict(tmp_path / name / "text")
        for name in ("eval2000", "eval2000_swbd", "eval2000_callhm")
    )
    assert len(whole) == 16 and halves[0] | halves[1] == whole
    assert min(whole) == "en_4156-A_000040-000110" and "ASIDE" not in " ".join(whole.values())
    assert whole[min(whole)] == f"(%HESITATION) {clip(30)[0]}"
    stm = (tmp_path / "eval2000_swbd/stm").read_text().splitlines()
    assert stm[0].startswith(";; CATEGORY") and {line[:3] for line in stm[1:]} == {"sw_"}
    assert "((" not in " ".join(stm) and "ASIDE" not in " ".join(stm)
    assert (tmp_path / "eval2000/glm").read_text() == look_alike.GLM_TEXT
    assert_valid(tmp_path / "eval2000")


def test_annotation_alone_gives_the_same_tables(laid_out, tmp_path):
    names = ("train_nodup", "eval2000")
    bare = tmp_path / "bare"
    for part in ("swb_ms98_transcriptions", "LDC2002T43"):
        shutil.copytree(laid_out / part, bare / part)
    prepare(laid_out, tmp_path / "whole", "--sets", " ".join(names))
    prepare(bare, tmp_path / "counts", "--sets", " ".join(names), "--annotation_only", "true")
    for name in names:
        assert not (tmp_path / "counts" / name / "wav.scp").exists()
        folders = (tmp_path / kind / name for kind in ("counts", "whole"))
        assert_same_tables(*folders, "reco2file_and_channel")


def test_the_cuts():
    def said(n: int, text: str) -> Utterance:
        return Utterance(f"u{n:05d}", "s", "w", 36.0, text)

    utts = [said(n, "UH-HUH" if n % 2 else str(n)) for n in range(42000)]
    cut = swbd.cut_sets(utts, hours=30)
    assert cut["train_dev"] == utts[:4000] and cut["train_nodev"] == utts[4000:]
    assert sum(utt.text == "UH-HUH" for utt in cut["train_nodup"]) == 300
    assert len(cut["train_nodup"]) == 19000 + 300
    assert cut["train_30h"] == cut["train_nodup"][:3000]


def test_smoke_hears_every_side(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--size", "smoke", "--sets", "train_nodup eval2000")
    assert len(read_dict(tmp_path / "train_nodup/text")) == 12
    assert len(read_dict(tmp_path / "train_nodup/wav.scp")) == 8


# --- faults ---


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    data = corpus / "swb1_d1/data"
    (data / "sw02001.sph").write_bytes((data / "sw02001.sph").read_bytes()[:-1000])
    (data / "sw02005.sph").write_bytes(b"")
    packed = (
        (data / "sw02006.sph")
        .read_bytes()
        .replace(b"sample_coding -s4 ulaw", b"sample_coding -s27 ulaw,embedded-shorten-v2.00")
    )
    (data / "sw02006.sph").write_bytes(packed)
    side = next(corpus.rglob("sw2008A-ms98-a-trans.text"))
    side.write_text(side.read_text().replace("0.000000", "soon", 1))
    next(corpus.rglob("sw2008B-ms98-a-trans.text")).write_text("")
    stm = next(corpus.rglob(look_alike.STM))
    stm.write_text(
        stm.read_text() + "en_4999 A en_4999_A 1.00 2.00 <O> HI\nen_4156 C x 1 2 <O> HI\n"
    )
    said = faults(corpus, tmp_path / "data", "--sets", "train_nodup eval2000")
    assert "calls that are cut off (1)" in said and "empty calls (1)" in said
    assert "calls packed in a way that nothing here unpacks (1)" in said and "sph2pipe" in said
    assert f"lines of transcripts that are not `id start end words` (1); first: {side}:1:" in said
    assert "empty transcripts (1)" in said
    assert "lines of the stm that cannot be read (1)" in said
    assert not (tmp_path / "data").exists()


def test_a_converted_copy_is_taken_in_place_of_the_packed_call(corpus, tmp_path):
    import soundfile

    call = corpus / "swb1_d1/data/sw02001.sph"
    samples_NC, rate = soundfile.read(call)
    soundfile.write(call.with_suffix(".wav"), samples_NC, rate, subtype="PCM_16")
    call.write_bytes(b"")
    prepare(corpus, tmp_path, "--sets", "train_dev")
    assert "sw02001.wav#channel" in (tmp_path / "train_dev/wav.scp").read_text()


def test_a_part_is_told_from_the_whole(corpus, tmp_path):
    said = faults(corpus, tmp_path, "--complete", "true")
    assert "first: 8, the archive has 4876" in said and "first: 4 of 2438" in said
    assert "another number of calls in eval2000 (1)" in said and "has 2, published are 40" in said
    next(corpus.rglob("en_4156.sph")).unlink()
    lacking = "calls of the stm that are not there (8); first: en_4156.sph; LDC2002S09 has them"
    assert lacking in faults(corpus, tmp_path, "--complete", "true", "--sets", "eval2000")
    next(corpus.rglob(look_alike.GLM)).unlink()
    assert "parts of eval2000 that are not there (1)" in faults(corpus, tmp_path)


def test_wrong_places(laid_out, tmp_path):
    said = faults(tmp_path, tmp_path)
    assert "no transcripts such as sw2001A-ms98-a-trans.text" in said and "LDC97S62" in said
    assert "expected some of train_dev" in faults(laid_out, tmp_path, "--sets", "train")
