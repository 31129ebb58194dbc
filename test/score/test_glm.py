"""Global mapping rules: worked examples, damaged files, and csrfilt.sh on the same text."""

import doctest
import os
import random
import subprocess

import pytest

from espnet_ext.config import UserError
from espnet_ext.score import glm as module
from espnet_ext.score.glm import parse_rule, read_glm
from espnet_ext.score.nist import find_sctk

RULES = """\
;; a test's own rules, with each form that NIST's files have
* name "test.glm"
* desc "rules of a test"
* format = 'NIST1'
* max_nrules = '2500'
* copy_no_hit = 'T'
* case_sensitive = 'F'

;; hesitations and back-channels
uh      =>              / [ ] __ [ ] ;; goes
%uh     =>  %hesitation / [ ] __ [ ]
uh-huh  =>  %bcack      / [ ] __ [ ]
[he's]  => [{he is / he has}] / [ ] __ [ ]
[epped] => [{epped /e. p. p. e. d.}] / [ ] __ [ ]
ok      => o. k.        / [ ] __ [ ]
good by => good bye
adviser => advisor / [ ] __
binyamin => benjamin / __ [ netanyahu]
falkner => faulkner / [william ] __
[gentlemen's agreement ] => [gentleman's agreement ]
walmart => wal mart
walmart => shop
[webster's] => [{webster's / webster is}] / [ ] __ [ ]
"""
WORDS = """uh %uh uh-huh he's epped ok OKAY good by goodbye good-by adviser advisers binyamin
netanyahu william falkner gentlemen's agreement walmart webster's anti-trust a--b wor- -ld - x"""
IN_PARENTHESES = ["(%uh)", "(uh)", "(x uh)", "(well then)", "(wor-)"]


@pytest.fixture
def glm(tmp_path):
    """glm(text, kind) -> the rules of a file with this text."""

    def read(text=RULES, kind="stm"):
        (tmp_path / "glm").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_glm(tmp_path / "glm", kind)

    return read


def test_examples_in_the_documentation():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("uh so uh uh yes uh", "SO YES"),  # a space is nobody's: two in a row both go
        ("uhm (uh huh) (%uh)", "UHM (HUH) (%hesitation)"),  # a whole word; also in parentheses
        ("so (uh uh)", "SO ()"),
        ("uh-huh uh-uh", "%bcack UH UH"),  # hyphens go after the rules
        ("he's", "{ he is / he has }"),
        ("advisers", "advisorS"),  # no right context: also the beginning of a word
        ("cogood bys", "COgood byeS"),  # no context at all
        ("binyamin netanyahu binyamin", "benjamin NETANYAHU BINYAMIN"),
        ("gentlemen's agreement", "gentleman's agreement"),  # its last space is the text's
        ("walmart", "wal mart"),  # of two rules the first
        ("anti-trust wor- -ld - a--b", "ANTI TRUST WOR- -LD - A -B"),
        ("(well then) so", "(WELL) (THEN) SO"),
        ("(he's)", "{ (he) (is) / (he) (has) }"),
        ("straße Ölöl", "STRAßE ÖLÖL"),
        ("", ""),
    ],
)
def test_worked_examples(glm, text, becomes):
    assert " ".join(glm()(text.split())) == becomes


def test_words_of_a_hypothesis_are_filtered_one_by_one(glm):
    text = ["good", "by", "binyamin", "netanyahu", "ok"]
    assert glm(kind="stm")(text) == ["good", "bye", "benjamin", "NETANYAHU", "o.", "k."]
    assert glm(kind="ctm")(text) == ["GOOD", "BY", "BINYAMIN", "NETANYAHU", "o.", "k."]


def test_rules_for_one_kind_of_input(glm):
    rules = (
        ";; c\nx => both\n"
        ';;  INPUT_DEPENDENT_APPLICATION = "stm"\ny => reference\n'
        ';;  INPUT_DEPENDENT_APPLICATION = "HYP"\ny => hypothesis\n'
        ';;  INPUT_DEPENDENT_APPLICATION = "stm|ctm"\nz => all\n'
    )
    assert glm(rules, "stm")(["x", "y", "z"]) == ["X", "Y", "Z"]  # case-sensitive by default
    rules = rules.replace(";; c", ";; c\n* case_sensitive 'F'")
    assert glm(rules, "stm")(["x", "y", "z"]) == ["both", "reference", "all"]
    assert glm(rules, "ctm")(["x", "y", "z"]) == ["both", "hypothesis", "all"]


def test_what_no_rule_fits_may_be_left_out(glm):
    assert glm(";; c\n* copy_no_hit = 'F'\nAB => c\n")(["abc", "xyz"]) == ["c"]


def test_latin1_file_and_utf8_text(glm):
    rules = ";; c\n* case_sensitive = 'F'\nschröder => schroeder\n"
    for data in (rules.encode("latin-1"), rules.encode()):
        assert glm(data)(["SCHRÖDER"]) == ["schroeder"]


def test_a_rule_that_lost_its_end():
    rule = parse_rule("[webster's] => [{webster's / webster is / webster has}", "glm:9")
    assert rule.target == "{webster's / webster is / webster has}"
    assert (rule.left, rule.right) == ("", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (";; c\nuh -> um\n", "glm:2: `uh -> um` is no rule; expected A => B / C __ D"),
        (";; c\n\n [] => um ;; no\n", "glm:3: `[] => um` is no rule"),
        (";; c\nx => a / b\n", "glm:2: `/ b` is no context; expected / C __ D, or [brackets]"),
        (";; c\n* name = none\n", "glm:2: no value in quotes"),
        (';; c\n;; INPUT_DEPENDENT_APPLICATION = "("\n', "glm:2: not a regular expression"),
        ("\n", "glm: empty; expected rules such as"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(glm, tmp_path, text, says):
    with pytest.raises(UserError) as err:
        glm(text)
    assert str(err.value).startswith(f"{tmp_path}/{says}")


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match="No such file or directory; expected NIST's glm file"):
        read_glm(tmp_path / "glm", "stm")


def test_texts_come_out_as_from_csrfilt(glm, tmp_path):
    sctk = find_sctk()
    if sctk is None:
        pytest.skip("no sctk ($SCTK, PATH, .cache/deb/sctk or Debian's package)")
    rng = random.Random(1)
    words = [*WORDS.split(), *IN_PARENTHESES]
    texts = [" ".join(rng.choices(words, k=rng.randrange(1, 9))) for _ in range(300)]
    ours = [" ".join(glm()(text.split())) for text in texts]
    stm = "".join(f"f A s {i} {i + 1} {text}\n" for i, text in enumerate(texts))
    command = f"csrfilt.sh -i stm -t ref -dh {tmp_path}/glm"
    env = {**os.environ, "PATH": f"{sctk}:{os.environ['PATH']}"}
    done = subprocess.run(
        command.split(), input=stm, env=env, capture_output=True, text=True, check=True
    )
    theirs = [" ".join(line.split()[5:]) for line in done.stdout.splitlines()]
    for sign in "{/}":
        theirs = [text.replace(sign, f" {sign} ") for text in theirs]
    assert ours == [" ".join(text.split()) for text in theirs]
