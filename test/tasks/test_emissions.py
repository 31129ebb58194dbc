"""Emissions are computed once and searched often: the same words as with the network, in parts."""

import kaldiio
import numpy as np
import pytest

from espnet_ext.data.emissions import EmissionsDir
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.data.parts import merge_text
from espnet_ext.decode.nbest import read_nbest


@pytest.fixture(scope="module")
def trained(recipe):
    """A recogniser with CTC on letters."""
    conf = recipe.conf("asr")
    status, lines = recipe.train("asr", conf, "letters", "--max_epoch", "2")
    assert status == 0, lines[-5:]
    return "exp/letters"


def in_jobs(recipe, n: int, command: str, *argv: str) -> None:
    for own in [*(["--job", str(job)] for job in range(1, n + 1)), ["--merge", "true"]]:
        status, lines = recipe.run(command, *argv, "--nj", str(n), *own)
        assert status == 0, lines[-5:]


@pytest.fixture(scope="module")
def cached(recipe, trained):
    where = ["--exp", trained, "--data", "data/train"]
    in_jobs(recipe, 2, "dump_emissions", *where, "--out", f"{trained}/emissions/train")
    return f"{trained}/emissions/train"


def test_emissions_do_not_depend_on_jobs_or_batches(recipe, trained, cached):
    out = recipe.root / cached
    assert (out / "emissions.frame_shift_ms").read_text() == "40\n"
    where = ["--exp", trained, "--data", "data/train", "--out", "alone", "--batch_sec", "0.1"]
    in_jobs(recipe, 1, "dump_emissions", *where)
    scps = [read_dict(recipe.root / at / "emissions.scp") for at in (cached, "alone")]
    assert list(scps[0]) == list(scps[1]) == sorted(read_dict(recipe.root / "data/train/wav.scp"))
    tokens = (out / "tokens.txt").read_text().splitlines()
    for utt in scps[0]:
        together_TV, alone_TV = (kaldiio.load_mat(str(recipe.root / scp[utt])) for scp in scps)
        assert together_TV.shape[1] == len(tokens) and together_TV.dtype == np.float32
        assert np.allclose(np.exp(together_TV).sum(1), 1.0, atol=1e-4)
        assert np.abs(together_TV - alone_TV).max() < 1e-5


def test_search_of_emissions_gives_what_the_network_gives(recipe, trained, cached, monkeypatch):
    words = sorted(
        {w for line in read_dict(recipe.root / "data/train/text").values() for w in line.split()}
    )
    (recipe.root / "lexicon.txt").write_text("".join(f"{w} {' '.join(w)}\n" for w in words))
    for search in ("search: greedy", "search: lexicon\nlexicon: lexicon.txt\nnbest: 4"):
        conf = recipe.root / "decode_c.yaml"
        conf.write_text(f"output: ctc\nbeam_size: 20\n{search}\n")
        texts = []
        for n, source in ((1, ["--exp", trained]), (2, ["--emissions", cached])):
            where = ["--config", str(conf), "--data", "data/train", "--out", f"found{n}"]
            in_jobs(recipe, n, "decode", *where, *source)
            texts.append((recipe.root / f"found{n}/text").read_text())
        assert texts[0] == texts[1]
    lists = read_nbest(recipe.root / "found2/nbest")
    assert list(lists) == sorted(lists)
    for line in texts[1].splitlines():
        utt, *best = line.split()
        assert tuple(best) == lists[utt][0].words and set(best) <= set(words)
        assert 1 < len(lists[utt]) <= 4
        scores = [hyp.score for hyp in lists[utt]]
        assert scores == sorted(scores, reverse=True)
    line = (recipe.root / "found2/rtf").read_text()
    assert "real-time factor (network 0." in line and ", search 0." in line

    monkeypatch.chdir(recipe.root)
    cache = EmissionsDir(cached)
    assert len(cache) == len(lists) and cache.pieces_of is None


def test_times_of_network_and_search_add_up(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/wav.scp").write_text("a a.wav\nb b.wav\n")
    for name, rtf in (("net/rtf.1", "6 100"), ("out/rtf.1", "1 40"), ("out/rtf.2", "2 60")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{rtf}\n")
    (tmp_path / "out/text.1").write_text("b X\n")
    (tmp_path / "out/text.2").write_text("a\n")  # nothing was heard
    merge_text(tmp_path / "out", 2, tmp_path / "data", tmp_path / "net")
    assert (tmp_path / "out/text").read_text() == "a\nb X\n"
    assert (tmp_path / "out/rtf").read_text() == (
        "0.0900 real-time factor (network 0.0600, search 0.0300), 100.0 s of audio\n"
    )


def test_faults_of_cached_decoding_are_one_line(recipe, trained, cached):
    def fault(conf: str, *argv: str) -> str:
        (recipe.root / "c.yaml").write_text(conf)
        where = ["--config", "c.yaml", "--data", "data/train", "--out", "x", *argv]
        status, lines = recipe.run("decode", *where)
        # ESPnet says a word about each model that it builds
        lines = [line for line in lines if not line.startswith("WARNING:root")]
        assert (status, len(lines)) == (2, 1), lines
        return lines[0]

    assert "exp/none/emissions.scp: missing; stage 8" in fault("{}", "--emissions", "exp/none")
    assert "output: rnnt has no emissions" in fault("output: rnnt", "--emissions", cached)
    lm = "search: lexicon\nngram: none.arpa"
    assert "none.arpa: No such file" in fault(lm, "--emissions", cached)
    for option, conf in (
        ("--ngram", lm),
        ("--ngram", "search: greedy"),
        ("--lexicon", "search: beam"),
        ("--lexicon", f"{lm}\nlexicon: own.txt"),
        ("--lm", lm),
    ):
        said = fault(conf, "--exp", "none", option, "given")
        assert said.startswith("error: given: would not be read; c.yaml needs ")
    built = "search: beam\nngram: {order: 3}"
    assert "stage 7 (lm) makes it" in fault(built, "--emissions", cached)
    threshold = "search: beam\nbeam_threshold: 3"
    assert "beam_threshold means nothing to an RNN-T" in fault(threshold, "--exp", trained)
    weights = ["--weights", "none.yaml"]
    assert "none.yaml: missing; stage 8 (lm_weights)" in fault(
        "{}", "--emissions", cached, *weights
    )
