"""score_wer with rules, a glm, phones and groups; empty sides; what the files then show."""

from pathlib import Path

import pytest

from espnet_ext.bin.score_wer import main

GLM = """\
;; c
* case_sensitive = 'F'
uh => %hesitation / [ ] __ [ ]
okay => o. k. / [ ] __ [ ]
[he's] => [{he is / he has}] / [ ] __ [ ]
"""


@pytest.fixture
def score(tmp_path, monkeypatch, command):
    """score(ref, hyp, *options) -> (exit status, stdout, stderr); scores go to out."""
    monkeypatch.chdir(tmp_path)
    Path("glm").write_text(GLM)

    def run(ref, hyp, *options):
        Path("ref").write_text(ref)
        Path("hyp").write_text(hyp)
        argv = ["score_wer", "--ref", "ref", "--hyp", "hyp", "--out", "out", *options]
        return command(main, *argv)

    return run


def test_glm_on_both_sides(score):
    ref = "u1 HE'S OKAY (UH) WELL\nu2 HE'S\nu3 WOR- X\n"
    hyp = "u1 he has o. k. well\nu2 He is\nu3 working y\n"
    status, out, _ = score(ref, hyp, "--glm", "glm")
    assert status == 0
    assert out.splitlines()[:2] == [
        "%WER 10.00 [ 1 / 10, 0 ins, 0 del, 1 sub ]",
        "%SER 33.33 [ 1 / 3 ]",
    ]
    assert out.endswith(
        "# rules: nist, glm\n# aligned with sclite's weights: sub 4, ins 3, del 3\n"
    )
    per_utt = Path("out/per_utt").read_text()
    assert "u1 ref  he  has  o.  k.  (%hesitation)  well\n" in per_utt
    assert "u1 hyp  he  has  o.  k.  (%hesitation)  well\n" in per_utt
    assert "u3 #csid 1 1 0 0\n" in per_utt


def test_the_same_sides_need_no_second_look(score):
    text = "u1 HE'S WOR-\n"
    assert score(text, text, "--glm", "glm")[1].startswith("%WER 0.00 [ 0 / 3, ")


def test_without_rules_all_of_this_is_text(score):
    assert score("u { a / b } (c)\n", "u b\n")[1].startswith("%WER 83.33 [ 5 / 6, ")


def test_chime6_rules(score):
    ref, hyp = "u [laughs] Mm yeah\n", "u hmm yeah [noise]\n"
    _, out, _ = score(ref, hyp, "--rules", "chime6")
    assert out.startswith("%WER 0.00 [ 0 / 2, ")
    assert "# rules: chime6\n" in out


def test_phones(score):
    ref, hyp = "u h# k ae q tcl t\n", "u sil g aa cl t\n"
    _, out, _ = score(ref, hyp, "--unit", "phone", "--phone_map", "timit39")
    assert out.startswith("%PER 40.00 [ 2 / 5, 0 ins, 0 del, 2 sub ]\n")
    assert Path("out/per").read_text() == out
    hyp = "u g aa t\n"
    options = ["--unit", "phone", "--phone_map", "timit39", "--silence"]
    assert score(ref, hyp, *options, "keep")[1].startswith("%PER 80.00 [ 4 / 5, ")
    assert score(ref, hyp, *options, "optional")[1].startswith("%PER 40.00 [ 2 / 5, ")
    assert score(ref, hyp, *options, "drop")[1].startswith("%PER 66.67 [ 2 / 3, ")
    status, _, err = score("u aa zz\n", hyp, *options, "keep")
    assert (status, err) == (2, "error: ref:1: `zz` is no phone of TIMIT's 61, 48 or 39\n")


def test_groups(score):
    Path("utt2session").write_text("u1 S02\nu2 S09\nu3 S02\n")
    Path("utt2location").write_text("u1 KITCHEN\nu2 KITCHEN\nu3 DINING\n")
    texts = "u1 a b\nu2 a\nu3 c\n", "u1 a\nu2 a\nu3 d\n"
    score(*texts, "--group", "utt2session", "--group", "utt2location")
    rows = [line.split() for line in Path("out/per_session").read_text().splitlines()]
    assert ["S02", "raw", "2", "3", "1", "1", "0", "1", "2", "2"] in rows
    rows = [line.split() for line in Path("out/per_location").read_text().splitlines()]
    assert ["DINING", "raw", "1", "1", "0", "1", "0", "0", "1", "1"] in rows
    score(*texts)  # now without: the older tables must not stay
    assert sorted(path.name for path in Path("out").iterdir()) == ["ops", "per_utt", "wer"]


def test_empty_hypotheses_and_references(score):
    _, out, _ = score("u1 uh\nu2\n", "u1\nu2 x\n", "--rules", "ami", "--glm", "glm")
    assert out.startswith("%WER 200.00 [ 2 / 1, 1 ins, 1 del, 0 sub ]\n")
    _, out, _ = score("u1 [noise]\nu2\n", "u1 x\nu2\n", "--rules", "chime6")
    assert out.startswith("%WER undefined [ 1 / 0, 1 ins, 0 del, 0 sub ]\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rules", "ami"], "--rules ami: expected --glm FILE too"),
        (["--glm", "none"], "none: No such file or directory; expected NIST's glm file"),
        (["--glm", "glm", "--align", "kaldi"], "--align kaldi: rules: nist, glm, which have"),
        (["--glm", "bad"], "bad:2: `x -> y` is no rule; expected A => B / C __ D"),
    ],
)
def test_refused_in_one_line(score, options, says):
    Path("bad").write_text(";; c\nx -> y\n")
    status, out, err = score("u a\n", "u a\n", *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {says}")
    assert not Path("out").exists()


def test_braces_that_do_not_pair_are_named(score):
    status, _, err = score("u a { b\n", "u a\n", "--rules", "sclite")
    assert (status, err) == (2, "error: ref: u: `{` without `}` in `a { b`; mend the text\n")
