"""AMI: how turns are cut and normalised, what becomes of its layout, and what is said of faults."""

import os
import re
import subprocess
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpora import ami as look_alike
from corpora import clips
from corpora.preparing import assert_same_tables, assert_valid, options_of, runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import ami
from espnet_ext.data.corpora.ami.nxt import Token, Turn, make_turn, read_xml
from espnet_ext.data.corpora.ami.splits import KALDI_UTTERANCES, KALDI_WORDS, SETS
from espnet_ext.data.corpora.ami.text import normalise, utterances
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import Utterance, read_dict
from espnet_ext.data.meetings import Notes

SCTK = Path("/usr/lib/sctk/bin")

prepare, faults = runner(ami)
options = partial(options_of, ami)


def annotation(src: Path, kind: str, name: str) -> Path:
    return src / look_alike.ANNOTATION / kind / f"{name}.{kind}.xml"


def turn(text: str, *times: float) -> Turn:
    """A turn of these words and marks; `times` are those of the marks, then the turn's end."""
    marks = iter(times)
    tokens = [Token(t, str(next(marks)) if t in ".,?!:" else "0.0") for t in text.split()]
    return Turn(tokens, 34.27, next(marks))


# --- cutting and normalising ---


def test_a_turn_is_cut_at_full_stops_as_in_kaldi():
    """Turn 4 of ES2011a (AMI, CC BY 4.0); the ids are those of Kaldi's data directory."""
    found = utterances(turn("Here we go . Welcome everybody . Um , I'm", 37.14, 39.15, 41.42, 43.3))
    assert [(f"{u.start_cs:07d}_{u.end_cs:07d}", u.text) for u in found] == [
        ("0003427_0003714", "HERE WE GO"),
        ("0003714_0003915", "WELCOME EVERYBODY"),
        ("0003915_0004330", "UM I'M"),
    ]


def test_times_are_cut_down_and_empty_pieces_left_out():
    cut = [Token("yes", "8.04"), Token(".", "8.052"), Token("no", "8.052"), Token("?", "8.057")]
    found = list(utterances(Turn(cut, 8.04, 8.057)))
    assert 8.04 * 100 < 804
    assert [(u.start_cs, u.end_cs, u.text) for u in found] == [(803, 805, "YES")]
    assert not list(utterances(turn(". , - ?", 40.0, 41.0, 42.0, 43.0)))


def test_more_than_thirty_tokens_are_cut_at_the_comma_nearest_the_middle():
    words = " ".join(["a"] * 14)
    sentence = f"{words} , {words} , {words} ."
    cut = [
        (u.start_cs, u.end_cs, len(u.text.split()))
        for u in utterances(turn(sentence, 40, 58, 70, 70))
    ]
    # the middle of 34.27-70 is 52.1: cut at 58; the left part still has 29 tokens: whole
    assert cut == [(3427, 5800, 28), (5800, 7000, 14)]
    thirty = f"{' '.join(['a'] * 15)} , {' '.join(['a'] * 14)} ."
    assert len(list(utterances(turn(thirty, 50, 70, 70)))) == 1
    assert len(list(utterances(turn(f"a {thirty}", 50, 70, 70)))) == 2


def test_another_mark_nearer_to_the_middle_keeps_the_piece_whole():
    words = " ".join(["a"] * 20)
    assert len(list(utterances(turn(f"{words} , {words} ! {words} .", 40, 52, 70, 70)))) == 1


def test_marks_are_looked_at_in_the_order_of_their_times_as_text():
    """Kaldi's oddity: after the mark that ends the piece, in text order, nothing is looked at."""
    words = " ".join(["a"] * 16)
    sentence = f"{words} , {words} , {words} ."
    cut = utterances(Turn(turn(sentence, 99.0, 101.0, 103.0, 0).tokens, 96.0, 103.0))
    # 101 is nearer to 99.5 than 99 is not: cut at 99 first; the right part 99-103 is cut at 101
    assert [(u.start_cs, u.end_cs) for u in cut] == [(9600, 9900), (9900, 10100), (10100, 10300)]
    cut = utterances(Turn(turn(sentence, 99.0, 100.5, 103.0, 0).tokens, 97.0, 103.0))
    # the middle is 100: cut at 100.5; in 97-100.5, 99 comes after 100.5 as text and is not seen
    assert [(u.start_cs, u.end_cs) for u in cut] == [(9700, 10050), (10050, 10300)]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("Mm - hmm", "MM-HMM"),
        ("uh huh uh-huh", "UH-HUH UH-HUH"),
        ("anti-trust", "ANTI TRUST"),
        ("L_C_D_ T_V_s", "L. C. D. T. V. S"),
        ("know. I'd", "KNOW I'D"),
        ("um,I café", "UM I CAFÉ"),
        ("-", ""),
    ],
)
def test_normalise(raw, words):
    assert normalise([Token(text, "") for text in raw.split()]) == words


