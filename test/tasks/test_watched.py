"""What a user watches reaches the training's log, and the report's pictures."""

import re

from espnet_ext.analysis.experiments import read_training
from espnet_ext.analysis.pictures import PRETRAINING_PANELS, pretraining_panels


def test_statistics_are_in_the_log_and_in_the_pictures(recipe):
    regression = {
        "name": "regression",
        "target": "quantiser",
        "conf": {"projection": True},
    }
    conf = recipe.conf("ssl", losses={"regression": regression})
    status, lines = recipe.train("ssl", conf, "ssl_watched", "--max_epoch", "2")
    assert status == 0, lines[-5:]
    (first,) = [line for line in lines if re.search(r"\b1epoch results: ", line)]
    for phase in first.split("[train]")[1].split("[valid]"):
        logged = dict(re.findall(r"(\w+)=([-+.e\d]+)", phase))
        assert PRETRAINING_PANELS.keys() - logged.keys() == set(), phase
        assert 0.3 < float(logged["masked_fraction"]) < 0.5

    training = read_training(recipe.root / "exp/ssl_watched")
    panels = pretraining_panels([(training, training.history)])
    assert list(panels) == list(PRETRAINING_PANELS.values())
    for drawn in panels.values():
        assert [(list(line.x), line.dashed) for line in drawn] == [([2, 4], False), ([2, 4], True)]
