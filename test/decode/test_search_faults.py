"""What a user may get wrong in a decode conf, a lexicon or an LM: one line that says the mend."""

import gzip

import pytest

from espnet_ext.config import UserError
from espnet_ext.decode.conf import DecodeConf, make_conf, read_conf
from espnet_ext.decode.lexicon import check_spellings, read_lexicon, spell
from espnet_ext.decode.load import open_search
from espnet_ext.decode.ngram import arpa_words, load_ngram

ARPA = """\\data\\
ngram 1=5
ngram 2=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.7\t</s>
-0.5\tAB\t-0.2
-0.6\tBA\t-0.1

\\2-grams:
-0.2\t<s> AB

\\end\\
"""
LETTERS = ["<blank>", "<space>", "A", "B"]


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"beam_sizes": 3}, "unknown key 'beam_sizes'; did you mean 'beam_size'?"),
        ({"search": "beem"}, "search: 'beem' is none of greedy, beam, lexicon"),
        ({"beam_size": "ten"}, "beam_size: expected a whole number from 1, found 'ten'"),
        ({"beam_size": 0}, "beam_size: expected a whole number from 1, found 0"),
        ({"log_add": 1}, "log_add: expected true or false"),
        ({"search": "greedy", "ngram": "x.arpa"}, "search: greedy uses neither LM nor lexicon"),
        ({"search": "beam", "lexicon": "x"}, "a lexicon needs search: lexicon"),
        ({"search": "lexicon"}, "search: lexicon needs an ngram or a lexicon"),
        ({"search": "beam", "ngram": "x", "lm": "y"}, "use lm_use: rescore"),
        ({"search": "beam", "lm": "y", "lm_use": "rescore"}, "nbest is 1"),
        ({"search": "beam", "tune": {"trials": 8}}, "tune looks for the weight of an LM"),
    ],
)
def test_a_faulty_conf_is_named(conf, said):
    with pytest.raises(UserError) as err:
        make_conf(conf, "conf/decode_x.yaml")
    assert str(err.value).startswith("conf/decode_x.yaml: ") and said in str(err.value)
    assert "\n" not in str(err.value)


def test_a_conf_extends_a_block_and_has_defaults(tmp_path):
    (tmp_path / "beam.yaml").write_text("search: lexicon\nbeam_size: 1500\n")
    (tmp_path / "decode_x.yaml").write_text("extends: beam.yaml\nngram: {order: 4}\n")
    conf = read_conf(tmp_path / "decode_x.yaml")
    assert (conf.search, conf.beam_size, conf.weights) == ("lexicon", 1500, (2.0, -1.0))
    assert DecodeConf(search="beam").weights == (0.0, 0.0)
    assert DecodeConf(search="beam", ngram="x", lm_weight=0.5).weights == (0.5, 0.0)


def test_faulty_lms_are_named(tmp_path):
    file = tmp_path / "lm.arpa"
    file.write_text(ARPA)
    assert arpa_words(file) == ["AB", "BA"]
    packed = tmp_path / "lm.arpa.gz"
    packed.write_bytes(gzip.compress(ARPA.encode()))
    lm = load_ngram(packed, ["AB", "BA"])
    assert lm.score(lm.start(False), 0)[1] == pytest.approx(-0.2)
    assert arpa_words(packed) == ["AB", "BA"]

    def fault(path, units=("AB", "BA")):
        with pytest.raises(UserError) as err:
            load_ngram(path, units)
        assert "\n" not in str(err.value) and str(err.value).startswith(str(path))
        return str(err.value)

    assert "No such file" in fault(tmp_path / "none.arpa")
    assert "lacks 3 of the 4 units of the search; first: ab" in fault(file, ("ab", "ba", "AB", "x"))
    file.write_text(ARPA[: ARPA.index("\\2-grams")])
    assert "cut short" in fault(file)
    packed.write_bytes(gzip.compress(ARPA.encode())[:-20])
    assert "cut short" in fault(packed)
    file.write_text("HELLO WORLD\n")
    assert "neither ARPA" in fault(file)
    file.write_text(ARPA.replace("ngram 1=5", "ngram 1=7"))
    assert "KenLM cannot read it" in fault(file)
    file.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + b"\0" * 99)
    assert "KenLM cannot read it" in fault(file)


