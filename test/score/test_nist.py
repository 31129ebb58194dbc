"""Our counts on NIST's own test files; stm and ctm; sclite and asclite on small data."""

import re
import subprocess
from pathlib import Path

import pytest

from espnet_ext.bin.score_nist import main
from espnet_ext.config import UserError
from espnet_ext.score.nist import find_sctk, need_sctk, read_raw
from espnet_ext.score.nist_files import Segment, ctm_lines, overlaps, read_segments, stm_lines
from espnet_ext.score.rules import make_rules
from espnet_ext.score.scoring import Options, score_files

NIST = Path(__file__).parent / "nist"
needs_sctk = pytest.mark.skipif(find_sctk() is None, reason="no sctk (Debian's package)")
GLM = ";; c\n* case_sensitive = 'F'\nokay => o. k. / [ ] __ [ ]\nuh => / [ ] __ [ ]\n"

# One recording, two speakers; B begins while A still talks.
TABLES = {
    "text": "a-1 HELLO THERE UH WORLD\na-2 OKAY\nb-1 ONE TWO THREE\n",
    "segments": "a-1 rec 0.0 4.0\na-2 rec 9.0 9.5\nb-1 rec 2.0 5.0\n",
    "utt2spk": "a-1 a\na-2 a\nb-1 b\n",
    "reco2file_and_channel": "rec file A\n",
    "glm": GLM,
}
HYP = "a-1 HELLO THERE WORLD\na-2 O. K.\nb-1 ONE TOO THREE\n"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data directory, and hypotheses beside it, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name, text in TABLES.items():
        Path("data", name).write_text(text)
    Path("hyp").write_text(HYP)
    return Path("data")


@pytest.fixture
def score(data, command):
    """score(*options) -> (exit status, stdout, stderr)."""

    def run(*options):
        argv = ["score_nist", "--data", "data", "--hyp", "hyp", "--out", "out"]
        return command(main, *argv, *options)

    return run


def as_text(trn, path):
    """sclite's `words (id)` as Kaldi's `id words`."""
    lines = [line.rstrip(")").rsplit(" (", 1) for line in trn.read_text().splitlines()]
    path.write_text("".join(f"{utt.lower()} {words}\n" for words, utt in lines))
    return path


@pytest.fixture
def csrnab(tmp_path):
    """Our score of NIST's csrnab files, and its `per_utt`."""
    ref, hyp = (as_text(NIST / f"csrnab.{side}", tmp_path / side) for side in ("ref", "hyp"))
    options = Options(rules=make_rules("sclite"))
    report = score_files(ref, hyp, tmp_path / "out", options=options)
    return report, (tmp_path / "out/per_utt").read_text()


def test_csrnab_has_sclites_totals(csrnab):
    """Recorded from sclite 2.10 -i wsj -o rsum: 51 1406 | 1263 131 12 26 169 38."""
    assert csrnab[0].startswith("%WER 12.02 [ 169 / 1406, 26 ins, 12 del, 131 sub ]\n")
    assert "%SER 74.51 [ 38 / 51 ]" in csrnab[0]


@needs_sctk
def test_csrnab_has_sclites_counts_utterance_by_utterance(csrnab):
    command = f"{find_sctk()}/sclite -r csrnab.ref trn -h csrnab.hyp trn -i wsj -o pra stdout"
    said = subprocess.run(command.split(), cwd=NIST, capture_output=True, text=True, check=True)
    found = r"^id: \((\S+)\)\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)"
    theirs = {u: (c, s, i, d) for u, c, s, d, i in re.findall(found, said.stdout, re.M)}
    ours = re.findall(r"^(\S+) #csid (\d+) (\d+) (\d+) (\d+)", csrnab[1], re.M)
    assert {u: tuple(counts) for u, *counts in ours} == theirs
    assert len(theirs) == 51


def test_words_are_spread_evenly(data):
    segments = read_segments(data)
    assert segments["b-1"] == Segment(("file", "A"), 2.0, 5.0)
    hyps = {"a-2": [], "a-1": ["HELLO", "WORLD"], "b-1": ["ONE", "UH", "THREE"]}
    lines = ctm_lines(hyps, segments, lambda words: [w for w in words if w != "UH"])
    assert lines == [
        "file A 0.000 2.000 HELLO\n",
        "file A 2.000 2.000 WORLD\n",
        "file A 2.000 1.000 ONE\n",
        "file A 4.000 1.000 THREE\n",  # what goes keeps its time
    ]
    two = ctm_lines({"a-2": ["u._s."]}, segments, lambda words: ["u", "s"])
    assert two == ["file A 9.000 0.250 u\n", "file A 9.250 0.250 s\n"]


def test_recordings_without_segments_or_channels(data):
    (data / "segments").unlink()
    (data / "utt2dur").write_text("a-1 4.0\n")
    (data / "reco2file_and_channel").unlink()
    assert read_segments(data) == {"a-1": Segment(("a-1", "A"), 0.0, 4.0)}