def test_a_mark_without_a_time_takes_the_end_of_the_word_before(tmp_path):
    path = tmp_path / "words.xml"
    path.write_text(
        '<r><w starttime="1" endtime="1.5">One</w><w punc="true">.</w>'
        '<w starttime="2" endtime="3">two</w><gap starttime="3" endtime="3.5"/></r>'
    )
    made = make_turn(read_xml(path).children, "here", Findings("here"), Notes())
    found = [(u.start_cs, u.end_cs, u.text) for u in utterances(made)]
    assert found == [(100, 150, "ONE"), (150, 350, "TWO")]


def test_the_partition():
    assert [len(SETS[name]) for name in SETS] == [137, 18, 16]
    assert len({meeting for meetings in SETS.values() for meeting in meetings}) == 171


# --- preparing ---


def test_headsets(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path)
    texts = read_dict(tmp_path / "dev_ihm/text")
    utt = "AMI_ES2011a_H00_FEE041_0000050_0000330"
    assert min(texts) == utt and len(texts) == 24
    assert read_dict(tmp_path / "dev_ihm/utt2spk")[utt] == "AMI_ES2011a_H00_FEE041"
    recordings = read_dict(tmp_path / "dev_ihm/reco2file_and_channel")
    assert recordings["AMI_ES2011a_H00"] == "ES2011a.Headset-0 A"
    for name in ("train", "dev", "eval"):
        assert_valid(tmp_path / f"{name}_ihm")
    # the words are of the sound that is heard
    clip_N = dict(clips())[texts[utt]]
    heard_N = SpeechDir(tmp_path / "dev_ihm/wav.scp")[utt] * 32768
    assert len(heard_N) == 2.8 * 16000 and abs(heard_N - clip_N[: len(heard_N)]).max() < 1
    shown = capsys.readouterr().out
    assert "meetings of dev that are not there, or not whole: 17; first: ES2011b" in shown
    assert "vocalsound: laughs, coughs and the like, no part of the text: 36" in shown


def test_distant_microphones_share_the_annotation(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "dev eval")
    prepare(laid_out, tmp_path, "--sets", "dev eval", "--mic", "sdm")
    headset, distant = (read_dict(tmp_path / f"dev_{mic}/text") for mic in ("ihm", "sdm"))
    assert {re.sub("_H0._", "_SDM_", utt): text for utt, text in headset.items()} == distant
    assert list(read_dict(tmp_path / "dev_sdm/wav.scp")) == ["AMI_ES2011a_SDM"]
    assert not (tmp_path / "train_sdm").exists()


def test_annotation_alone_gives_the_same_tables(laid_out, tmp_path):
    for mic in ("ihm", "sdm", "mdm"):
        folder = tmp_path / mic
        alone = ("--annotation_only", "true")
        prepare(laid_out / look_alike.ANNOTATION, folder, "--mic", mic, *alone)
        assert not list(folder.rglob("wav.scp"))
    prepare(laid_out, tmp_path / "whole")
    folders = (tmp_path / kind / "eval_ihm" for kind in ("ihm", "whole"))
    assert_same_tables(*folders, "reco2file_and_channel")
    stm = (tmp_path / "whole/eval_ihm/stm").read_text().splitlines()
    assert stm == sorted(stm, key=lambda row: (row.split()[0], float(row.split()[3])))


