"""wav2vec 2.0, Tables 7 and 8: tuned_values.py holds them, and decode confs show no others."""

import re
from pathlib import Path

import pytest
import yaml

from espnet_ext.tasks.tuning.tuned_values import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
LISTED = re.compile(r"(10 min|1 h|10 h|100 h|960 h) (-?[\d.]+) / (-?[\d.]+)")


@pytest.mark.parametrize(
    ("recipe", "speech"), [("librispeech", "librispeech"), ("librilight", "librivox")]
)
@pytest.mark.parametrize(
    ("conf", "lm", "lists"),
    [
        ("decode_4gram", "4gram", True),
        ("decode_transformer", "transformer", True),
        ("decode_4gram_rescore", "4gram", False),
    ],
)
def test_decode_confs_show_the_tables(recipe, speech, conf, lm, lists):
    text = (ROOT / "egs2" / recipe / f"ssl1/conf/{conf}.yaml").read_text()
    values = yaml.safe_load(text)
    assert (values["lm_weight"], values["word_score"]) == PUBLISHED[f"{speech}_100h_{lm}"]
    listed = {
        f"{speech}_{amount.replace(' min', 'm').replace(' ', '')}_{lm}": (float(w), float(s))
        for amount, w, s in LISTED.findall(text)
    }
    assert listed == ({k: v for k, v in PUBLISHED.items() if k in listed} if lists else {})
    assert len(listed) == (5 if lists else 0)
