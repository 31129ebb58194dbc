"""Trainings of a tiny LM: killed and resumed, put to use, and what they refuse."""

import math
from pathlib import Path

import pytest
import torch
import yaml

from espnet_ext.config import UserError, compose, dump
from espnet_ext.tasks.check import check_conf
from espnet_ext.tasks.lm import load_lm

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "extends": ["lm/lm.yaml"],
    "lm": "transformer",
    "lm_conf": {"pos_enc": "sinusoidal", "embed_unit": 16, "att_unit": 16, "unit": 24, "layer": 1},
    "batch_bins": 10,
    "num_workers": 0,
    "optim": "adamw",
    "optim_conf": {"lr": 0.01},
    "max_epoch": 3,
    "keep_nbest_models": 2,
}


@pytest.fixture
def train(recipe):
    def run(name: str, *options: str, valid: str = "data/test", job=None, **changes):
        source, flat = recipe.root / f"{name}.yaml", recipe.root / f"{name}.flat.yaml"
        source.write_text(yaml.safe_dump(TINY | changes))
        flat.write_text(dump(*compose(source)))
        dirs = ["--train_dir", "data/train", "--valid_dir", valid, "--token_dir", "token_list"]
        into = ["--config", str(flat), "--output_dir", f"exp/{name}"]
        status, lines = recipe.run("lm_train", *into, *dirs, *options, **(job or {}))
        return status, lines, recipe.root / "exp" / name

    return run


@pytest.mark.parametrize(
    "point",
    [("step", "", 3), ("renamed", "2epoch.pth", 1), ("rename", "valid.loss.ave_2best.pth", 1)],
    ids=lambda point: "-".join(map(str, point)),
)
def test_killed_and_resumed_ends_in_the_same_weights(train, point):
    status, lines, whole = train("lm_whole")
    assert status == 0, lines[-5:]
    name = f"lm_killed_{point[0]}_{point[1] or point[2]}"
    status, lines, exp = train(name, job={"kill": point})
    assert status == -9, lines[-5:]
    status, lines, _ = train(name)
    assert status == 0, lines[-5:]
    expected = torch.load(whole / "valid.loss.ave.pth", weights_only=True)
    found = torch.load(exp / "valid.loss.ave.pth", weights_only=True)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert (exp / "perplexity").read_text().startswith("data/test/text: perplexity ")


@pytest.mark.parametrize("unit", ["word", "token"])
def test_a_trained_lm_scores_text_in_its_own_units(train, unit, recipe):
    status, lines, exp = train(f"lm_{unit}", unit=unit, max_epoch=1)
    assert status == 0, lines[-5:]
    lm = load_lm(exp)
    text = [line.split(maxsplit=1)[1] for line in (exp / "valid_text").read_text().splitlines()]
    lengths = [int(line.split()[1]) for line in (exp / "valid_shape").read_text().splitlines()]
    assert [len(lm.ids(line)) for line in text] == lengths
    assert lengths[0] == (len(text[0].split()) if unit == "word" else len(text[0]))
    assert len(lm.ids("")) == 0
    n_words = sum(len(line.split()) for line in text)
    perplexity = math.exp(-sum(lm.score(text)) / (n_words + len(text)))
    assert f"perplexity {perplexity:.2f} of a word" in (exp / "perplexity").read_text()
    known = lm.neural.tokens
    assert (
        known[0] == "<blank>"
        and known[-1] == "<sos/eos>"
        and ("<space>" in known) == (unit == "token")
    )


def test_rare_words_become_unknown(train, recipe):
    text = recipe.root / "plain"
    text.write_text("GOOD GOOD EVENING\n\nDAYS GOOD DAYS\nDAYS\n")
    (recipe.root / "held_out").mkdir()
    (recipe.root / "held_out/text").write_text("u1 GOOD NIGHT EVENING\n")
    more = {"valid": "held_out", "min_count": 2, "max_epoch": 1}
    status, lines, exp = train("lm_rare", "--lm_text", str(text), **more)
    assert status == 0, lines[-5:]
    words = (exp / "words.txt").read_text().split()
    assert words == ["<blank>", "<unk>", "DAYS", "GOOD", "<sos/eos>"]
    assert "2 words unknown" in (exp / "perplexity").read_text()


def test_refusals_are_one_line(train, recipe):
    empty, other = recipe.root / "empty", recipe.root / "other"
    for folder, text in ((empty, "a\nb\n"), (other, "a go on\n")):
        folder.mkdir(exist_ok=True)
        (folder / "text").write_text(text)
    for folder, options, expected in (
        ("empty", {}, "error: empty/text: no words"),
        ("other", {}, "error: other/text: no word of it is in exp/"),
        ("data/test", {"min_count": 999}, "error: min_count 999: no word of the text"),
        ("data/test", {"lm_conf": {"layers": 2}}, "unknown lm_conf.'layers' (did you mean"),
        ("data/test", {"unit": "word", "lm": "transfomer"}, "unknown lm: 'transfomer' (did you"),
    ):
        status, lines, _ = train("lm_refused", valid=folder, **options)
        assert status == 2, lines[-5:]
        assert expected in lines[-1] and not any("Traceback" in line for line in lines)


def test_what_is_no_trained_lm_is_one_line(tmp_path):
    with pytest.raises(UserError, match="not finished, run it again"):
        load_lm(tmp_path)


@pytest.mark.parametrize(
    "conf",
    ["egs2/asterisk/ssl1/conf/lm_tiny.yaml", "egs2/librispeech/ssl1/conf/lm_transformer.yaml"],
)
def test_confs_are_read_by_what_they_are_for(conf):
    flat, _ = compose(ROOT / conf)
    check_conf(flat, "lm", conf)


def test_the_papers_lm_has_their_sizes():
    """20 blocks of 4·1280² + 2·1280·6144 weights, with their biases and norms."""
    flat, _ = compose(ROOT / "egs2/librispeech/ssl1/conf/lm_transformer.yaml")
    from espnet2.lm.transformer_lm import TransformerLM

    with torch.device("meta"):
        lm = TransformerLM(vocab_size=10, **flat["lm_conf"])
    blocks = sum(p.numel() for p in lm.encoder.encoders.parameters())
    width, inner = 1280, 6144
    one = 4 * (width + 1) * width + 2 * width * inner + width + inner + 4 * width
    assert blocks == 20 * one == 445_998_080
    assert lm.encoder.encoders[0].self_attn.h == 16