def test_stm_is_made_or_taken(data):
    segments = read_segments(data)
    lines = stm_lines(data, segments)
    assert lines[:2] == [
        "file A a 0.000 4.000 HELLO THERE UH WORLD\n",
        "file A b 2.000 5.000 ONE TWO THREE\n",
    ]
    assert overlaps(lines) and not overlaps(lines[1:])
    (data / "stm").write_text(";; comment\nfile A a 0.0 4.0 <O,f0> ((UH) THERE\n\n")
    taken = stm_lines(data, segments, lambda words: [w.replace("((", "(") for w in words])
    assert taken == ["file A a 0.0 4.0 <O,f0> (UH) THERE\n"]


@needs_sctk
def test_one_speaker_is_scored_as_by_score_wer(score, data):
    (data / "segments").write_text(TABLES["segments"].replace("2.0 5.0", "4.0 7.0"))
    status, out, _ = score("--rules", "ami")
    assert status == 0
    first = "%WER 12.50 [ 1 / 8, 0 ins, 0 del, 1 sub ]\n"
    assert out.startswith(first + "%SER 33.33 [ 1 / 3 ]\nScored 3 sentences.\n")
    assert "# sclite of NIST's sctk, rules: ami, glm: data/glm" in out
    assert Path("out/wer").read_text() == out
    assert re.search(r"^b +raw +1 +3 +2 +1 +0 +0 +1 +1$", Path("out/per_spk").read_text(), re.M)
    options = Options(rules=make_rules("ami", data / "glm"))
    assert score_files(data / "text", Path("hyp"), Path("ours"), options=options).startswith(first)


@needs_sctk
def test_asclite_takes_words_of_several_speakers_in_any_order(score):
    # A's THERE and WORLD come after B's ONE in time; sclite must put each where its time falls
    assert score()[1].startswith("%WER 12.50 [ 1 / 8, 0 ins, 0 del, 1 sub ]\n")
    assert "# asclite of NIST's sctk, rules: nist" in Path("out/wer").read_text()
    worse = score("--tool", "sclite")[1]
    assert int(re.search(r"\[ (\d+) / 8", worse)[1]) > 1


@needs_sctk
def test_some_recordings_only(score, data):
    reco = "rec sw_1 A\nother en_1 A\n"
    (data / "reco2file_and_channel").write_text(reco)
    (data / "segments").write_text("a-1 rec 0 4\na-2 other 9 9.5\nb-1 rec 4 7\n")
    assert score("--prefix", "en_")[1].startswith("%WER 0.00 [ 0 / 2, 0 ins, 0 del, 0 sub ]\n")
    status, _, err = score("--prefix", "xx")
    assert status == 2
    assert err == "error: --prefix xx: no recording of the stm begins so; leave it out\n"


@needs_sctk
def test_empty_hypotheses(score):
    Path("hyp").write_text("a-1\na-2\nb-1\n")
    for tool in ("sclite", "asclite"):
        out = score("--tool", tool)[1]
        assert out.startswith("%WER 100.00 [ 8 / 8, 0 ins, 8 del, 0 sub ]\n")
    assert "# no word in any hypothesis: not asclite, which reads no empty ctm\n# sclite of" in out


@needs_sctk
def test_missing_hypotheses(score, data):
    (data / "segments").write_text(TABLES["segments"].replace("2.0 5.0", "4.0 7.0"))
    Path("hyp").write_text(HYP.replace("a-2 O. K.\n", ""))
    status, _, err = score("--tool", "sclite")
    assert (status, err.count("\n")) == (2, 1)
    assert err.startswith("error: hyp: 1 utterances missing of data/text; first: a-2; decode this")
    assert " 2 del," in score("--tool", "sclite", "--mode", "all", "--glm", "data/glm")[1]
    Path("hyp").write_text(HYP + "z X\n")
    assert "1 utterances not in data/text; first: z" in score()[2]


@needs_sctk
@pytest.mark.parametrize(
    ("stm", "says"),
    [
        ("file A a 0.0 4.0 HELLO\n", "data/stm: 1 utterances lie in none of its lines; first: a-2"),
        (
            "other A a 0.0 9.0 HELLO\n",
            "data/stm: 3 utterances lie in none of its lines; first: a-1",
        ),
        (
            "file A a 0.0 9.0 X\nfile A a 2 1 X\n",
            "data/stm:2: expected `file channel speaker start",
        ),
        ("file A a\n", "data/stm:1: expected `file channel speaker start"),
    ],
)
def test_an_stm_that_does_not_fit(score, data, stm, says):
    (data / "stm").write_text(stm)
    status, out, err = score()
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {says}")
    assert err.count("\n") == 1


def test_where_sctk_is_missing_the_mend_is_said(monkeypatch, tmp_path, score):
    monkeypatch.setenv("SCTK", str(tmp_path))
    with pytest.raises(UserError):
        need_sctk()
    status, _, err = score()
    assert status == 2
    assert err.startswith("error: sctk: not in $SCTK, on PATH")
    assert "tools/fetch_deb.sh .cache/deb/sctk sctk" in err


def test_a_report_whose_rows_do_not_add_up(tmp_path):
    row = "| {} | 1 2 | 2 0 0 0 0 0 |\n"
    (tmp_path / "raw").write_text(row.format("a") + row.format("Sum"))
    assert read_raw(tmp_path / "raw")["a"].words == 2
    (tmp_path / "raw").write_text(row.format("a") + row.format("b") + row.format("Sum"))
    with pytest.raises(UserError, match="no Sum that its rows add up to"):
        read_raw(tmp_path / "raw")
