"""Tuning: the search finds what was planted, goes on after a kill, and keeps off test sets."""

import json
import math
import sys

import kaldiio
import numpy as np
import pytest
import yaml

from espnet_ext.bin import run_main
from espnet_ext.config import UserError
from espnet_ext.decode.conf import read_conf
from espnet_ext.tasks.decoding.search import Sources
from espnet_ext.tasks.tuning.bayes import BOUNDS, RESCORING_BOUNDS, Trial, best, propose, search
from espnet_ext.tasks.tuning.dev_wer import DevRate
from espnet_ext.tasks.tuning.tune import refuse_test_set
from espnet_ext.tasks.tuning.tuned_values import PUBLISHED

GRID = [(lm, word) for lm in np.linspace(0, 5, 5) for word in np.linspace(-5, 5, 5)]


def surface(lm_weight: float, word_score: float) -> float:
    """A WER of 4 % at (3.23, -0.26), the papers' optimum for 10 minutes; a slanting valley."""
    x, y = lm_weight - 3.23, word_score + 0.26
    rate = 0.04 + 0.012 * x * x + 0.004 * y * y + 0.006 * x * y + 0.001 * abs(math.sin(7 * y))
    return round(rate * 5000) / 5000  # of 5000 words


def test_finds_the_planted_optimum_and_beats_a_grid():
    trials = list(search(surface, n_trials=16, seed=1))  # the grid has 25
    found = best(trials)
    assert math.hypot(found.lm_weight - 3.23, found.word_score + 0.26) < 0.25
    assert found.wer < min(surface(*point) for point in GRID) - 0.0005
    assert all(0 <= trial.lm_weight <= 5 and -5 <= trial.word_score <= 5 for trial in trials)
    assert [trial.source for trial in trials] == ["sobol"] * 8 + ["model"] * 8
    # killed anywhere, it goes on as it would have
    again = list(search(surface, n_trials=10, past=trials[:9], seed=1))
    assert again == trials[9:10]


def test_finds_a_planted_optimum_of_three_weights():
    """In fewer trials than a grid of three by three by three has."""

    def rate(lm_weight: float, word_score: float, rescore_weight: float) -> float:
        z = rescore_weight - 1.2
        return surface(lm_weight, word_score) + 0.01 * z * z + 0.002 * z * (lm_weight - 3.23)

    trials = list(search(rate, n_trials=18, seed=1, bounds=RESCORING_BOUNDS))
    found = best(trials)
    planted = {"lm_weight": 3.23, "word_score": -0.26, "rescore_weight": 1.2}
    for name, weight in found.weights.items():
        low, high = RESCORING_BOUNDS[name]
        assert weight == pytest.approx(planted[name], abs=0.6)
        assert all(low <= trial.weights[name] <= high for trial in trials)
    corners = [(x, y, z) for x in (0, 2.5, 5) for y in (-5, 0, 5) for z in (0, 2.5, 5)]
    assert found.wer < min(rate(*point) for point in corners) - 0.002


def test_given_points_come_first_and_seeds_differ():
    first = [PUBLISHED["librispeech_10m_4gram"], PUBLISHED["librivox_960h_transformer"]]
    trials = list(search(surface, n_trials=6, first=first))
    assert [(trial.lm_weight, trial.word_score) for trial in trials[:2]] == [
        (3.23, -0.26),  # wav2vec 2.0, Table 7
        (0.90, -0.31),  # Table 8
    ]
    other = propose(trials[:2], first, seed=1)
    assert (trials[2].source, other.source) == ("sobol", "sobol") and trials[2] != other
    assert len(PUBLISHED) == 20
    for point in PUBLISHED.values():
        assert all(low <= x <= high for x, (low, high) in zip(point, BOUNDS.values(), strict=True))


def test_a_rate_of_nothing_wrong_can_be_modelled():
    trials = [Trial(x, y, "sobol", rate) for x, y, rate in [(1, 1, 0), (2, 0, 0.5), (3, -1, 0)]]
    past = trials * 3  # as many as Sobol's
    assert propose(past, (), seed=0).source == "model"


