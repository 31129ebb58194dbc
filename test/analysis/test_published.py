"""conf/published.yaml: what it must hold, a few numbers by hand, and faults that are refused."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from espnet_ext.analysis import published
from espnet_ext.config import UserError

ROOT = Path(__file__).parents[2]
FILE = ROOT / published.NAME
MINIMAL = {
    "papers": {"a": {"title": "A", "where": "b"}},
    "tables": [
        {
            "paper": "a",
            "table": "1",
            "about": "c",
            "metric": "WER",
            "given": {"labelled": "1 h", "unlabelled": "none"},
            "columns": ["model", "lm"],
            "sets": ["dev", "test"],
            "rows": [["big", "none", "2.20", "3.1"]],
        }
    ],
    "confs": {"r/c": [{"model": "big"}]},
    "recipes": {"r": {"sets": {"dev": "dev"}, "orientation": ["a"]}},
    "data_dirs": {"1 h": ["train_1h"]},
    "reference_words": {"dev": "100"},
}


@pytest.fixture(scope="module")
def known() -> published.Published:
    return published.read(FILE)


def test_every_table_is_there_in_full(known):
    """Cells that the papers print: counted in them, not here."""
    counts = Counter((value.paper, value.table) for value in known.values)
    assert {key: n for key, n in counts.items() if key[0] in ("wav2vec2", "eh_mam")} == {
        # Table 1: 27 rows of four less one half-empty row; 2: 13 rows less one half
        **{("wav2vec2", "1"): 27 * 4 - 2, ("wav2vec2", "2"): 13 * 4 - 2},
        **{("wav2vec2", "3"): 6 * 2 - 2, ("wav2vec2", "4"): 8, ("wav2vec2", "5"): 24},
        **{("wav2vec2", "9"): 36 * 4, ("wav2vec2", "10"): 12 * 4, ("wav2vec2", "13"): 42},
        # Table 2: 27 rows, three of WavLM without dev, HuBERT once without dev-other
        **{("eh_mam", "1"): 7 * 6, ("eh_mam", "2"): 27 * 4 - 7, ("eh_mam", "6"): 5},
        **{("eh_mam", "7"): 5, ("eh_mam", "8, WSJ"): 4, ("eh_mam", "8, Switchboard"): 2},
    }
    assert counts["ms_hubert", "1"] == 21 * 4 - 3 * 2 - 3
    assert [counts["ask2mask", str(table)] for table in (1, 2, 3, 4)] == [3, 32, 8, 12]


@pytest.mark.parametrize(
    ("figure", "where"),
    [
        ("38.7", ("wav2vec2", "9", "test_other", "LARGE", "10 min", "LV-60k", "none")),
        ("3.26", ("wav2vec2", "2", "dev_other", "Iter. pseudo-labeling", "960 h", "LV-60k")),
        ("2.20", ("wav2vec2", "2", "dev_clean", "CTC Transformer", "960 h", "none")),
        ("8.3", ("wav2vec2", "3", "timit_test", "LARGE", "TIMIT", "LS-960", "none")),
        ("23.7", ("ask2mask", "3", "eval_sdm", "w2v-BERT-XL + ATM", "AMI", "LL-60k")),
        ("54.3", ("ask2mask", "4", "chime6", "w2v-BERT-XL + ATM", "SpeechStew", "LL-60k")),
        ("12.3", ("ms_hubert", "1", "test_other", "MS-HuBERT without Swap", "1 h", "LS-960")),
        ("89.47", ("eh_mam", "1", "SF_F1", "EH-MAM", "SUPERB", "not stated", "none")),
        ("11.1", ("eh_mam", "2", "test_other", "EH-MAM", "10 min", "LS-960", "4-gram")),
    ],
)
def test_numbers_by_hand(known, figure, where):
    names = ("paper", "table", "test_set", "model", "labelled", "unlabelled", "lm")
    selector = {name: [text] for name, text in zip(names, where, strict=False)}
    assert [value.figure for value in published.select(known.values, [selector])] == [figure]


def test_papers_that_cite_one_another_agree(known):
    """So that a slip of the pen in one of the tables shows."""
    same: dict[tuple, set[float]] = {}
    for value in known.values:
        if value.doubt or value.table in ("§4.1, test-other", "6", "7"):
            continue
        model = value.model.replace("wav2vec 2.0", "BASE")
        others = dict(value.others)
        condition = (value.labelled, value.unlabelled, value.lm, others.get("decoding"))
        same.setdefault((value.test_set, value.metric, model, *condition), set()).add(value.number)
    assert {key: numbers for key, numbers in same.items() if len(numbers) > 1} == {}


def test_what_is_doubtful_says_why(known):
    doubtful = [value for value in known.values if value.doubt]
    assert {value.paper for value in doubtful} == {"ask2mask", "fairseq", "speechstew"}
    assert "lost decimal points" in next(v.doubt for v in doubtful if v.model == "HuBERT-cfr-XL")


def test_confs_that_it_names_are_there(known):
    for conf in known.confs:
        recipe, name = conf.split("/")
        # a recipe may fine-tune what another has pre-trained
        homes = [ROOT / "egs2" / r / "ssl1/conf" for r in (recipe, "librispeech", "librilight")]
        assert any((home / f"{name}.yaml").is_file() for home in homes), conf
        assert known.of_conf(conf)


def written(folder: Path, top: dict) -> Path:
    path = folder / "published.yaml"
    path.write_text(yaml.safe_dump(top))
    return path


def test_figures_stay_as_printed(tmp_path):
    read = published.read(written(tmp_path, MINIMAL))
    assert [(value.figure, value.number) for value in read.values] == [("2.20", 2.2), ("3.1", 3.1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [["big", "none", "2.2"]]}, "row 1: 3 cells; expected 2 of `columns` and 2 of"),
        ({"rows": [["big", "none", "2.2", "x"]]}, "'x' is no number"),
        (
            {"rows": [["big", "none", "2.2", "3"], ["big", "none", "2.3", "~"]]},
            "there twice",
        ),
        ({"rows": [["big", "none", "2.2", "25?"]]}, "say why"),
        ({"uncertain": "no cell"}, "say why"),
        ({"given": {"labelled": "1 h"}}, "expected unlabelled once"),
        ({"metric": {"dev": "WER"}}, "one for each of `sets`"),
        ({"paper": "b"}, "no such paper"),
        ({"ref": "b"}, "missing or unknown: ref"),
        ({"rows": [["small", "none", "2.2", "3"]]}, "no row has model: big"),
    ],
)
def test_faults(tmp_path, change, message):
    block = {**MINIMAL["tables"][0], **change}
    with pytest.raises(UserError, match=r"published\.yaml: ") as caught:
        published.read(written(tmp_path, {**MINIMAL, "tables": [block]}))
    assert message in str(caught.value)


def test_it_is_found_from_a_recipe(tmp_path):
    assert published.find(ROOT / "egs2/librispeech/ssl1") == FILE
    assert published.find(tmp_path) is None
