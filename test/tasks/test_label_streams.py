"""k-means labels: from MFCC to HuBERT, from its layers to the next iteration; and faults."""

import kaldiio
import numpy as np
import pytest
import yaml

from espnet_ext.data.kaldi_dir import read_dict

HUBERT = ["arch/logmel_conformer", "method/hubert", "method/mask_random", "size/cpu_tiny"]


def conf(recipe, sizes: list[int], **changes):
    """HuBERT in the sizes of the other tests."""
    tiny = yaml.safe_load((recipe.root / "tiny_ssl.yaml").read_text())
    own = {key: value for key, value in tiny.items() if key not in ("targets", "losses")}
    own |= {
        "extends": [f"{block}.yaml" for block in HUBERT],
        "targets": {"labels": {"conf": {"sizes": sizes}}},
        "losses": {"masked_prediction": {"conf": {"dim": 8}}},
    }
    return recipe.conf("ssl", **own | changes)


def make_labels(recipe, tag: str, sizes: str, n_jobs: int = 1, dump: str = "dump", *frames: str):
    """Stage 5: cluster the training set, then label both sets."""
    shift = [] if "--frame_shift_ms" in frames else ["--frame_shift_ms", "40"]
    kmeans = f"exp/kmeans_{tag}/kmeans.npz"
    train = ["--data", "data/train", "--out", kmeans, "--sizes", sizes, *shift, *frames]
    status, lines = recipe.run("train_kmeans", *train)
    assert status == 0, lines[-5:]
    said = lines
    for name in ("train", "test"):
        where = ["--kmeans", kmeans, "--tag", tag, "--data", f"data/{name}"]
        where += ["--out", f"{dump}/{name}", "--nj", str(n_jobs)]
        for own in [*(["--job", str(j + 1)] for j in range(n_jobs)), ["--merge", "true"]]:
            status, lines = recipe.run("dump_labels", *where, *own)
            assert status == 0, lines[-5:]
            said = said + lines
    return said


def stream(recipe, tag: str, dump: str = "dump") -> dict[str, np.ndarray]:
    places = read_dict(recipe.root / f"{dump}/train/labels_{tag}.scp")
    return {utt: kaldiio.load_mat(str(recipe.root / at)) for utt, at in places.items()}


@pytest.fixture(scope="module")
def nested(recipe):
    """Labels of MFCC: 24 clusters, and 6 of their centres."""
    return make_labels(recipe, "mfcc_24-6", "24,6")


@pytest.fixture(scope="module")
def flat(recipe):
    """Labels of MFCC: 24 clusters."""
    make_labels(recipe, "mfcc_24", "24")