@pytest.mark.parametrize("name", ["test", "test-other", "train", "eval92", "my_dev"])
def test_what_is_not_for_development_is_refused(name):
    with pytest.raises(UserError, match=f"^{name}: neither the valid set"):
        refuse_test_set(name, "dev", force=False)
    refuse_test_set(name, "dev", force=True)
    refuse_test_set(name, name, force=False)
    refuse_test_set("dev-other", "dev", force=False)


# --- the command, on emissions that only an LM can read rightly -----------------------------------

TOKENS = ["<blank>", "<space>", "A", "B", "C"]
ARPA = r"""\data\
ngram 1=6
ngram 2=4

\1-grams:
-1.0	<s>	-0.3
-1.0	</s>
-0.7	AB	-0.3
-1.7	AC	-0.3
-1.7	BA	-0.3
-3.0	<unk>

\2-grams:
-0.2	<s> AB
-0.2	AB AB
-0.3	AB </s>
-2.0	AB AC

\end\
"""


def emissions(text: str, share: float) -> np.ndarray:
    """Frames of the letters of `text`; a B may be heard as C, and has `share` of its frame."""
    rows = []
    for letter in text:
        token = "<space>" if letter == " " else letter
        row = np.full(len(TOKENS), 0.01)
        row[TOKENS.index(token)] = share if letter == "B" else 0.9
        if letter == "B":
            row[TOKENS.index("C")] = 1 - share
        blank = np.full(len(TOKENS), 0.01)
        blank[0] = 0.9
        rows += [row, blank]
    rows_TV = np.array(rows)
    return np.log(rows_TV / rows_TV.sum(1, keepdims=True)).astype(np.float32)


@pytest.fixture
def tune(tmp_path, monkeypatch, capfd):
    """tune(*options) -> (exit status, output); the dev set and its conf are there."""
    pytest.importorskip("flashlight.lib.text")
    monkeypatch.chdir(tmp_path)
    for name in ("dev", "test"):
        folder = tmp_path / "emissions" / name
        folder.mkdir(parents=True)
        (folder / "tokens.txt").write_text("\n".join(TOKENS) + "\n")
        texts = {"u1": "AB AB", "u2": "AB BA", "u3": "AB AC", "u4": "AB"}
        rows = {
            utt: emissions(text, 0.35 + 0.05 * i) for i, (utt, text) in enumerate(texts.items())
        }
        scp = f"ark,scp:{folder}/emissions.ark,{folder}/emissions.scp"
        kaldiio.save_ark(str(folder / "emissions.ark"), rows, scp=str(folder / "emissions.scp"))
        assert scp
    (tmp_path / "text").write_text("u1 AB AB\nu2 AB BA\nu3 AB AC\nu4 AB\n")
    (tmp_path / "lm.arpa").write_text(ARPA)
    (tmp_path / "decode.yaml").write_text(
        "search: lexicon\nngram: lm.arpa\nbeam_size: 20\ntune: {trials: 5, seed: 3}\n"
    )

    def run(*options, emissions="emissions/dev"):
        args = ["--ref", "text", "--config", "decode.yaml", "--out", "out", *options]
        monkeypatch.setattr(sys, "argv", ["tune_lm", "--emissions", emissions, *args])
        from espnet_ext.bin.tune_lm import main

        status = 0
        try:
            run_main(main)
        except SystemExit as stop:
            status = stop.code
        out, err = capfd.readouterr()
        return status, out + err

    return run


