"""What a trained recogniser gives: words, and confidences that pre-training takes as they are."""

import itertools

import kaldiio
import pytest
import yaml

from espnet_ext.data.kaldi_dir import read_dict


@pytest.fixture(scope="module")
def trained(recipe):
    """A recogniser with both outputs, RNN-T and CTC."""
    status, lines = recipe.train("asr", recipe.conf("asr"), "both", "--max_epoch", "2")
    assert status == 0, lines[-5:]
    return "exp/both"


def jobs(recipe, n: int, command: str, *argv: str) -> None:
    """Run n jobs of a command, then its merge."""
    for own in [*(["--job", str(job)] for job in range(1, n + 1)), ["--merge", "true"]]:
        status, lines = recipe.run(command, *argv, "--nj", str(n), *own)
        assert status == 0, lines[-5:]


def test_dumped_confidences_fit_the_latents_of_pre_training(recipe, trained):
    streams = {}
    for n, out in ((1, "dump_one"), (3, "dump_three")):
        for name in ("train", "test"):
            where = ["--data", f"data/{name}", "--out", f"{out}/{name}"]
            jobs(recipe, n, "dump_confidence", "--scorer_exp", trained, *where)
        scp = recipe.root / out / "train/confidence.scp"
        streams[n] = {
            utt: kaldiio.load_mat(str(recipe.root / at)) for utt, at in read_dict(scp).items()
        }
        assert (scp.with_name("confidence.frame_shift_ms")).read_text() == "40\n"
    samples = read_dict(recipe.root / "dump/train/speech_shape")
    assert list(streams[3]) == sorted(samples)
    for utt, row_T in streams[3].items():
        assert abs(len(row_T) - int(samples[utt]) / 640) <= 1
        assert ((row_T > 0) & (row_T <= 1)).all()
        assert row_T.std() > 0
        assert row_T == pytest.approx(streams[1][utt], abs=1e-4)  # whatever it was batched with

    for name in ("train", "test"):
        shape = recipe.root / "dump_three" / name / "speech_shape"
        shape.write_bytes((recipe.root / "dump" / name / "speech_shape").read_bytes())
    options = ["--dump", "dump_three", "--max_epoch", "1"]
    status, lines = recipe.train("ssl", recipe.conf("ssl"), "from_dumped", *options)
    assert status == 0, lines[-5:]


def test_pre_trained_weights_reach_the_recogniser(recipe):
    """Nothing is trained (learning rate 0): encoder, latents and what stands for hidden ones are
    those of pre-training, here of its first epoch."""
    import torch

    frozen = {"optim_conf": {"lr": 0.0, "weight_decay": 0.0}}
    masks = {"masker": "random", "masker_conf": {"span": 4, "start_prob": 0.1}}
    assert recipe.train("ssl", recipe.conf("ssl"), "to_init", "--max_epoch", "2")[0] == 0
    options = ["--init_exp", "exp/to_init", "--init_epoch", "1", "--max_epoch", "1"]
    status, lines = recipe.train("asr", recipe.conf("asr", masks, **frozen), "from_init", *options)
    assert status == 0, lines[-5:]
    before, after = (
        torch.load(recipe.root / f"exp/{exp}/1epoch.pth") for exp in ("to_init", "from_init")
    )
    shared = [key for key in after if key.startswith(("encoder.", "preencoder."))]
    assert len(shared) > 40
    assert all(torch.equal(before[key], after[key]) for key in shared)
    assert torch.equal(before["view.mask_embedding_D"], after["masks.mask_embedding_D"])
    assert after["masks.mask_embedding_D"].any()


def test_the_best_epoch_of_a_pre_training(recipe):
    """By the conf's first criterion: here the highest rate, which the second of four epochs has;
    L_m is wav2vec 2.0's (§4.2)."""
    import torch
    from espnet2.train.reporter import Reporter

    criteria = [["train", "optim0_lr0", "max"], ["valid", "loss_contrastive", "min"]]
    conf = recipe.conf("ssl", best_model_criterion=criteria, max_epoch=4)
    status, lines = recipe.train("ssl", conf, "judged")
    assert status == 0, lines[-5:]
    home, reporter = recipe.root / "exp/judged", Reporter()
    reporter.load_state_dict(torch.load(home / "checkpoint.pth")["reporter"])
    l_m = [reporter.get_value("valid", "loss_contrastive", epoch) for epoch in (1, 2, 3, 4)]
    least = home / "valid.loss_contrastive.best.pth"
    assert least.readlink().name == f"{l_m.index(min(l_m)) + 1}epoch.pth"
    options = ["--init_exp", "exp/judged", "--init_epoch", "best", "--max_epoch", "1"]
    status, lines = recipe.train("asr", recipe.conf("asr"), "from_best", *options)
    assert status == 0, lines[-5:]
    given = yaml.safe_load((recipe.root / "exp/from_best/config.yaml").read_text())["init_param"]
    assert {entry.split(":")[0] for entry in given} == {"exp/judged/2epoch.pth"}

    unjudged = yaml.safe_load((home / "config.yaml").read_text())
    del unjudged["best_model_criterion"]  # as after convert_checkpoint
    (home / "config.yaml").write_text(yaml.safe_dump(unjudged))
    status, lines = recipe.train("asr", recipe.conf("asr"), "from_none", *options)
    assert status == 2
    assert "exp/judged/config.yaml: has no best_model_criterion; leave `best` out" in lines[-1]


def test_every_search_gives_words_for_every_utterance_whatever_the_jobs(recipe, trained):
    utts = sorted(read_dict(recipe.root / "data/train/wav.scp"))
    for output, search in itertools.product(("ctc", "rnnt"), ("greedy", "beam")):
        conf = recipe.root / f"decode_{output}_{search}.yaml"
        conf.write_text(f"output: {output}\nsearch: {search}\nbeam_size: 2\nnbest: 2\n")
        texts = []
        for n in (1, 2) if search == "greedy" else (2,):
            out = f"{trained}/{conf.stem}_{n}"
            where = ["--data", "data/train", "--out", out]
            jobs(recipe, n, "decode", "--exp", trained, "--config", str(conf), *where)
            texts.append((recipe.root / out / "text").read_text())
            assert [line.split()[0] for line in texts[-1].splitlines()] == utts
        assert len(set(texts)) == 1
        lists = (recipe.root / out / "nbest").read_text().splitlines()
        assert len({tuple(line.split("\t")[::5]) for line in lists}) == len(lists)  # no repeats
        assert search == "greedy" or len(lists) > len(utts)


def test_faults_of_decoding_are_one_line(recipe, trained):
    conf = recipe.root / "bad.yaml"
    conf.write_text("beam_sizes: 3\n")
    where = ["--data", "data/train", "--out", "x"]
    status, lines = recipe.run("decode", "--exp", trained, "--config", str(conf), *where)
    assert (status, len(lines)) == (2, 1)
    assert "unknown key 'beam_sizes'" in lines[0]
    status, lines = recipe.run("decode", "--exp", "exp/none", "--config", str(conf), *where)
    assert status == 2
    status, lines = recipe.run(
        "dump_confidence", "--scorer_exp", trained, *where, "--nj", "2", "--merge", "true"
    )
    assert status == 2
    assert "x/confidence.1.scp: missing" in lines[-1]
