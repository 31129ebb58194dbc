"""RESULTS.md as a whole, from a recipe's folder."""

import kaldiio
import numpy as np
import pytest
import soundfile
import torch
import yaml
from PIL import Image

from espnet_ext.analysis import experiments, runs
from espnet_ext.config import UserError
from espnet_ext.tasks.report import interval_percent, report


def write(recipe) -> str:
    report(recipe.root, recipe.root, recipe.root / "RESULTS.md")
    return (recipe.root / "RESULTS.md").read_text()


def cells(page: str, *wanted: str) -> list[str]:
    """Cells of the first table row that starts with the wanted ones."""
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in page.splitlines()]
    return next(row for row in rows if row[: len(wanted)] == list(wanted))


def test_rows_say_where_a_score_comes_from(recipe):
    page = write(recipe)
    row = cells(page, "3", "test")
    # 20 batches an epoch, two of them to an update, two epochs
    assert row[2:] == [
        *("**40.00** [10.00, 70.00]", "66.67", "atm", "20 (2)", "ctc", "rnnt", "40 (4)"),
        *("greedy", "7 / 1"),
    ]
    assert cells(page, "1", "test")[4:] == [
        *("none", "0", "none", "rnnt", "40 (4)", "greedy", "– / 1"),
    ]
    assert (
        "3. exp/asr_rnnt_atm@2ep_seed1/decode_greedy/test: "
        "%WER 40.00 [ 4 / 10, 1 ins, 1 del, 2 sub ]" in page
    )
    provenance = cells(page, "asr_rnnt_scratch_seed2")
    assert provenance[1:] == ["rnnt", "not recorded", "x86_64, 2 cores", "2", "finetune 1:15", "8"]
    assert cells(page, "1 confidence") == [
        *("1 confidence", "dump/unlabelled", "1:02:03 (last of 2 attempts)", "x86_64, 2 cores"),
    ]
    assert str(recipe.root) not in page


def test_what_nists_program_counted_stands_beside_our_score(recipe):
    folder = recipe.root / "exp/asr_rnnt_atm@2ep_seed1/decode_greedy/test/score_nist"
    folder.mkdir()
    line = "%WER 44.44 [ 4 / 9, 1 ins, 1 del, 2 sub ]"
    made = "# asclite of NIST's sctk, rules: ami, glm: data/test/glm\n"
    (folder / "wer").write_text(f"{line}\n%SER 66.67 [ 2 / 3 ]\nScored 3 sentences.\n{made}")
    page = write(recipe)
    assert cells(page, "3", "test")[2:4] == ["**40.00** [10.00, 70.00]", "**44.44** (asclite, ami)"]
    assert cells(page, "1", "test")[3] == ""
    assert f"   asclite, rules ami: {line}\n" in page
    (folder / "wer").write_text(line + "\n")
    page = write(recipe)
    assert "by NIST" not in page
    assert "score_nist/wer: no `# TOOL of NIST" in page.partition("## Left out")[2]


def test_seeds_of_one_configuration_are_summed_up(recipe):
    page = write(recipe)
    row = cells(page, "test", "**40.00**")
    assert row[2] == "40.00 – 40.00" and row[4] == "2" and row[-1] == "– / 1, – / 2"


def test_other_settings_are_not_other_seeds(recipe):
    config_file = recipe.root / "exp/asr_rnnt_scratch_seed2/config.yaml"
    config = yaml.safe_load(config_file.read_text())
    config_file.write_text(yaml.safe_dump(config | {"token_list": ["a", "b", "c"]}))
    assert runs.over_seeds(runs.find(recipe.root).runs, interval_percent) == []


def test_what_is_missing_is_listed_not_guessed(recipe):
    exp = recipe.root / "exp"
    (exp / "asr_rnnt_scratch_seed1/decode_greedy/test/score_wer/wer").unlink()
    (exp / "asr_rnnt_scratch_seed2/config.yaml").unlink()
    (exp / "ssl_atm/checkpoint.pth").write_bytes(b"torn")
    page = write(recipe)
    left_out = page.partition("## Left out")[2]
    assert "asr_rnnt_scratch_seed1/decode_greedy/test/score_wer/wer: missing" in left_out
    assert "asr_rnnt_scratch_seed2/config.yaml: missing" in left_out
    assert "ssl_atm/checkpoint.pth: cannot be read" in left_out
    assert cells(page, "1", "test")[5] == "not recorded (2)"  # the epoch is stated, updates not