def test_command_writes_its_files_and_goes_on_after_a_kill(tune, tmp_path):
    status, said = tune("--init", "librispeech_10m_4gram")
    assert status == 0, said
    found = yaml.safe_load((tmp_path / "out/best.yaml").read_text())
    assert found["set"] == "dev" and found["trials"] == 5 and found["seed"] == 3
    lines = (tmp_path / "out/trials.jsonl").read_text().splitlines(keepends=True)
    trials = [json.loads(line) for line in lines[1:]]
    assert found["wer"] == min(trial["wer"] for trial in trials)
    assert (trials[0]["lm_weight"], trials[0]["source"]) == (3.23, "init")
    assert len({trial["wer"] for trial in trials}) > 1  # the weights matter
    assert (tmp_path / "out/contour.png").stat().st_size > 1000

    # killed while it wrote its third trial; then on with two processes
    (tmp_path / "out/trials.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    status, said = tune("--init", "librispeech_10m_4gram", "--nj", "2")
    assert status == 0, said
    assert (tmp_path / "out/trials.jsonl").read_text() == "".join(lines)
    assert yaml.safe_load((tmp_path / "out/best.yaml").read_text()) == found

    # another seed: other trials; the earlier ones are kept
    status, said = tune("--seed", "4")
    assert status == 0 and "of another conf or data" in said
    assert (tmp_path / "out/trials.other.jsonl").read_text() == "".join(lines)
    assert (tmp_path / "out/trials.jsonl").read_text() != "".join(lines)


def unigram_lm(folder, log_probs: dict[str, float]) -> None:
    """A folder as lm_train leaves it, whose LM says the same after any words."""
    import torch

    from espnet_ext.tasks.lm import LMTask

    tokens = ["<blank>", "<unk>", *log_probs, "<sos/eos>"]
    sizes = {"unit": 4, "nlayers": 1}
    conf = {"lm": "seq_rnn", "lm_conf": sizes, "model": "language_model", "model_conf": {}}
    conf |= {"token_list": tokens, "token_type": "word", "bpemodel": None, "unit": "word"}
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(conf | {"init": None}))
    model, _ = LMTask.build_model_from_file(folder / "config.yaml", None, "cpu")
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    model.lm.decoder.bias.data[2:-1] = torch.tensor(list(log_probs.values()))
    torch.save(model.state_dict(), folder / "valid.loss.ave.pth")


def test_the_weight_of_an_lm_that_rescores_is_tuned_too(tune, tmp_path):
    """Of an LM that says the opposite of the n-gram: without it AC is not found."""
    unigram_lm(tmp_path / "lm", {"AB": -2.0, "AC": 3.0, "BA": 0.0})
    conf = tmp_path / "decode.yaml"
    conf.write_text(
        "search: lexicon\nngram: lm.arpa\nbeam_size: 20\nlm: lm\nlm_use: rescore\nnbest: 6\n"
        "tune: {trials: 9, seed: 3, init: librispeech_10m_4gram}\nrescore_weight: 0.25\n"
    )
    status, said = tune()
    assert status == 0, said
    found = yaml.safe_load((tmp_path / "out/best.yaml").read_text())
    lines = (tmp_path / "out/trials.jsonl").read_text().splitlines()[1:]
    trials = [json.loads(line) for line in lines]
    assert [trials[0][name] for name in RESCORING_BOUNDS] == [3.23, -0.26, 0.25]
    assert len({trial["rescore_weight"] for trial in trials}) == 9
    assert found["wer"] == min(trial["wer"] for trial in trials)
    assert (tmp_path / "out/contour_rescore.png").stat().st_size > 1000

    sources = Sources(tmp_path / "emissions/dev", weights=tmp_path / "out/best.yaml")
    with DevRate(read_conf(conf), sources, tmp_path / "text") as rate:
        assert rate() == rate(*(found[name] for name in RESCORING_BOUNDS)) == found["wer"]
        weights = found["lm_weight"], found["word_score"]
        assert len({rate(*weights, rescore_weight) for rescore_weight in (0.0, 5.0)}) == 2


def test_faults_are_one_line(tune, tmp_path):
    def fault(*options, **more):
        status, said = tune(*options, **more)
        assert status == 2, said
        assert not (tmp_path / "out").exists()
        return said.strip().splitlines()[-1]

    assert "counts as a test set" in fault(emissions="emissions/test")
    assert "'wav2vec' is none of librispeech_10m_4gram" in fault("--init", "wav2vec")
    (tmp_path / "text").write_text("u1 AB AB\nu9 AB\n")
    assert "text: 4 utterances are in only one of it and" in fault()
    conf = (tmp_path / "decode.yaml").read_text()
    (tmp_path / "decode.yaml").write_text(conf.replace("trials:", "trails:"))
    assert "tune: unknown key 'trails'" in fault()
    (tmp_path / "decode.yaml").write_text("search: greedy\n")
    assert "no LM in the search" in fault()
