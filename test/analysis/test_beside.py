"""Our scores beside published ones: what counts as the same condition, and what the page says."""

import json
import re

import pytest
import yaml
from test_published import MINIMAL

from espnet_ext.analysis import frequent_errors, runs
from espnet_ext.analysis.decoding import language_model, real_time_factor, weights
from espnet_ext.analysis.page_html import to_html
from espnet_ext.score.confusions import most_frequent
from espnet_ext.tasks.report import report

SPEECH = ["data/train_1h/wav.scp", "speech", "speech_dir"]


@pytest.fixture
def known(recipe):
    """Published rows of the conf `atm` for the corpus in which the recipe lies: 1 h and 10 h."""
    block = {
        **MINIMAL["tables"][0],
        "given": {"unlabelled": "LS-960", "model": "big"},
        "columns": ["labelled", "lm"],
        "uncertain": "a smudge",
        "rows": [["1 h", "none", "~", "35.0"], ["1 h", "4-gram", "~", "30.5?"]],
    }
    file = recipe.root / "conf/published.yaml"
    file.parent.mkdir()
    top = MINIMAL | {
        "tables": [block],
        "confs": {f"{recipe.root.name}/atm": [{"model": "big"}]},
        "recipes": {recipe.root.name: {"sets": {"test": "test"}, "orientation": []}},
        "data_dirs": {"1 h": ["train_1h"], "LS-960": ["train_960"]},
        "reference_words": {"test": 10},
    }
    file.write_text(yaml.safe_dump(top))
    set_config(recipe, "asr_rnnt_atm@2ep_seed1", train_data_path_and_name_and_type=[SPEECH])
    data = [["data/train_960/wav.scp", "speech", "speech_dir"]]
    set_config(recipe, "ssl_atm", train_data_path_and_name_and_type=data, max_epoch=2)
    return recipe


def set_config(recipe, name: str, **changes) -> None:
    file = recipe.root / "exp" / name / "config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))


def searched(recipe, conf: dict) -> None:
    """What the stage of the search notes of its conf."""
    home = recipe.root / "exp/asr_rnnt_atm@2ep_seed1/decode_greedy"
    confs = {f"conf/decode_greedy.yaml {key}": json.dumps(value) for key, value in conf.items()}
    recipe.marker(home, "search", confs=confs)


def beside(recipe) -> str:
    report(recipe.root, recipe.root, recipe.root / "RESULTS.md")
    page = (recipe.root / "RESULTS.md").read_text()
    return page.partition("## Beside published values")[2].partition("\n## ")[0]


def test_the_same_condition_is_said_to_be_so(known):
    page = beside(known)
    assert "| 1 h | none | 35.0 · **40.00** (3) | same condition |" in page
    assert "| 1 h | 4-gram | 30.5? | not run here |" in page
    assert "A, Table 1: uncertain: a smudge" in page
    assert "No published value for the conf and set of: run 1, 2." in page


def test_nists_score_stands_beside_the_published_one(known):
    folder = known.root / "exp/asr_rnnt_atm@2ep_seed1/decode_greedy/test/score_nist"
    folder.mkdir()
    line = "%WER 44.44 [ 4 / 9, 1 ins, 1 del, 2 sub ]"
    (folder / "wer").write_text(f"{line}\n# sclite of NIST's sctk, rules: nist, glm: glm\n")
    assert "| 1 h | none | 35.0 · **40.00**, sclite **44.44** (3) |" in beside(known)


def test_another_lm_is_put_to_its_own_row(known):
    searched(known, {"search": "lexicon", "ngram.order": 4})
    assert "| 1 h | 4-gram | 30.5? · **40.00** (3) | same condition |" in beside(known)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        (
            "asr_rnnt_atm@2ep_seed1",
            {"train_data_path_and_name_and_type": [["data/train_10h/wav.scp", "speech", "x"]]},
            "labels train_10h, there 1 h",
        ),
        (
            "ssl_atm",
            {"train_data_path_and_name_and_type": [["data/small/wav.scp", "speech", "x"]]},
            "unlabelled small, there LS-960",
        ),
        ("ssl_atm", {"max_epoch": 80}, "pre-training at epoch 2 of 80"),
    ],
)
def test_what_differs_is_named(known, name, change, why):
    set_config(known, name, **change)
    assert f"| 1 h | none | 35.0 · **40.00** (3) | {why} |" in beside(known)


