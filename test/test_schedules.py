"""Learning rates at hand-picked updates: ours, and ESPnet's where the papers' confs use them."""

import math
from pathlib import Path

import pytest
import torch
import transformers
import yaml
from espnet2.tasks.abs_task import scheduler_classes

from espnet_ext import registry

registry.register()
CONFS = Path(__file__).resolve().parents[1] / "conf/schedule"


def schedule(name: str, peak: float, **conf):
    """The scheduler that a conf's `scheduler: name` builds."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    return scheduler_classes[name](optimizer, **conf)


def of_conf(name: str):
    """The scheduler of `conf/schedule/NAME.yaml`."""
    conf = yaml.safe_load((CONFS / f"{name}.yaml").read_text())
    return schedule(conf["scheduler"], conf["optim_conf"]["lr"], **conf["scheduler_conf"])


def rate(scheduler, update: int) -> float:
    """Of the update with this number, 1 for the first, without stepping there."""
    scheduler.last_epoch = update - 1
    (rate,) = scheduler.get_lr()
    return rate


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (1, 5e-4 / 32000),
        (16000, 2.5e-4),  # half of the warm-up
        (32000, 5e-4),
        (32001, 5e-4 * (1 - 1 / 368000)),
        (124000, 3.75e-4),  # a quarter of the way down
        (216000, 2.5e-4),
        (400000, 0.0),
        (400001, 0.0),  # more updates than were planned do nothing, and never go below 0
    ],
)
def test_wav2vec2_base_warms_up_for_32k_updates_and_falls_to_0_at_400k(update, expected):
    assert rate(of_conf("polynomial"), update) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (1, 7.5e-4 / 8000),
        (4000, 3.75e-4),
        (8000, 7.5e-4),
        (106000, 7.5e-4 * (1 + math.sqrt(0.5)) / 2),  # a quarter: cos(π/4)
        (204000, 3.75e-4),  # half
        (302000, 7.5e-4 * (1 - math.sqrt(0.5)) / 2),
        (400000, 0.0),
    ],
)
def test_data2vec2_falls_along_half_a_cosine(update, expected):
    assert rate(of_conf("cosine"), update) == pytest.approx(expected, rel=1e-12, abs=1e-18)


def test_final_scale_and_power_by_hand():
    conf = {"warmup_steps": 0, "max_steps": 10, "final_scale": 0.2}
    assert rate(schedule("polynomial", 1.0, **conf, power=2.0), 5) == pytest.approx(0.2 + 0.8 / 4)
    assert rate(schedule("cosine", 1.0, **conf), 5) == pytest.approx(0.2 + 0.8 / 2)
    for name in ("polynomial", "cosine"):
        assert rate(schedule(name, 1.0, **conf), 10) == pytest.approx(0.2)


@pytest.mark.parametrize("name", ["polynomial", "cosine"])
def test_rates_equal_those_of_transformers_update_by_update(name):
    conf = {"warmup_steps": 7, "max_steps": 40}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = {
        "polynomial": lambda: transformers.get_polynomial_decay_schedule_with_warmup(
            optimizer, 7, 40, lr_end=0.03, power=1.7
        ),
        "cosine": lambda: transformers.get_cosine_schedule_with_warmup(optimizer, 7, 40),
    }[name]()
    if name == "polynomial":
        conf |= {"final_scale": 0.1, "power": 1.7}
    ours = schedule(name, 0.3, **conf)
    for update in range(1, 41):
        assert ours.get_last_lr()[0] == pytest.approx(
            0.3 * theirs.lr_lambdas[0](update), rel=1e-9, abs=1e-15
        )
        ours.optimizer.step()
        ours.step()


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (4000, 3e-5 * (0.01 + 0.99 / 2)),  # half of the first tenth, from 0.01 of the peak
        (8000, 3e-5),
        (39999, 3e-5),  # held for 0.4
        (60000, 3e-5 * math.sqrt(0.05)),  # half of the way down, in logarithms
        (80000, 3e-5 * 0.05),
        (90000, 3e-5 * 0.05),
    ],
)
def test_espnets_tri_stage_is_that_of_wav2vec2_fine_tuning(update, expected):
    assert rate(of_conf("tri_stage"), update) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("update", [1, 12500, 25000, 100000, 400000])
def test_espnets_warmuplr_is_the_transformers_schedule_with_its_peak_at_lr(update):
    """Vaswani et al. 2017, §5.3, eq. 3, times what makes 2e-3 of its largest value (Ask2Mask)."""
    eq_3 = min(update**-0.5, update * 25000**-1.5)
    scheduler = schedule("warmuplr", 2e-3, warmup_steps=25000)
    assert rate(scheduler, update) == pytest.approx(2e-3 * eq_3 / 25000**-0.5, rel=1e-12)
    if update == 100000:
        assert rate(scheduler, update) == pytest.approx(1e-3)


@pytest.mark.parametrize("name", ["polynomial", "cosine", "tristagelr", "warmuplr"])
def test_a_resumed_schedule_goes_on_bit_for_bit(name):
    conf = {
        "tristagelr": {"max_steps": 40},
        "warmuplr": {"warmup_steps": 7},
    }.get(name, {"warmup_steps": 7, "max_steps": 40})
    unbroken = schedule(name, 0.1, **conf)
    rates, saved = [], None
    for update in range(1, 42):
        rates.append(unbroken.get_last_lr())
        unbroken.optimizer.step()
        unbroken.step()
        if update == 13:
            saved = unbroken.optimizer.state_dict(), unbroken.state_dict()
    resumed = schedule(name, 0.1, **conf)
    resumed.optimizer.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for expected in rates[13:]:
        assert [group["lr"] for group in resumed.optimizer.param_groups] == expected
        resumed.optimizer.step()
        resumed.step()


@pytest.mark.parametrize(
    "conf",
    [
        {"warmup_steps": 10, "max_steps": 10},
        {"warmup_steps": -1, "max_steps": 10},
        {"warmup_steps": 1, "max_steps": 10, "final_scale": 1.5},
        {"warmup_steps": 1, "max_steps": 10, "power": 0},
    ],
    ids=str,
)
def test_values_that_no_schedule_can_have(conf):
    with pytest.raises(ValueError, match="scheduler_conf: "):
        schedule("polynomial", 1.0, **conf)
