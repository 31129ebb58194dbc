"""The linear CTC probe: on made-up layers whose content is known, and on a real pre-training."""

import pytest
import torch
import torch.nn.functional as F
import yaml

from espnet_ext.tasks.probe import Frames, ctc, read_targets, recognise, train

TOKENS = ["<blank>", "<unk>", "<space>", "A", "B", "C", "<sos/eos>"]


def spoken(ids: list[int], telling_layer: int, seed: int, n_layers: int = 3) -> torch.Tensor:
    """(T, L, D): in one layer each token stands on its own axis for three frames, then a pause."""
    generator = torch.Generator().manual_seed(seed)
    frames_TLD = 0.1 * torch.randn(4 * len(ids), n_layers, 8, generator=generator)
    for place, token in enumerate(ids):
        frames_TLD[4 * place : 4 * place + 3, telling_layer, token] += 1
        frames_TLD[4 * place + 3, telling_layer, 0] += 1
    return F.layer_norm(frames_TLD, (8,))


@pytest.fixture(scope="module")
def heard():
    generator = torch.Generator().manual_seed(0)
    targets = {f"u{i:02d}": torch.randint(2, 6, (6,), generator=generator) for i in range(200)}
    frames = {utt: spoken(ids.tolist(), 1, i) for i, (utt, ids) in enumerate(targets.items())}
    return Frames(frames), targets


def test_learns_what_one_layer_tells_and_finds_that_layer(heard):
    frames, targets = heard
    probe, went = train(heard, heard, len(TOKENS), seed=1)
    assert went["layer_weights"][1] > 0.5
    right = {
        utt: "".join(" " if i == 2 else TOKENS[i] for i in ids.tolist())
        for utt, ids in targets.items()
    }
    assert recognise(probe, frames, TOKENS) == right


def test_one_seed_one_result(heard):
    went = [train(heard, heard, len(TOKENS), seed)[1] for seed in (1, 1, 2)]
    assert went[0] == went[1] != went[2]


def test_the_encoder_is_not_asked_to_say_more_than_it_has_frames_for(heard):
    frames = Frames({"long": torch.randn(3, 3, 8), "u00": heard[0].frames_TLD["u00"]})
    targets = {"long": torch.tensor([3, 4, 5, 3, 4]), "u00": heard[1]["u00"]}
    probe, _ = train(heard, heard, len(TOKENS), seed=1)
    assert ctc(probe, frames, targets, ["long"]) == 0
    assert ctc(probe, frames, targets, ["long", "u00"]) * 2 == ctc(probe, *heard, ["u00"])


def test_a_character_that_is_no_token_is_unknown(tmp_path):
    (tmp_path / "text").write_text("u1 A  B\nu2 AÉ\n")
    spelt = {utt: ids.tolist() for utt, ids in read_targets(tmp_path, TOKENS).items()}
    assert spelt == {"u1": [3, 2, 4], "u2": [3, 1]}


def test_a_pretraining_and_its_untrained_twin(recipe):
    status, lines = recipe.train("ssl", recipe.conf("ssl"), "ssl_probed")
    assert status == 0, lines[-5:]
    common = ["--exp", "exp/ssl_probed", "--train", "data/train", "--valid", "data/test"]
    common += ["--test", "data/test", "--token_dir", "token_list", "--seeds", "5"]
    said = {}
    for random in ("false", "true"):
        out = f"exp/probe_{random}"
        status, lines = recipe.run("probe", *common, "--random", random, "--out", out)
        assert status == 0, lines[-5:]
        home = recipe.root / f"{out}_seed5"
        said[random] = yaml.safe_load((home / "probe.yaml").read_text())
        texts = (home / "decode_probe/test/text").read_text().splitlines()
        wanted = (recipe.root / "data/test/text").read_text().splitlines()
        assert [line.split()[0] for line in texts] == [line.split()[0] for line in wanted]
    assert len(said["true"]["layer_weights"]) == 2
    assert said["true"]["valid_loss"] != said["false"]["valid_loss"]