def test_a_start_that_is_stated_twice_must_agree(recipe):
    exp = recipe.root / "exp"
    (exp / "asr_rnnt_atm@2ep_seed1").rename(exp / "asr_rnnt_atm@3ep_seed1")
    found = runs.find(recipe.root)
    assert len(found.runs) == 2 and "different pre-training epochs" in found.complaints[0]


def test_an_overwritten_pretraining_has_no_known_epoch(recipe):
    asr = recipe.root / "exp/asr_rnnt_atm@2ep_seed1"
    weights = "exp/ssl_atm/latest.pth"
    config = yaml.safe_load((asr / "config.yaml").read_text())
    config["init_param"] = [f"{weights}:encoder:encoder"]
    (asr / "config.yaml").write_text(yaml.safe_dump(config))
    asr = asr.rename(asr.with_name("asr_rnnt_atm_seed1"))
    assert runs.find(recipe.root).runs[-1].start.updates == 40  # latest: all four epochs
    recipe.marker(asr, "finetune", inputs={weights: "old"})
    recipe.marker(recipe.root / "exp/ssl_atm", "pretrain", outputs={weights: "new"})
    assert runs.find(recipe.root).runs[-1].start.updates is None


def test_batches_left_over_at_the_end_of_an_epoch_are_no_update(recipe):
    checkpoint = recipe.root / "exp/ssl_atm/checkpoint.pth"
    state = torch.load(checkpoint, weights_only=False)
    for epoch, stats in state["reporter"]["stats"].items():
        stats["train"]["total_count"] = 21 * epoch
    torch.save(state, checkpoint)
    assert experiments.read_history(checkpoint.parent, 2).updates == [10, 20, 30, 40]


def test_same_inputs_same_bytes_and_the_hand_written_block_stays(recipe):
    out = recipe.root / "RESULTS.md"
    block = "<!-- by hand -->\nRead this | first.\n<!-- end by hand -->"
    out.write_text(f"# Old\n{block}\nold rows\n")
    page = write(recipe)
    pictures = {f: f.read_bytes() for f in (recipe.root / "images").iterdir()}
    assert block in page and "old rows" not in page
    assert write(recipe) == page
    assert pictures and pictures == {f: f.read_bytes() for f in pictures}


def test_a_torn_block_stops_the_report(recipe):
    out = recipe.root / "RESULTS.md"
    out.write_text("<!-- by hand -->\nprecious\n")
    with pytest.raises(UserError, match="expected one of each"):
        write(recipe)
    assert "precious" in out.read_text()


def test_pictures(recipe):
    """Masks, curves and comparison are drawn of what the confs and data say."""
    root = recipe.root
    rng = np.random.default_rng(0)
    (root / "data/unlabelled").mkdir(parents=True)
    soundfile.write(root / "u1.wav", 0.1 * rng.standard_normal(32000), 16000)
    (root / "data/unlabelled/wav.scp").write_text("u1 u1.wav\n")
    ark, scp = root / "dump/unlabelled/confidence.ark", root / "dump/unlabelled/confidence.scp"
    kaldiio.save_ark(str(ark), {"u1": rng.random(50).astype(np.float32)}, scp=str(scp))
    config_file = root / "exp/ssl_atm/config.yaml"
    config = yaml.safe_load(config_file.read_text())
    config["train_data_path_and_name_and_type"] += [
        ["data/unlabelled/wav.scp", "speech", "speech_dir"]
    ]
    config["masker_conf"] = {"order": "highest", "span": 10, "fraction": 0.4}
    config["frontend_conf"] = {"fs": 16000, "n_fft": 512, "hop_length": 160, "n_mels": 80}
    config["frame_samples"] = 640
    config_file.write_text(yaml.safe_dump(config))

    page = write(recipe)
    assert cells(page, "unlabelled")[1:3] == ["1", "50"]
    for name in ("masks", "pretraining", "finetuning_rnnt", "wer_vs_updates_rnnt_greedy"):
        file = root / "images" / f"{name}.png"
        assert f"](images/{name}.png)" in page
        assert file.stat().st_size < 150_000
        assert len(Image.open(file).getcolors()) > 10  # not an empty page
    assert "Left out" not in page