def test_faulty_lexicons_are_named(tmp_path):
    file = tmp_path / "lexicon.txt"
    file.write_text("AB A B |\nAB\tA B B\nBA B A <space>\n")
    assert read_lexicon(file, LETTERS) == {"AB": [("A", "B"), ("A", "B", "B")], "BA": [("B", "A")]}
    for text, said in (
        (
            "AB A B\nAC A C\nDC D C\n",
            "2 of 3 words use tokens that the recogniser lacks; first: AC",
        ),
        ("AB A B\n\n", ":2: no spelling"),
        ("AB\n", ":1: no spelling"),
        ("", "empty"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match="lexicon") as err:
            read_lexicon(file, LETTERS)
        assert said in str(err.value)
    with pytest.raises(UserError, match="no such lexicon"):
        read_lexicon(tmp_path / "none.txt", LETTERS)
    with pytest.raises(UserError, match="AB: a word's first piece, and no other"):
        check_spellings({"AB": [("A", "▁B")]}, ["<blank>", "▁B", "A"], "lexicon.txt")


def test_words_are_spelled_as_the_tokens_allow():
    assert spell(["AB", "C", "B"], LETTERS) == ({"AB": [("A", "B")], "B": [("B",)]}, ["C"])
    pieces = {"AB": ["▁A", "B"], "C": ["▁", "C"]}
    assert spell(["AB", "C"], ["<blank>", "▁A", "B"], pieces.get) == ({"AB": [("▁A", "B")]}, ["C"])


def test_lexicon_and_lm_are_held_against_each_other(tmp_path, capsys):
    (tmp_path / "lm.arpa").write_text(ARPA)
    lm, lexicon = str(tmp_path / "lm.arpa"), tmp_path / "lexicon.txt"
    conf = {"search": "lexicon", "ngram": lm}
    lexicon.write_text("AB A B\n")
    with pytest.raises(UserError, match=r"lacks 1 words of .*lm.arpa.*; first: BA;"):
        open_search(LETTERS, make_conf(conf | {"lexicon": str(lexicon)}, "x"))
    with pytest.raises(UserError, match=r"lexicon.txt: lacks 1 words of .*; first: BA;"):
        open_search(LETTERS, make_conf(conf, "x"), lexicon=lexicon)
    # what cannot be spelled need not be there
    cc = tmp_path / "cc.arpa"
    cc.write_text(ARPA.replace("BA\t", "CC\t"))
    made = open_search(LETTERS, make_conf(conf | {"ngram": str(cc)}, "x"), lexicon=lexicon)
    assert made.words == ["AB"]
    lexicon.write_text("AB A B\nBA B A\nB B\n")
    search = open_search(LETTERS, make_conf(conf | {"lexicon": str(lexicon)}, "x"))
    assert search.words == ["AB", "BA", "B"]

    assert open_search(LETTERS, make_conf(conf, "x")).words == ["AB", "BA"]
    (tmp_path / "lm.arpa").write_text(ARPA.replace("BA\t", "CC\t"))
    assert open_search(LETTERS, make_conf(conf, "x")).words == ["AB"]
    assert "1 of 2 words cannot be spelled" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"2 of its 2 words cannot be spelled .*; first: AB"):
        open_search([*LETTERS[:2], "a"], make_conf(conf, "x"))
    with pytest.raises(UserError, match="stage 7"):
        open_search(LETTERS, make_conf(conf | {"ngram": {"order": 2}}, "x"))
    with pytest.raises(UserError, match="an LM over another vocabulary"):
        open_search(LETTERS, make_conf(conf | {"search": "beam"}, "x"))
