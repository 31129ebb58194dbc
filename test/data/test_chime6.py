"""CHiME-6: what becomes of times and words, of its layout, and what is said of faults."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from corpora import chime6 as look_alike
from corpora import clip
from corpora.preparing import assert_same_tables, assert_valid, runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import chime6
from espnet_ext.data.corpora.chime6.reader import Set
from espnet_ext.data.corpora.chime6.sessions import SETS, UTTERANCES, WORDS
from espnet_ext.data.corpora.chime6.text import normalise
from espnet_ext.data.corpora.chime6.transcripts import hundredths
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.score.scoring import score_files

prepare, faults = runner(chime6)


def entries(src: Path, name: str, session: str) -> tuple[Path, list[dict]]:
    path = src / f"CHiME6/transcriptions/{name}/{session}.json"
    return path, json.loads(path.read_text())


# --- times and words ---


@pytest.mark.parametrize(
    ("time", "device", "expected"),
    [
        ("0:00:40.60", "original", 4060),
        ("1:10:05.55", "U01", 420555),
        ("0:01:0.3800000", "original", 6038),  # as some sessions write it
        ("40.600", "original", 4060),  # the forced alignment
        ("8901.649", "original", 890164),
        ({"original": "0:00:57.5400000", "U01": "0:00:57.5353125"}, "U01", 5753),
        ({"original": "0:00:57.5400000", "U01": "0:00:57.5353125"}, "original", 5754),
    ],
)
def test_times(time, device, expected):
    assert hundredths(time, device) == expected


@pytest.mark.parametrize("time", ["", "1:40.6", "-1.5", "soon", None, {"original": "0:00:01.00"}])
def test_other_times_are_refused(time):
    with pytest.raises(ValueError):
        hundredths(time, "U01")


@pytest.mark.parametrize(
    ("raw", "kept", "scored"),
    [
        ('It\'s the "blue", I think!', "it's the blue i think", "it's the blue i think"),
        ("[laughs] Mhm. [noise]", "[laughs] mhm [noise]", "hmm"),
        ("[inaudible 0:12:22.50]", "[inaudible]", ""),
        ("[inaudible - 3:02] yes", "[inaudible] yes", "yes"),
        ("well - mm-hmm - - no -", "well mmhmm - no -", "well mmhmm - no -"),
        ("- so", "so", "so"),
        ("mmm, mm; hmm: mms", "mmm mm hmm mms", "hmm hmm hmm mms"),
        ("no[laughs] yes", "no[laughs] yes", "yes"),
    ],
)
def test_words_are_those_of_kaldis_recipe(raw, kept, scored):
    assert normalise(raw, events=True) == kept
    assert normalise(raw) == scored


# --- preparing ---


def first_of_dev() -> tuple[str, int]:
    """Times of the first utterance, as in ids, and the number of its clip."""
    number = len(look_alike.SESSIONS["S03"][1]) * look_alike.UTTERANCES
    return f"0000100-{100 + len(clip(number)[1]) // 160:07d}", number


def test_worn_microphones(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--channels", "1,2")
    texts = read_dict(tmp_path / "dev_worn/text")
    times, number = first_of_dev()
    utt = f"P05_S02_KITCHEN.L-{times}"
    words, clip_N = clip(number)
    assert texts[utt] == f"{words.lower()} hmm" == texts[utt.replace(".L-", ".R-")]
    assert (
        read_dict(tmp_path / "dev_worn/segments")[utt]
        == f"P05_S02.L 1.000 {int(times[8:]) / 100:.3f}"
    )
    speech = SpeechDir(tmp_path / "dev_worn/wav.scp")
    left_N, right_N = speech[utt] * 32768, speech[utt.replace(".L-", ".R-")] * 32768
    assert np.abs(left_N - clip_N[: len(left_N)]).max() < 1
    assert np.abs(right_N - left_N // 2).max() < 1
    for name in ("train", "dev", "eval"):
        assert_valid(tmp_path / f"{name}_worn")
    assert read_dict(tmp_path / "dev_worn/uem")["P05_S02.L"] == "1 75.00 12000.00"
    assert not (tmp_path / "train_worn/uem").exists()


def test_arrays(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--mic", "u02", "--channels", "1,3")
    assert set(read_dict(tmp_path / "train_u02/wav.scp")) == {"S03_U02.CH1", "S03_U02.CH3"}
    prepare(laid_out, tmp_path, "--mic", "ref", "--sets", "dev")
    refs = {utt.split("_")[2] for utt in read_dict(tmp_path / "dev_ref/text")}
    assert refs == {"U01", "U02"}
    assert_valid(tmp_path / "dev_ref")
    assert "without a reference array (20)" in faults(
        laid_out, tmp_path, "--mic", "ref", "--sets", "train"
    )


def test_enhanced_utterances_of_kaldi_and_of_the_package_gss(corpus, tmp_path):
    enhanced = corpus / "enhanced"
    for number, path in enumerate(sorted(enhanced.rglob("*.wav"))):
        who, start, end = path.stem.split("-")
        speaker, session = who.split("_")
        if number % 2:
            path.rename(path.with_name(f"{session}-{speaker}-{start[1:]}_{end[1:]}.wav"))
    more = ("--mic", "gss", "--enhanced", str(enhanced))
    prepare(corpus, tmp_path, *more)
    texts = read_dict(tmp_path / "dev_gss/text")
    assert len(texts) == 20 and min(texts) == f"P05_S02-{first_of_dev()[0]}"
    assert not (tmp_path / "dev_gss/segments").exists()
    assert_valid(tmp_path / "dev_gss")
    next(enhanced.glob("audio/dev/*.wav")).unlink()
    prepare(corpus, tmp_path, *more)
    assert len(read_dict(tmp_path / "dev_gss/text")) == 19


def test_groups_to_score_by(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "dev", "--case", "upper")
    folder = tmp_path / "dev_worn"
    for table, groups in (
        ("utt2session", {"S02"}),
        ("utt2location", {"KITCHEN", "LIVING"}),
        ("utt2session_location", {"S02_KITCHEN", "S02_LIVING"}),
    ):
        assert set(read_dict(folder / table).values()) == groups
    hyp = tmp_path / "hyp"
    hyp.write_text((folder / "text").read_text().replace("HMM", "HUM"))
    score_files(folder / "text", hyp, tmp_path / "score", folder / "utt2session_location")
    rows = [line.split() for line in (tmp_path / "score/per_spk").read_text().splitlines()]
    counts = {row[0]: [int(n) for n in row[2:6]] for row in rows if row[1] == "raw"}
    assert counts["S02_KITCHEN"][0] == 12 and counts["S02_LIVING"][0] == 8  # utterances
    assert counts["S02_KITCHEN"][3] == 12  # each has one HUM
    assert counts["SUM"][1] == counts["S02_KITCHEN"][1] + counts["S02_LIVING"][1]


def test_annotation_alone_gives_the_same_tables(laid_out, tmp_path):
    prepare(laid_out, tmp_path / "whole")
    transcripts = tmp_path / "alone/transcriptions"
    transcripts.parent.mkdir()
    transcripts.symlink_to(laid_out / "CHiME6/transcriptions")
    prepare(tmp_path / "alone", tmp_path / "data", "--annotation_only", "true")
    folders = (tmp_path / kind / "eval_worn" for kind in ("data", "whole"))
    assert_same_tables(*folders, "utt2session", "uem")
    assert not list((tmp_path / "data").rglob("wav.scp"))


def test_what_has_no_words_or_no_length_is_left_out_and_said(corpus, tmp_path, capsys):
    path, spoken = entries(corpus, "dev", "S02")
    spoken[0]["words"] = "[laughs] [noise]"
    spoken[1]["words"] = "I am [redacted]."
    spoken[2]["end_time"] = spoken[2]["start_time"]
    path.write_text(json.dumps(spoken))
    prepare(corpus, tmp_path, "--sets", "dev")
    assert len(read_dict(tmp_path / "dev_worn/text")) == 17
    shown = capsys.readouterr().out
    assert "left out: no word beside [events]: 1; first: P05_S02-0000100: [laughs] [noise]" in shown
    assert "left out: [redacted]: 1" in shown
    assert "left out: no length, or an end before the start: 1" in shown
    prepare(corpus, tmp_path, "--sets", "dev", "--events", "keep")
    texts = read_dict(tmp_path / "dev_worn/text")
    assert texts[f"P05_S02_KITCHEN.L-{first_of_dev()[0]}"] == "[laughs] [noise]"


# --- faults ---


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    path, spoken = entries(corpus, "dev", "S02")
    del spoken[3]["speaker"]
    spoken[4]["start_time"] = "soon"
    spoken[5]["session_id"] = "S09"
    spoken[6] = spoken[7]
    path.write_text(json.dumps(spoken))
    path, _ = entries(corpus, "eval", "S01")
    path.write_text(path.read_text()[:1000])
    worn = corpus / "CHiME6/audio/dev/S02_P08.wav"
    worn.unlink()
    os.link(corpus / "CHiME6/audio/dev/S02_U01.CH1.wav", worn)  # one channel
    said = faults(corpus, tmp_path / "data", "--channels", "2")
    assert "5 kinds of fault" in said
    assert "utterances that cannot be read (2); first: " in said and "utterance 3 (KeyError" in said
    assert "utterances of another session (1)" in said
    assert "damaged transcripts (1)" in said and "S01.json" in said
    assert "utterances with the same id (1)" in said
    assert "unreadable recordings (1)" in said and "channel 2 is asked for" in said
    assert not (tmp_path / "data").exists()


def test_speakers_of_training_in_another_set(corpus, tmp_path):
    path, spoken = entries(corpus, "dev", "S02")
    path.write_text(json.dumps([entry | {"speaker": "P09"} for entry in spoken]))
    said = faults(corpus, tmp_path, "--sets", "train dev", "--annotation_only", "true")
    assert "speakers of train in dev (1); first: P09; " in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"words": None},
        {"words": ["so"]},
        {"speaker": None},
        {"speaker": 5},
        {"speaker": "P0 5"},
        {"location": None},
        {"ref": ["U02"]},
    ],
)
def test_entries_with_something_else_are_named(corpus, tmp_path, wrong):
    path, spoken = entries(corpus, "dev", "S02")
    path.write_text(json.dumps([spoken[0], spoken[1] | wrong, spoken[2] | wrong]))
    said = faults(corpus, tmp_path, "--sets", "dev", "--annotation_only", "true")
    assert f"utterances that cannot be read (2); first: {path} utterance 1 (" in said


@pytest.mark.parametrize("text", ["[]", "{}", "", "[" * 100_000])
def test_transcripts_that_are_no_list_of_utterances(corpus, tmp_path, text):
    path, _ = entries(corpus, "dev", "S02")
    path.write_text(text)
    said = faults(corpus, tmp_path, "--sets", "dev", "--annotation_only", "true")
    assert f"damaged transcripts (1); first: {path} (" in said


def test_chime7s_split_is_refused_by_name(corpus, tmp_path):
    path, spoken = entries(corpus, "eval", "S01")
    (path.parent / "S19.json").write_text(json.dumps(spoken))
    said = faults(corpus, tmp_path, "--annotation_only", "true")
    assert "sessions that CHiME-7's split has in eval, and CHiME-6's in train (1)" in said
    assert SETS["eval"] == ["S01", "S21"] and {"S19", "S20"} <= {*SETS["train"]}


def test_withheld_words_are_no_transcript(corpus, tmp_path, capsys):
    path, spoken = entries(corpus, "dev", "S02")
    path.write_text(json.dumps([entry | {"words": "placeholder"} for entry in spoken]))
    assert "utterances whose words are withheld (20)" in faults(corpus, tmp_path, "--sets", "dev")
    prepare(corpus, tmp_path, "--sets", "dev", "--annotation_only", "true")
    shown = capsys.readouterr().out
    assert "words withheld by the release: 'placeholder': 20" in shown
    assert "S02 KITCHEN         0 words" in shown


def test_bad_microphones_and_absent_arrays_are_left_out(corpus, tmp_path, capsys):
    prepare(corpus, tmp_path, "--sets", "train")
    assert set(read_dict(tmp_path / "train_worn/spk2utt")) == {"P09", "P10", "P12"}
    assert "left out: microphones that Kaldi leaves out too: 5; first: P11_S03" in (
        capsys.readouterr().out
    )
    path, spoken = entries(corpus, "dev", "S02")
    path.with_name("S09.json").write_text(
        json.dumps([entry | {"session_id": "S09", "ref": "U05"} for entry in spoken])
    )
    prepare(corpus, tmp_path, "--sets", "dev", "--mic", "ref")
    assert "left out: arrays that were never recorded: 20; first: S09_U05" in (
        capsys.readouterr().out
    )


def test_counts_of_a_whole_dev_set():
    assert sum(WORDS.values()) == 58881
    for words, utterances, wrong in ((58881, 7437, 0), (58880, 7437, 1), (58881, 7436, 1)):
        wanted = Set(SETS["dev"], kept=utterances)
        wanted.words["S02", "LIVING"] = words
        chime6.check_counts("dev", wanted, findings := Findings("src"))
        assert len(findings.kinds) == wrong
    assert UTTERANCES["dev"] == 7437
    chime6.check_counts("dev", Set(["S02"], kept=3), findings := Findings("src"))
    assert not findings


def test_a_whole_set_is_counted_as_it_is_prepared(laid_out, tmp_path, monkeypatch):
    monkeypatch.setitem(SETS, "dev", ["S02"])
    whole = ("--complete", "true", "--annotation_only", "true", "--sets", "dev")
    said = faults(laid_out, tmp_path, *whole)
    assert "sets of another size (1); first: dev, 20 utterances instead of 7437; " in said
    assert "dev sets with other words (1); first: " in said and "instead of 58881; " in said
    assert not list(tmp_path.iterdir())


def test_wrong_places_and_options(laid_out, tmp_path):
    assert "openslr.org/150" in faults(tmp_path, tmp_path)
    assert "expected some of train dev eval" in faults(laid_out, tmp_path, "--sets", "test")
    assert "expected --enhanced DIR" in faults(laid_out, tmp_path, "--mic", "gss")
    assert "expected 1 to 2" in faults(laid_out, tmp_path, "--channels", "3")
    assert "expected files such as P05_S02" in faults(
        laid_out, tmp_path, "--mic", "gss", "--enhanced", str(tmp_path)
    )
    missing = faults(laid_out, tmp_path, "--complete", "true", "--sets", "dev")
    assert "transcripts that are not there (1); first: " in missing and "S09.json" in missing