def test_every_frame_has_a_label_whatever_the_jobs(recipe, nested):
    assert any("24 clusters: 24 used, perplexity" in line for line in nested)
    make_labels(recipe, "again", "24,6", 3, "dump_three")
    labels, again = stream(recipe, "mfcc_24-6"), stream(recipe, "again", "dump_three")
    samples = read_dict(recipe.root / "dump/train/speech_shape")
    assert list(labels) == list(again) == sorted(samples)
    for utt, labels_TG in labels.items():
        assert len(labels_TG) == -(-(1 + (int(samples[utt]) - 400) // 160) // 4)  # = the latents
        assert np.array_equal(labels_TG, again[utt])
        assert len({(fine, coarse) for fine, coarse in labels_TG}) == len(set(labels_TG[:, 0]))
    assert {label for x in labels.values() for label in x[:, 1]} == set(range(6))
    shift = recipe.root / "dump/train/labels_mfcc_24-6.frame_shift_ms"
    assert shift.read_text() == "40\n"
    assert not list((recipe.root / "dump_three/train").glob("labels_again.[0-9]*"))


def test_what_is_whole_is_not_made_again(recipe, nested):
    files = [recipe.root / "exp/kmeans_mfcc_24-6/kmeans.npz"]
    files += [recipe.root / f"dump/{name}/labels_mfcc_24-6.ark" for name in ("train", "test")]
    before = [file.stat().st_mtime_ns for file in files]
    said = make_labels(recipe, "mfcc_24-6", "24,6")
    assert sum("kept, made from the same before" in line for line in said) == 5
    assert [file.stat().st_mtime_ns for file in files] == before


def test_labels_of_other_clusters_are_made_again(recipe, nested):
    said = make_labels(recipe, "mfcc_24-6", "24,6", 1, "dump_other", "--seed", "5")
    assert not any("kept" in line for line in said)
    before, after = stream(recipe, "mfcc_24-6"), stream(recipe, "mfcc_24-6", "dump_other")
    assert any(not np.array_equal(before[utt], after[utt]) for utt in before)


def test_hubert_learns_them_and_a_layer_of_it_gives_the_next_ones(recipe, flat):
    options = ["--labels", "mfcc_24", "--max_epoch", "2"]
    status, lines = recipe.train("ssl", conf(recipe, [24]), "hubert", *options)
    assert status == 0, lines[-5:]
    assert any("masked_acc=" in line for line in lines)

    layer = ["--exp", "exp/hubert", "--layer", "1"]
    make_labels(recipe, "l1", "16", 2, "dump", *layer)
    samples = read_dict(recipe.root / "dump/train/speech_shape")
    for utt, labels_TG in stream(recipe, "l1").items():
        assert abs(len(labels_TG) - int(samples[utt]) / 640) <= 1
    options = ["--labels", "l1", "--max_epoch", "1"]
    status, lines = recipe.train("ssl", conf(recipe, [16]), "hubert2", *options)
    assert status == 0, lines[-5:]

    common = ["--data", "data/train", "--out", "exp/x.npz", "--sizes", "8", "--exp", "exp/hubert"]
    for more, message in (
        (["--frame_shift_ms", "40", "--layer", "3"], "--layer 3; expected 1 to 2, its layers"),
        (["--frame_shift_ms", "20", "--layer", "1"], "every 40 ms cannot give one every 20 ms"),
    ):
        status, lines = recipe.run("train_kmeans", *common, *more)
        assert (status, message in lines[-1]) == (2, True), lines[-1]


def test_ms_hubert_learns_nested_labels(recipe, nested):
    blocks = [block.replace("method/hubert", "method/ms_hubert") for block in HUBERT]
    changes = {
        "extends": [f"{block}.yaml" for block in blocks],
        "losses": {"multicluster": {"layer": [1, 2], "conf": {"dim": 8, "drop": 1}}},
    }
    options = ["--labels", "mfcc_24-6", "--max_epoch", "1"]
    status, lines = recipe.train("ssl", conf(recipe, [24, 6], **changes), "ms_hubert", *options)
    assert status == 0, lines[-5:]
    assert any("masked_acc_24=" in line and "masked_acc_6=" in line for line in lines)
    changes["losses"]["multicluster"]["layer"] = [1, 3]
    status, lines = recipe.train("ssl", conf(recipe, [24, 6], **changes), "fault", *options)
    assert status == 2
    assert "losses.multicluster looks at layer 3; there are 1 to 2" in lines[-1]


def test_faults_of_training_on_labels_are_one_line(recipe, nested, flat):
    def fault(sizes: list[int], *options: str) -> str:
        status, lines = recipe.train("ssl", conf(recipe, sizes), "fault", *options)
        assert status == 2, lines[-5:]
        (error,) = [line for line in lines if line.startswith("error: ")]
        return error

    assert "--labels TAG" in fault([24])
    assert "dump/train/labels_none.scp: missing; rerun stage 5" in fault([24], "--labels", "none")
    assert "2 label sets, but the conf's `sizes` has 1" in fault([24], "--labels", "mfcc_24-6")
    assert "wants codes of one size, not [24, 6]" in fault([24, 6], "--labels", "mfcc_24-6")
    error = fault([20], "--labels", "mfcc_24")
    assert "/labels_mfcc_24.scp: labels of" in error
    assert "whose labels are 0 to 19" in error


def test_labels_of_another_frame_rate_are_refused_also_where_they_say_otherwise(recipe, flat):
    for name in ("train", "test"):
        out = recipe.root / f"dump/{name}"
        twice = {
            utt: kaldiio.load_mat(str(recipe.root / at)).repeat(2, axis=0)
            for utt, at in read_dict(out / "labels_mfcc_24.scp").items()
        }
        ark, scp = (str(out / f"labels_20ms.{end}") for end in ("ark", "scp"))
        kaldiio.save_ark(ark, twice, scp=scp)
    for stated_ms, message in (
        (20, "one label every 20 ms, but the model has a latent every 40 ms"),
        (40, "frames, but its audio has"),
    ):
        for name in ("train", "test"):
            stated = recipe.root / f"dump/{name}/labels_20ms.frame_shift_ms"
            stated.write_text(f"{stated_ms}\n")
        status, lines = recipe.train("ssl", conf(recipe, [24]), "fault", "--labels", "20ms")
        assert (status, message in lines[-1]) == (2, True), lines[-1]
