"""The command: files, modes, and input that it must refuse."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from espnet_ext.bin.score_wer import main

REF = "b-1 HELLO WORLD\nb-2 ONE TWO THREE\na-1 YES\na-2\n"
HYP = "a-1 YES\na-2\nb-1 HELLO\nb-2 ONE TOO THREE FOUR\n"
SPK = "a-1 a\na-2 a\nb-1 b\nb-2 b\n"


@pytest.fixture
def score(tmp_path, monkeypatch, command):
    """score(ref, hyp, *options) -> (exit status, stdout, stderr); scores go to tmp_path/out."""

    def run(ref=REF, hyp=HYP, *options, utt2spk=None):
        for name, text in (("ref", ref), ("hyp", hyp), ("utt2spk", utt2spk)):
            if text is not None:
                (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        args = ["--ref", "ref", "--hyp", "hyp", "--out", "out", *options]
        args += ["--utt2spk", "utt2spk"] if utt2spk is not None else []
        monkeypatch.chdir(tmp_path)
        return command(main, "score_wer", *args)

    return run


def test_files_and_report(score, tmp_path):
    status, out, _ = score(utt2spk=SPK)
    assert status == 0
    assert out.splitlines()[:3] == [
        "%WER 50.00 [ 3 / 6, 1 ins, 1 del, 1 sub ]",
        "%SER 50.00 [ 2 / 4 ]",
        "Scored 4 sentences, 0 not present in hyp.",
    ]
    # One resample in 256 draws a-2 four times: no word, no rate.
    interval = (
        r"# 95% bootstrap interval \[ 0\.00, \d+\.\d\d \], 99\d\d resamples of utterances, seed 1"
    )
    assert re.fullmatch(interval, out.splitlines()[3])
    folder = tmp_path / "out"
    assert (folder / "wer").read_text() == out
    assert sorted(file.name for file in folder.iterdir()) == ["ops", "per_spk", "per_utt", "wer"]
    assert "b-2 #csid 2 1 1 0\n" in (folder / "per_utt").read_text()
    per_spk = (folder / "per_spk").read_text()
    assert " ".join(per_spk.splitlines()[-2].split()) == "SUM raw 4 6 4 1 1 1 3 2"
    assert "substitution    TWO      TOO    1\n" in (folder / "ops").read_text()
    score()  # now without speakers: the older per_spk must not stay
    assert not (folder / "per_spk").exists()


def test_a_real_recogniser_has_its_published_counts(score):
    """fbai-speech, test-clean.b1.rnnt_baseline: ref_words=52576, subs=1501, ins=195, dels=225."""
    packed = Path(__file__).parent / "librispeech/test-clean.rnnt.tsv.gz"
    rows = [line.split("\t") for line in gzip.decompress(packed.read_bytes()).decode().splitlines()]
    texts = ["".join(f"{row[0]} {row[side]}\n" for row in rows) for side in (1, 2)]
    for options in ((), ("--align", "sclite")):
        _, out, _ = score(*texts, *options)
        assert out.startswith("%WER 3.65 [ 1921 / 52576, 195 ins, 225 del, 1501 sub ]\n")


def test_sum_of_per_utt_is_the_wer_line(score, tmp_path):
    # Two substitutions, or a deletion and an insertion: Kaldi's own tools disagree here.
    _, out, _ = score("u a b\n", "u b c\n")
    assert "[ 2 / 2, 1 ins, 1 del, 0 sub ]" in out
    assert "u #csid 1 0 1 1\n" in (tmp_path / "out" / "per_utt").read_text()


def test_characters_leave_out_spaces_and_keep_bracketed_words_whole(score, tmp_path):
    status, out, _ = score("u ÉT É [noise]\n", "u ETÉ <unk>\n", "--unit", "char")
    assert status == 0
    assert out.startswith("%CER 50.00 [ 2 / 4, 0 ins, 0 del, 2 sub ]\n")
    assert (tmp_path / "out" / "cer").read_text() == out
    status, _, err = score("u ÉT É [noise]\n", "u ETÉ <unk>\n")
    assert status == 2
    assert "another unit" in err
    assert not (tmp_path / "out" / "wer").exists()


def test_sclite_alignment_is_marked(score):
    ref, hyp = "u x y z a b\n", "u a b p q r\n"
    assert score(ref, hyp)[1].startswith("%WER 100.00 [ 5 / 5, 0 ins, 0 del, 5 sub ]\n")
    _, out, _ = score(ref, hyp, "--align", "sclite")
    assert out.startswith("%WER 120.00 [ 6 / 5, 3 ins, 3 del, 0 sub ]\n")
    assert "sclite's weights" in out


MISSING = "a-1 YES\na-2\nb-1 HELLO\n"


@pytest.mark.parametrize(
    ("hyp", "says"),
    [
        (MISSING, "hyp: 1 of ref missing (first: b-2)"),
        (HYP + "z-9 OH\nz-8\n", "hyp: 2 not in ref (first: z-9)"),
        (MISSING + "z-9 OH\n", "hyp: 1 of ref missing (first: b-2), 1 not in ref (first: z-9)"),
    ],
)
def test_strict_refuses_and_keeps_earlier_scores(score, tmp_path, hyp, says):
    score()
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    status, out, err = score(REF, hyp)
    assert status == 2
    assert out == ""
    assert err.startswith(f"error: {says}; ")
    assert "--mode present" in err and "--mode all" in err
    assert err.count("\n") == 1
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_strict_refuses_before_anything_is_written(score, tmp_path):
    assert score(REF, MISSING)[0] == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("mode", "rate"),
    [
        ("present", "%WER 33.33 [ 1 / 3, 0 ins, 1 del, 0 sub ] [PARTIAL]\n%SER 33.33 [ 1 / 3 ]"),
        ("all", "%WER 66.67 [ 4 / 6, 0 ins, 4 del, 0 sub ] [PARTIAL]\n%SER 50.00 [ 2 / 4 ]"),
    ],
)
def test_other_modes_count_and_report(score, mode, rate):
    status, out, _ = score(REF, MISSING + "z-9 OH\nz-8\n", "--mode", mode)
    assert status == 0
    assert out.startswith(rate)
    assert "sentences, 1 not present in hyp.\n" in out
    assert "# left out 2 not present in ref; first: z-9\n" in out


def test_no_word_in_the_reference_is_said_not_divided_by(score):
    status, out, _ = score("u\nv\n", "u OH\nv\n")
    assert status == 0
    assert out.startswith("%WER undefined [ 1 / 0, 1 ins, 0 del, 0 sub ]\n%SER 50.00 [ 1 / 2 ]\n")
    assert "the error rate is undefined" in out
    assert "nan" not in out.lower().split()


def test_one_utterance_has_no_interval(score):
    assert "# no bootstrap interval: one utterance only" in score("u A\n", "u B\n")[1]


@pytest.mark.parametrize(
    ("ref", "hyp", "says"),
    [
        (REF + "b-1 AGAIN\n", HYP, "ref:5: b-1 is also in line 1"),
        (REF, HYP + "a-1 AGAIN\n", "hyp:5: a-1 is also in line 1"),
        (REF, HYP.encode() + b"c-1 \xff\n", "hyp:5: not UTF-8"),
        (REF, HYP + "\nc-1 X\n", "hyp:5: empty line"),
        ("u A *** B\n", "u A\n", "ref:1: score files print *** for a gap"),
        ("", "", "hyp: no utterance to score against ref"),
    ],
)
def test_bad_text_is_one_line_with_its_place(score, tmp_path, ref, hyp, says):
    status, _, err = score(ref, hyp)
    assert status == 2
    assert err.startswith(f"error: {says}")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_disjoint_files_are_refused_under_present_too(score):
    status, _, err = score("u A\n", "v A\n", "--mode", "present")
    assert status == 2
    assert "do they belong together" in err


@pytest.mark.parametrize(
    ("utt2spk", "says"),
    [
        ("a-1 a\na-2 a\nb-1 b\n", "utt2spk: 1 of 4 utterances have no speaker; first: b-2"),
        (SPK + "c-1\n", "utt2spk:5: expected `utterance speaker`"),
        (SPK + "a-1 b\n", "utt2spk:5: a-1 is also in line 1"),
    ],
)
def test_bad_speakers_are_refused(score, tmp_path, utt2spk, says):
    status, _, err = score(utt2spk=utt2spk)
    assert status == 2
    assert err.startswith(f"error: {says}")
    assert not (tmp_path / "out").exists()


def test_missing_file_is_named(score, tmp_path):
    status, _, err = score(REF, None)
    assert status == 2
    assert err.startswith("error: hyp: No such file")


def test_words_are_split_at_ascii_space_only_as_in_kaldi(score):
    _, out, _ = score("u A\u00a0B C\r\n", "u A B C\n")  # a no-break space is part of the word
    assert "/ 2, " in out


def test_help_shows_an_example():
    run = subprocess.run(
        [sys.executable, "-m", "espnet_ext.bin.score_wer", "--help"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "python -m espnet_ext.bin.score_wer --ref" in run.stdout
