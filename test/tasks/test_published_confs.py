"""Every conf of every recipe: composed, checked and built, on a device without memory."""

from pathlib import Path

import pytest
from audit import build

from espnet_ext.config import compose

ROOT = Path(__file__).resolve().parents[2]
CONFS = sorted(ROOT.glob("egs2/*/ssl1/conf/*.yaml"))
HEADER = ("Expected", "expected", "no score", "no published number", "Not run here")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def task_of(conf: dict) -> str | None:
    """`ssl`, `asr`, `lm`; None for a decoding's."""
    if "search" in conf:
        return None
    if "lm" in conf:
        return "lm"
    return "ssl" if conf.get("losses") else "asr"


@pytest.mark.parametrize("path", CONFS, ids=relative)
def test_it_is_sound_and_builds(path):
    from espnet_ext.tasks.check import check_conf

    conf, _ = compose(path)
    if (task := task_of(conf)) is None:
        return
    check_conf(conf, task, relative(path))
    build(conf, task)


@pytest.mark.parametrize("path", CONFS, ids=relative)
def test_its_header_says_what_to_expect_and_the_command(path):
    conf, _ = compose(path)
    if task_of(conf) is None:
        return
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(phrase in "\n".join(header) for phrase in HEADER)
    assert any("Command: ./" in line for line in header)
    if task_of(conf) == "ssl" and "asterisk" not in path.parts:
        assert any(line.startswith("# Deviations: ") for line in header)


def test_schedules_end_with_the_training():
    """A schedule that counts its updates counts as many as the conf trains."""
    for path in CONFS:
        conf, _ = compose(path)
        if "max_steps" in (conf.get("scheduler_conf") or {}) and "num_iters_per_epoch" in conf:
            updates = conf["num_iters_per_epoch"] * conf["max_epoch"] // conf.get("accum_grad", 1)
            assert updates == conf["scheduler_conf"]["max_steps"], relative(path)
            if conf.get("losses"):
                assert updates == conf["total_updates"], relative(path)


PAIRS = [
    (path, atm)
    for recipe in ("librispeech", "librilight", "ami", "speechstew")
    for path in sorted((ROOT / "egs2" / recipe / "ssl1/conf").glob("*_random.yaml"))
    if (atm := path.with_name(path.name.replace("_random", "_atm"))).is_file()
]


@pytest.mark.parametrize(("random", "atm"), PAIRS, ids=relative)
def test_ask2mask_and_its_baseline_differ_in_masks_alone(random, atm):
    """Ask2Mask §2: 49 % in spans of 10, as wav2vec 2.0; §4.1: 40 % with ATM."""
    random, atm = compose(random)[0], compose(atm)[0]
    assert (random.pop("masker"), atm.pop("masker")) == ("random", "confidence")
    assert random.pop("masker_conf") == {"span": 10, "start_prob": 0.065}
    assert atm.pop("masker_conf") == {"order": "highest", "span": 10, "fraction": 0.4}
    assert random == atm