def test_mdm_lists_channels_and_takes_enhanced_audio(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--mic", "mdm", "--sets", "dev")
    listed = read_dict(tmp_path / "dev_mdm/channels.scp")["AMI_ES2011a_MDM"].split()
    assert len(listed) == 8 and listed[7].endswith("ES2011a.Array1-08.wav")
    assert not (tmp_path / "dev_mdm/wav.scp").exists()
    (tmp_path / "beamformed/ES2011a").mkdir(parents=True)
    enhanced = tmp_path / "beamformed/ES2011a/ES2011a_MDM8.wav"
    os.link(listed[0], enhanced)
    more = ("--mic", "mdm", "--sets", "dev", "--enhanced", str(tmp_path / "beamformed"))
    prepare(laid_out, tmp_path, *more)
    assert read_dict(tmp_path / "dev_mdm/wav.scp") == {"AMI_ES2011a_MDM": str(enhanced)}
    assert_valid(tmp_path / "dev_mdm")


def test_meetings_whose_array_was_lost_are_only_heard_by_headsets(tmp_path):
    for mic, count in (("mdm", 135), ("sdm", 135), ("ihm", 137)):
        wanted = options("--mic", mic, "--complete", "true")
        sets = ami.choose_meetings(tmp_path, {}, None, wanted, notes := Notes())
        assert len(sets["train"]) == count and len(SETS["train"]) == 137
    assert not notes.kinds


def test_a_headset_of_two_channels(corpus, tmp_path, capsys):
    headset = corpus / "amicorpus/ES2011a/audio/ES2011a.Headset-0.wav"
    samples_N, rate = soundfile.read(headset, dtype="int16")
    headset.unlink()
    soundfile.write(headset, np.stack([samples_N, samples_N // 2], axis=1), rate)
    prepare(corpus, tmp_path, "--sets", "dev")
    assert "several channels, of which the first is read: 1" in capsys.readouterr().out
    assert_valid(tmp_path / "dev_ihm")
    utt = min(read_dict(tmp_path / "dev_ihm/text"))
    assert np.abs(SpeechDir(tmp_path / "dev_ihm/wav.scp")[utt]).max() > 0
    sides = read_dict(tmp_path / "dev_ihm/reco2file_and_channel")
    assert sides["AMI_ES2011a_H00"] == "ES2011a.Headset-0 A"


def test_smoke_takes_a_few_of_one_meeting(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--size", "smoke")
    assert len(read_dict(tmp_path / "dev_ihm/text")) == 12
    assert len(read_dict(tmp_path / "dev_ihm/wav.scp")) == 4  # still every speaker


def test_what_the_mirror_has():
    found = ami.archives(Path("/corpora"), options())
    assert len(found) == 1 + 168 * 4 + 3 * 5
    assert found[1].target == Path("/corpora/amicorpus/EN2001a/audio/EN2001a.Headset-0.wav")
    assert found[1].url.endswith("AMICorpusMirror/amicorpus/EN2001a/audio/EN2001a.Headset-0.wav")
    assert len(ami.archives(Path("/corpora"), options("--annotation_only", "true"))) == 1
    assert len(ami.archives(Path("/corpora"), options("--mic", "mdm"))) == 1 + (171 - 2) * 8
    assert len(ami.archives(Path("/corpora"), options("--mic", "sdm"))) == 1 + 171 - 2


# --- faults ---


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    words = annotation(corpus, "words", "ES2011a.A")
    words.write_text(words.read_text()[:500])
    for agent in "CD":
        path = annotation(corpus, "segments", f"ES2011a.{agent}")
        path.write_text(re.sub(r"id\(ES2011a\.[CD]\.words0\)", "id(nothing)", path.read_text()))
    path = annotation(corpus, "words", "IS1009a.B")
    path.write_text(path.read_text().replace('starttime="', 'starttime="soon', 1))
    path = annotation(corpus, "words", "IS1009a.D")
    path.write_text(re.sub(r'endtime="[\d.]+"', 'endtime="inf"', path.read_text(), count=1))
    path = annotation(corpus, "segments", "IS1009a.A")
    path.write_text(re.sub("<nite:child.*/>", "", path.read_text(), count=1))
    headset = corpus / "amicorpus/IS1009a/audio/IS1009a.Headset-2.wav"
    sound = headset.read_bytes()
    headset.unlink()
    headset.write_bytes(sound[:-1000])
    said = faults(corpus, tmp_path / "data", "--sets", "dev eval")
    assert "4 kinds of fault" in said
    assert re.search(
        r"annotation files: not whole or no XML \(.*\) \(1\); first: .*ES2011a\.A", said
    )
    assert "segments that point at no words (3); first: " in said
    assert "times that are no numbers (2)" in said
    assert "recordings that are cut off (1)" in said and "IS1009a.Headset-2.wav" in said
    assert not (tmp_path / "data").exists()


def test_an_unknown_entity_is_refused(corpus, tmp_path):
    words = annotation(corpus, "words", "ES2011a.A")
    words.write_text(words.read_text().replace("</w>", "&bomb;</w>", 1))
    assert "no XML (undefined entity" in faults(corpus, tmp_path, "--sets", "dev")


def test_turns_that_begin_before_0_or_end_before_they_begin(corpus, tmp_path, capsys):
    prepare(corpus, tmp_path / "whole", "--sets", "dev")
    words = annotation(corpus, "words", "ES2011a.A")
    times, text = r'starttime="[\d.]+" endtime="[\d.]+"', words.read_text()
    words.write_text(re.sub(times, 'starttime="9" endtime="5"', text))
    prepare(corpus, tmp_path / "cut", "--sets", "dev")
    whole, left = (read_dict(tmp_path / name / "dev_ihm/text") for name in ("whole", "cut"))
    assert left == {utt: said for utt, said in whole.items() if "_H00_" not in utt}
    assert "left out: turns without a length, or that end before they begin: 3" in (
        capsys.readouterr().out
    )
    words.write_text(re.sub(times, 'starttime="-9" endtime="5"', text))
    said = faults(corpus, tmp_path / "no", "--sets", "dev")
    assert "turns that begin before 0 (3); first: " in said


def test_turns_without_times_or_words_are_said(corpus, tmp_path, capsys):
    words = annotation(corpus, "words", "ES2011a.A")
    words.write_text(re.sub(r'(starttime|endtime)="[\d.]+"', "", words.read_text()))
    words = annotation(corpus, "words", "ES2011a.B")
    words.write_text(re.sub(r">[\w']+</w>", ">-</w>", words.read_text()))
    prepare(corpus, tmp_path, "--sets", "dev", "--annotation_only", "true")
    assert len(read_dict(tmp_path / "dev_ihm/text")) == 12
    shown = capsys.readouterr().out
    assert "left out: turns in which nothing has a time: 3; first: " in shown
    assert (
        "left out: turns without a word, or of under 10 ms: 3; first: AMI_ES2011a_H01 at " in shown
    )


def test_people_of_training_in_another_set_are_said(corpus, tmp_path, capsys):
    meetings = corpus / look_alike.ANNOTATION / "corpusResources/meetings.xml"
    meetings.write_text(meetings.read_text().replace("FEE041", "MEE006"))
    prepare(corpus, tmp_path, "--sets", "train dev")
    assert "people who speak in train and in dev: 1; first: MEE006" in capsys.readouterr().out


def test_a_document_type_is_refused(corpus, tmp_path):
    words = annotation(corpus, "words", "ES2011a.A")
    bomb = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    words.write_text(words.read_text().replace("<nite:root", f"{bomb}<nite:root", 1))
    assert "declares a document type" in faults(corpus, tmp_path, "--sets", "dev")


def test_unknown_elements_and_missing_times_are_counted(corpus, tmp_path, capsys):
    prepare(corpus, tmp_path / "whole", "--sets", "dev")
    words = annotation(corpus, "words", "ES2011a.A")
    text = words.read_text().replace("<vocalsound", "<hologram", 1)
    words.write_text(re.sub(r'(words1") starttime="[\d.]+" endtime="[\d.]+"', r"\1", text))
    words.with_name("ES2011a.E.words.xml").write_text("<r/>")  # as in five meetings of the release
    prepare(corpus, tmp_path, "--sets", "dev")
    shown = capsys.readouterr().out
    assert "left out: words files of nobody in meetings.xml: 1; first: " in shown
    assert "unknown element <hologram>, no part of the text: 1; first: " in shown
    assert "words without a time, which stay in their turn: 1; first: " in shown
    whole = read_dict(tmp_path / "whole/dev_ihm/text")
    assert read_dict(tmp_path / "dev_ihm/text") == whole and len(whole) == 24


def test_utterances_are_cut_at_the_end_of_their_recording(corpus, tmp_path, capsys):
    prepare(corpus, tmp_path / "whole", "--sets", "dev")
    whole = read_dict(tmp_path / "whole/dev_ihm/segments")
    ends = sorted(float(row.split()[2]) for utt, row in whole.items() if "_H03_" in utt)
    headset = corpus / "amicorpus/ES2011a/audio/ES2011a.Headset-3.wav"
    samples_N, rate = soundfile.read(headset, dtype="int16")
    headset.unlink()
    soundfile.write(headset, samples_N[: round((ends[-2] - 0.5) * rate)], rate)
    prepare(corpus, tmp_path / "cut", "--sets", "dev")
    shown = capsys.readouterr().out
    assert "utterances cut off by the end of their recording: 1; first: " in shown
    assert "left out: utterances after the end of their recording: 1; first: " in shown
    assert_valid(tmp_path / "cut/dev_ihm")


def test_end_overlaps():
    def said(start_sec, end_sec, who="A"):
        utt = f"{who}_{start_sec * 100:07.0f}_{end_sec * 100:07.0f}"
        return Utterance(utt, who, "w", end_sec - start_sec, "YES", "r", start_sec, end_sec)

    notes = Notes()
    kept = ami.end_overlaps([said(1, 3), said(2, 4), said(2.5, 3.5), said(0.5, 9, "B")], notes)
    assert [(u.utt, u.start_sec, u.dur_sec) for u in kept] == [
        ("A_0000100_0000300", 1, 2),
        ("A_0000200_0000400", 3, 1),
        ("B_0000050_0000900", 0.5, 8.5),
    ]
    assert [count for count, _ in notes.kinds.values()] == [1, 1]


def test_a_set_of_another_size_than_kaldis_is_a_fault():
    def said(count, words):
        utt = Utterance("u", "s", "w", 1.0, "YES", "r", 0.0, 1.0)
        long = replace(utt, text="YES " * (words - count + 1))
        return [long, *[utt] * (count - 1)]

    kaldi, words = KALDI_UTTERANCES["dev"], KALDI_WORDS["dev"]
    for share, of_words, wrong in ((1, 1, 0), (0.995, 1.005, 0), (0.98, 1, 1), (0.98, 1.02, 2)):
        utts = said(round(kaldi * share), round(words * of_words))
        ami.check_counts({"dev": utts}, {"dev": SETS["dev"]}, findings := Findings("src"))
        assert [count for count, *_ in findings.kinds.values()] == [wrong] * (wrong > 0)
    ami.check_counts({"dev": utts}, {"dev": SETS["dev"][1:]}, findings := Findings("src"))
    assert not findings  # not the whole set: nothing to compare


def test_a_whole_set_is_counted_as_it_is_prepared(laid_out, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(SETS, "dev", ["ES2011a"])
    whole = ("--complete", "true", "--annotation_only", "true", "--sets", "dev")
    said = faults(laid_out, tmp_path, *whole)
    assert "sets of another size than Kaldi's (2); first: dev, 24 utterances, Kaldi 13098" in said
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(KALDI_UTTERANCES, "dev", 24)
    monkeypatch.setitem(KALDI_WORDS, "dev", 82)
    assert "first: dev, 81 words, Kaldi 82" in faults(laid_out, tmp_path, *whole)
    monkeypatch.setitem(KALDI_WORDS, "dev", 81)
    prepare(laid_out, tmp_path, *whole)
    assert "(+0 utterances, +0 words to Kaldi's of release 1.6.1)" in capsys.readouterr().out


def test_wrong_places_and_absent_meetings(corpus, tmp_path):
    assert "no ami_public_manual_1.6.2/corpusResources" in faults(tmp_path, tmp_path)
    assert "expected some of train dev eval" in faults(corpus, tmp_path, "--sets", "test")
    missing = faults(corpus, tmp_path, "--complete", "true", "--sets", "dev")
    assert "meetings that meetings.xml does not have (17); first: ES2011b" in missing
    (corpus / "amicorpus/ES2011a/audio/ES2011a.Headset-1.wav").unlink()
    assert "no whole meeting of dev" in faults(corpus, tmp_path, "--sets", "dev")
    (corpus / "amicorpus").rename(corpus / "audio")
    assert "expected amicorpus/ES2011a/audio/" in faults(corpus, tmp_path)


@pytest.mark.skipif(not SCTK.is_dir(), reason="NIST's programs are not installed (package sctk)")
def test_nists_programs_score_overlapping_speech_by_stm_and_glm(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--mic", "sdm", "--sets", "eval")
    folder = tmp_path / "eval_sdm"
    rows = [line.split() for line in (folder / "stm").read_text().splitlines()]
    ctm = []  # all that was said, at its time, and a hesitation after each utterance
    for file, channel, _, start, end, *words in rows:
        step_sec = (float(end) - float(start)) / (len(words) + 1)
        for i, word in enumerate([*words, "UM"]):
            ctm.append((float(start) + i * step_sec, f"{file} {channel}", 0.9 * step_sec, word))
    heard = "".join(f"{where} {at:.3f} {dur:.3f} {word}\n" for at, where, dur, word in sorted(ctm))
    (folder / "ctm").write_text(heard)
    script = """set -e
    for kind in stm ctm; do csrfilt.sh -i $kind -dh glm <$kind >$kind.filt; done
    asclite -r stm.filt stm -h ctm.filt ctm -overlap-limit 4 -o sum stdout"""
    path = f"{SCTK}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(float(a[4]) > float(b[3]) for a, b in pairwise(rows))  # overlaps
    assert re.search(r"Sum/Avg\s+\|\s+24\s+72 \|\s+100.0\s+0.0\s+0.0\s+0.0\s+0.0", run.stdout)
