"""Confs that extend building blocks: what wins, where it came from, what is said about faults."""

import pytest
import yaml

from espnet_ext.config import UserError, atomic_write, compose, dump, shrink


@pytest.fixture
def recipe(tmp_path):
    """conf/{arch,size} at the top, a recipe two floors below: as in the repository."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    write("conf/arch/base.yaml", "encoder: conformer\nencoder_conf: {layers: 12, dim: 512}\n")
    write("conf/size/tiny.yaml", "encoder_conf: {layers: 2}\nkernels: [31, 31, 31]\n")
    write.path = tmp_path / "egs2/toy/ssl1/conf/exp.yaml"
    write.exp = lambda text: write("egs2/toy/ssl1/conf/exp.yaml", text)
    write.block = write
    return write


def test_dicts_merge_lists_and_scalars_replace_and_own_keys_win(recipe):
    recipe.exp(
        "extends: [arch/base.yaml, size/tiny.yaml]\n"
        "kernels: [5]\nencoder_conf: {dropout: 0.1}\nencoder: e_branchformer\n"
    )
    flat, _ = compose(recipe.path)
    assert flat == {
        "encoder": "e_branchformer",
        "encoder_conf": {"layers": 2, "dim": 512, "dropout": 0.1},
        "kernels": [5],
    }


def test_every_key_states_its_origin(recipe):
    recipe.exp("extends: [arch/base.yaml, size/tiny.yaml]\noptim_conf: {lr: 0.002}\n")
    flat, origins = compose(recipe.path)
    assert origins["encoder_conf", "dim"] == "arch/base.yaml"
    assert origins["encoder_conf", "layers"] == "size/tiny.yaml"
    assert origins["optim_conf", "lr"] == "exp.yaml"
    text = dump(flat, origins)
    assert "  dim: 512  # arch/base.yaml" in text.splitlines()
    assert yaml.safe_load(text) == flat


def test_shrink_changes_what_is_there_and_adds_nothing(recipe):
    recipe.exp("extends: arch/base.yaml\nlosses: {mse: {weight: 1.0}}\n")
    smoke = recipe.block(
        "conf/size/smoke.yaml",
        "encoder_conf: {dim: 48, heads: 4}\nlosses: {contrastive: {weight: 2}}\nencoder: {a: 1}\n",
    )
    flat, origins = compose(recipe.path)
    shrink(flat, origins, smoke)
    assert flat["encoder_conf"] == {"layers": 12, "dim": 48}
    assert flat["losses"] == {"mse": {"weight": 1.0}} and flat["encoder"] == "conformer"
    assert origins["encoder_conf", "dim"] == "smoke.yaml"


def test_values_survive_the_dump(recipe):
    odd = {
        "specaug_conf": {},
        "empty": None,
        "nested": [{"name": "gumbel", "conf": {"groups": 1, "note": "a: b # c"}}, [1, 2.5e-6]],
        "text": "two\nlines",
        "yes": {"no": "true", "text": "two\nlines"},
        "id": "0123",
    }
    recipe.exp(yaml.safe_dump(odd))
    flat, origins = compose(recipe.path)
    assert yaml.safe_load(dump(flat, origins)) == odd


def test_one_name_may_stand_alone_and_a_plain_yaml_works(recipe):
    recipe.exp("extends: arch/base.yaml\n")
    assert compose(recipe.path)[0]["encoder"] == "conformer"
    recipe.exp("encoder: rnn\n")
    assert compose(recipe.path)[0] == {"encoder": "rnn"}


def test_misspelt_extends_names_the_nearest_block(recipe):
    recipe.exp("extends: [arch/bass.yaml]\n")
    with pytest.raises(UserError, match=r"extends 'arch/bass.yaml'.*did you mean 'arch/base.yaml'"):
        compose(recipe.path)


def test_misspelt_conf_names_the_nearest(recipe):
    recipe.exp("a: 1\n")
    with pytest.raises(UserError, match=r"expp.yaml: no such conf; did you mean 'exp.yaml'"):
        compose(recipe.path.with_name("expp.yaml"))
    with pytest.raises(UserError, match=r"nope.yaml: no such conf; check the name"):
        compose(recipe.path.with_name("nope.yaml"))


def test_a_block_may_not_extend(recipe):
    recipe.block("conf/arch/more.yaml", "extends: [arch/base.yaml]\n")
    recipe.exp("extends: [arch/more.yaml]\n")
    with pytest.raises(UserError, match="a building block may not extend another"):
        compose(recipe.path)


@pytest.mark.parametrize(
    ("text", "expected"), [("a: [1\n", r"line \d+: not valid yaml"), ("- 1\n", "key: value")]
)
def test_malformed_yaml_names_file_and_line(recipe, text, expected):
    recipe.exp(text)
    with pytest.raises(UserError, match=expected):
        compose(recipe.path)


def test_failed_writer_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "flat.yaml"
    path.write_text("whole\n")
    with pytest.raises(RuntimeError), atomic_write(path) as handle:
        handle.write("half")
        raise RuntimeError
    assert path.read_text() == "whole\n"
    assert [p.name for p in tmp_path.iterdir()] == ["flat.yaml"]
