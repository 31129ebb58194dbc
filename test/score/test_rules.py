"""What Kaldi's recipes leave out, on worked examples; TIMIT's phones."""

import doctest

import pytest

from espnet_ext.config import UserError
from espnet_ext.score import phones, rules
from espnet_ext.score.phones import PHONES_39, PHONES_48, TO_39, TO_48, fold
from espnet_ext.score.rules import make_rules

GLM = """\
;; c
* case_sensitive = 'F'
uh => / [ ] __ [ ]
um => %hesitation / [ ] __ [ ]
okay => o. k. / [ ] __ [ ]
[he's] => [{he is / he has}] / [ ] __ [ ]
"""


@pytest.fixture
def make(tmp_path):
    """make(name) -> what the rules make of a text, as (reference, hypothesis)."""
    glm = tmp_path / "glm"
    glm.write_text(GLM)

    def sides(name, text):
        made = make_rules(name, glm if name in rules.WITH_GLM else None)
        return tuple(" ".join(side(text.split(), "here")) for side in (made.ref, made.hyp))

    return sides


def test_examples_in_the_documentation():
    assert doctest.testmod(rules).failed == doctest.testmod(phones).failed == 0


@pytest.mark.parametrize(
    ("name", "text", "ref", "hyp"),
    [
        # a hesitation of the hypothesis goes before the glm makes a word of it
        ("ami", "UM OKAY uh WOR-", "%hesitation o. k. wor-", "o. k. wor-"),
        ("ami", "[NOISE] <unk> LAUGHTER X", "[noise] <unk> laughter x", "x"),
        ("ami", "HMM HE'S", "hmm { he is / he has }", "{ he is / he has }"),
        ("swbd", "(UM) HMM U._S. WOR-", "(%hesitation) hmm u._s. wor-", "(%hesitation) hmm u s"),
        ("nist", "UM [NOISE] ANTI-TRUST", "%hesitation [noise] anti trust", None),
        ("swbd_basic", "[NOISE] <UNK> %HESITATION uh [noise]", "uh [noise]", None),
        ("chime6", "Mhm mm-hmm [laughs] MMM hmmm [a]b x", "hmm hmm-hmm hmm hmmm x", None),
    ],
)
def test_worked_examples(make, name, text, ref, hyp):
    assert make(name, text) == (ref, ref if hyp is None else hyp)


def test_no_rules():
    assert make_rules() is None


def test_a_glm_alone(tmp_path):
    (tmp_path / "glm").write_text(GLM)
    made = make_rules(glm=tmp_path / "glm")
    assert made.network
    assert made.remark == f"rules: nist, {tmp_path}/glm"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "ami"}, "--rules ami: expected --glm FILE too"),
        ({"name": "chime6", "glm": "glm"}, "--glm glm: --rules chime6 uses none"),
        ({"name": "ami", "to_phones": "timit39"}, "--phone_map timit39: --rules and --glm are for"),
    ],
)
def test_options_that_do_not_go_together(options, says):
    with pytest.raises(UserError, match=says):
        make_rules(**options)


def test_sizes_of_the_phone_sets():
    assert (len(PHONES_39), len(PHONES_48)) == (39, 48)
    # 61 phones: q, those that keep their name or are folded; cl, vcl and sil are no transcriber's
    assert len((PHONES_48 - {"cl", "vcl", "sil"}) | (TO_48.keys() - {"#h"})) + 1 == 61
    assert {fold(phone) for phone in [*TO_48, *TO_39]} <= PHONES_39


@pytest.mark.parametrize(
    ("phone", "of_48", "of_39"),
    [
        *(("ax-h", "ax", "ah"), ("axr", "er", "er"), ("ux", "uw", "uw"), ("zh", "zh", "sh")),
        *(("pcl", "cl", "sil"), ("gcl", "vcl", "sil"), ("epi", "epi", "sil"), ("h#", "sil", "sil")),
        *(("em", "m", "m"), ("eng", "ng", "ng"), ("el", "el", "l"), ("nx", "n", "n")),
        *(("hv", "hh", "hh"), ("ao", "ao", "aa"), ("ix", "ix", "ih"), ("dx", "dx", "dx")),
        ("q", None, None),
    ],
)
def test_phones_fold_as_in_lee_and_hon(phone, of_48, of_39):
    assert (fold(phone, "timit48"), fold(phone)) == (of_48, of_39)
    assert of_39 is None or fold(of_48) == fold(of_39) == of_39  # of any of the three sets


@pytest.mark.parametrize(
    ("silence", "ref", "hyp"),
    [
        ("keep", "sil k ae sil t sil", "sil k ae sil t sil"),
        ("optional", "(sil) k ae (sil) t (sil)", "sil k ae sil t sil"),
        ("drop", "k ae t", "k ae t"),
    ],
)
def test_silence(silence, ref, hyp):
    made = make_rules(to_phones="timit39", silence=silence)
    heard = ["h#", "k", "ae", "q", "tcl", "t", "pau"]
    assert " ".join(made.ref(heard, "")) == ref
    assert " ".join(made.hyp(heard, "")) == hyp


def test_special_tokens_of_a_recogniser_are_no_fault_of_the_user():
    made = make_rules(to_phones="timit39")
    assert made.hyp(["<sos/eos>", "ix", "<unk>"], "utt1") == ["<sos/eos>", "ih", "<unk>"]


def test_a_phone_that_timit_does_not_have_is_named():
    with pytest.raises(UserError, match="utt1: `zz` is no phone of TIMIT's 61, 48 or 39"):
        make_rules(to_phones="timit39").ref(["aa", "zz"], "utt1")