def test_a_part_of_the_test_set_is_not_the_test_set(known):
    wer = known.root / "exp/asr_rnnt_atm@2ep_seed1/decode_greedy/test/score_wer/wer"
    wer.write_text(wer.read_text().replace("[ 4 / 10,", "[ 4 / 9,"))
    assert "another test set: 9 words of 10" in beside(known)


def test_an_lm_that_no_row_has(known):
    searched(
        known, {"lm": "conf/lm_transformer.yaml", "lm_use": "rescore", "ngram": "big.4gram.gz"}
    )
    assert "4-gram + Transformer, there none" in beside(known)


def test_of_an_unknown_corpus_nothing_is_published(known):
    file = known.root / "conf/published.yaml"
    file.write_text(file.read_text().replace(known.root.name, "elsewhere"))
    assert "Nobody has published a score on this corpus" in beside(known)


def test_a_pretraining_of_another_recipe_is_found(known):
    home = known.root / "other/exp"
    home.mkdir(parents=True)
    (known.root / "exp/ssl_atm").rename(home / "ssl_atm")
    weights_file = str(home / "ssl_atm/latest.pth")
    set_config(known, "asr_rnnt_atm@2ep_seed1", init_param=[f"{weights_file}:encoder:encoder"])
    found = runs.find(known.root)
    assert found.complaints == [] and found.runs[-1].start.ssl.path == home / "ssl_atm"
    assert next(t.name for t in found.used) == "ssl_atm"


def test_weights_are_the_tuned_ones(known):
    searched(known, {"ngram.order": 4, "lm_weight": 2.0, "word_score": -1.0, "tune.trials": 8})
    home = known.root / "exp/asr_rnnt_atm@2ep_seed1"
    assert weights(home / "decode_greedy").lm_weight == "2"
    (home / "tune_greedy").mkdir()
    best = "lm_weight: 2.4599\nword_score: -0.5901\nset: dev\n"
    (home / "tune_greedy/best.yaml").write_text(best)
    found = weights(home / "decode_greedy")
    assert (found.lm_weight, found.word_score, found.tuned_on) == ("2.46", "-0.5901", "dev")
    assert language_model(runs.find(known.root).runs[-1]) == "4-gram"


def test_real_time_factor_is_weighted_by_audio(tmp_path):
    lines = {
        "dev": "0.1000 real-time factor (network 0.0600, search 0.0400), 100.0 s of audio",
        "test": "0.4000 real-time factor (network 0.3000, search 0.1000), 300.0 s of audio",
        "old": "0.2000 real-time factor, 100.0 s of audio",
    }
    for name, line in lines.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "rtf").write_text(line + "\n")
    folders = [tmp_path / name for name in lines]
    assert real_time_factor(folders[:2]) == ("0.325 (0.240 + 0.085)", 400.0)
    assert real_time_factor(folders) == ("0.300", 500.0)
    assert real_time_factor([tmp_path / "none"]) == ("not recorded", 0.0)


def test_frequent_errors(tmp_path):
    (tmp_path / "ops").write_text(
        "correct       THE    THE    9\nsubstitution    A    THE    2\n"
        "substitution  ALL     AL    3\nsubstitution  <unk>   A    1\n"
        "deletion      THE    ***    4\ninsertion     ***     TO    1\n"
    )
    column = frequent_errors.column(most_frequent(tmp_path))
    assert [cell for cell in column if cell] == [
        *("ALL → AL (3)", "A → THE (2)", "\\<unk> → A (1)", "THE → – (4)", "– → TO (1)")
    ]
    assert len(column) == frequent_errors.SHOWN + 2


def test_one_html_file_with_everything_in_it(known):
    folder = known.root / "exp/asr_rnnt_atm@2ep_seed1/decode_greedy/test/score_wer"
    (folder / "ops").write_text("substitution  <b>    </script>    1\n")
    beside(known)
    page = (known.root / "RESULTS.html").read_text()
    assert page.count('<span class="wide"><img') == page.count("<img") >= 2  # scroll on a phone
    assert page.count('<div class="wide"><table') == page.count("<table") >= 2
    assert "<b>" not in page and "&lt;b&gt;" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)  # nothing is fetched
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))
    assert 'name="viewport"' in page and "by hand" not in page


def test_html_in_text_is_shown_not_obeyed(tmp_path):
    page = to_html("# A\n\n<script>alert(1)</script>\n\n![gone](images/x.png)\n", "a<b", tmp_path)
    assert "<script>" not in page and "<title>a&lt;b</title>" in page and "[gone]" in page
