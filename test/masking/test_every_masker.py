"""What every masker of the registry keeps, whatever it is told."""

import ast
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.easy_to_hard import EasyToHard
from espnet_ext.masking.inverse_block import InverseBlocks
from espnet_ext.masking.random import RandomSpans

STREAM_BT = torch.rand((3, 50), generator=torch.Generator().manual_seed(0))
STREAMS = {"confidence_BT": STREAM_BT, "predicted_loss_BT": STREAM_BT}
ROOT = Path(__file__).resolve().parents[2]
SPANS = st.integers(1, 12)
FRACTIONS = st.floats(0.01, 0.9)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def spans(draw, **conf):
    """`span` and one of `fraction` and `start_prob`."""
    key = draw(st.sampled_from(["fraction", "start_prob"]))
    return {"span": draw(SPANS), key: draw(FRACTIONS)} | conf


@st.composite
def random_spans(draw):
    kind = draw(st.sampled_from(["static", "uniform", "poisson", "normal"]))
    conf = draw(spans(lengths=kind))
    if kind in ("uniform", "normal"):
        conf["span"] = max(2, conf["span"])
        conf["spread"] = draw(st.integers(1, conf["span"] - 1))
    if draw(st.booleans()):
        # spans that may not touch need room: at most half the frames
        conf["overlap"] = False
        conf = {k: v / 2 if k == "fraction" else v for k, v in conf.items()}
        if "start_prob" in conf:
            conf["start_prob"] /= 2 * conf["span"] + 2
    return conf


CONFS = {
    "random": (RandomSpans, random_spans()),
    "confidence": (
        ConfidenceSpans,
        st.sampled_from(["highest", "lowest", "random"]).flatmap(lambda order: spans(order=order)),
    ),
    "inverse_block": (
        InverseBlocks,
        st.fixed_dictionaries(
            {"span": SPANS, "fraction": FRACTIONS, "blocks": st.sampled_from(["kept", "masked"])}
        ),
    ),
    "easy_to_hard": (
        EasyToHard,
        st.fixed_dictionaries(
            {
                "span": SPANS,
                "fraction": FRACTIONS,
                "hold": st.sampled_from(["fraction", "starts"]),
                "jump": st.sampled_from([None, [0.7, 0.8]]),
            }
        ),
    ),
}
ONE_OF_EACH = [
    RandomSpans(10, start_prob=0.065),
    RandomSpans(10, fraction=0.4),
    RandomSpans(10, lengths="poisson", start_prob=0.04),
    RandomSpans(10, lengths="normal", spread=5, fraction=0.4, overlap=False),
    ConfidenceSpans(fraction=0.4),
    InverseBlocks(),
    InverseBlocks(blocks="masked"),
    EasyToHard(),
    EasyToHard(hold="starts", jump=[0.7, 0.8], same_count=True),
]


def test_these_are_the_maskers_of_the_registry():
    """Read from the source: importing the registry loads ESPnet."""
    tables = {
        node.targets[0].id: node.value
        for node in ast.parse((ROOT / "espnet_ext/registry.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
    }
    table = tables["MASKERS"]
    named = {k.value: v.id for k, v in zip(table.keys, table.values, strict=True)}
    assert named == {name: masker.__name__ for name, (masker, _) in CONFS.items()}


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("mask_random", 0.4),
        ("mask_confidence", 0.4),
        ("mask_random_w2v2", 0.49),
        ("mask_random_hubert", 0.567),
        ("mask_inverse_block", 0.5),
        ("mask_easy_to_hard", 0.5),
    ],
)
def test_confs_mask_what_they_say(name, masked):
    conf = yaml.safe_load((ROOT / f"conf/method/{name}.yaml").read_text(encoding="utf-8"))
    masker = CONFS[conf["masker"]][0](**conf["masker_conf"])
    generator = seeded(0)
    streams = {
        key: torch.rand((200, 750), generator=generator)
        for key in ("confidence_BT", "predicted_loss_BT")
    }
    mask_BT = masker(torch.full((200,), 750), 750, progress=0.5, generator=generator, **streams)
    assert abs(mask_BT.float().mean() - masked) < 0.005


@st.composite
def draws(draw, name: str):
    masker_class, confs = CONFS[name]
    lengths_B = torch.tensor(draw(st.lists(st.integers(0, 60), min_size=1, max_size=5)))
    max_length = max(1, int(lengths_B.max()) + draw(st.integers(0, 5)))
    shape = (len(lengths_B), max_length)
    generator = seeded(draw(st.integers(0, 2**31)))
    loss_BT = torch.rand(shape, generator=generator)
    loss_BT = draw(st.sampled_from([loss_BT, loss_BT.round(), loss_BT.round().log()]))  # 0, -inf
    given = {
        "confidence_BT": torch.rand(shape, generator=generator) + 0.01,
        "predicted_loss_BT": loss_BT,
        "progress": draw(st.floats(0, 1)),
    }
    seed = draw(st.integers(0, 2**31))
    return masker_class, draw(confs), lengths_B, max_length, given, seed


@pytest.mark.parametrize("name", CONFS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_masks_stay_inside_utterances_and_below_the_bound(name, data):
    masker_class, conf, lengths_B, max_length, given, seed = data.draw(draws(name))
    masker = masker_class(**conf)
    mask_BT = masker(lengths_B, max_length, generator=seeded(seed), **given)
    assert mask_BT.shape == (len(lengths_B), max_length)
    assert mask_BT.dtype == torch.bool
    for mask_T, length in zip(mask_BT, lengths_B.tolist(), strict=True):
        masked = int(mask_T.sum())
        assert not mask_T[length:].any()
        assert masked <= masker.max_masked(length) <= masker.max_masked(max_length)
        assert masked > 0 or length == 0
        assert length - masked <= max_length - masker.min_masked(max_length)
        assert masked < length or length <= 1 or masker.fraction is None or masker.fraction > 0.5
        holds = getattr(masker, "hold", "fraction") == "fraction" and conf.get("overlap", True)
        if masker.fraction is not None and holds and length and name != "confidence":
            wanted = max(1.0, masker.fraction * length)
            assert wanted - masker.longest < masked < wanted + masker.longest

    again_BT = masker(lengths_B, max_length, generator=seeded(seed), **given)
    assert torch.equal(mask_BT, again_BT)
    trimmed = masker_class(**conf, same_count=True)
    trimmed_BT = trimmed(lengths_B, max_length, generator=seeded(seed), **given)
    assert not (trimmed_BT & ~mask_BT).any()
    assert trimmed.min_masked(max_length) == 0
    counts = mask_BT.sum(1)
    least = int(counts[counts > 0].min()) if counts.any() else 0
    assert trimmed_BT.sum(1).tolist() == [least if count else 0 for count in counts.tolist()]


def test_how_much_is_left_visible_is_known_beforehand():
    assert InverseBlocks(fraction=0.5).min_masked(751) == 376
    assert InverseBlocks(fraction=0.5, blocks="masked").min_masked(751) == 375
    assert RandomSpans(10, fraction=0.4).min_masked(750) == 300 - 10
    assert RandomSpans(10, start_prob=0.065).min_masked(750) == 48


def test_trimming_to_the_least_count_takes_frames_at_random():
    masker = RandomSpans(4, fraction=0.5, same_count=True)
    lengths_B = torch.tensor([40, 8] * 4000)
    mask_BT = masker(lengths_B, 40, generator=seeded(0))
    share_T = mask_BT[::2].float().mean(0)
    assert abs(share_T.sum() - mask_BT[1::2].sum(1).float().mean()) < 1e-3
    assert abs(share_T[:20].sum() - share_T[20:].sum()) < 0.1


def asked_of_the_device(function) -> set[str]:
    """Operations for which a GPU would have to tell the host something, and so to wait."""
    with torch.autograd.profiler.profile() as profile:
        function()
    waits = {"item", "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal"}
    return waits & {event.name.removeprefix("aten::") for event in profile.function_events}


@pytest.mark.parametrize("masker", ONE_OF_EACH, ids=lambda masker: type(masker).__name__)
def test_no_masker_asks_the_device(masker):
    lengths_B, progress = torch.tensor([50, 31, 1]), torch.tensor(0.5)
    assert not asked_of_the_device(
        lambda: masker(lengths_B, 50, progress=progress, generator=seeded(1), **STREAMS)
    )


def test_asking_the_device_would_be_seen():
    x = torch.tensor([1.0, 2.0])
    for ask in (lambda: x[x > 1], lambda: float(x.sum()), lambda: bool(x.sum() > 1)):
        assert asked_of_the_device(ask)


@pytest.mark.parametrize("masker", ONE_OF_EACH, ids=lambda masker: type(masker).__name__)
def test_progress_may_be_a_number_or_a_tensor(masker):
    masks = [
        masker(torch.tensor([50, 31, 1]), 50, progress=p, generator=seeded(2), **STREAMS)
        for p in (0.75, torch.tensor(0.75))
    ]
    assert torch.equal(*masks)


def test_a_missing_or_misshapen_stream_is_named():
    lengths_B = torch.tensor([20, 10])
    with pytest.raises(ValueError, match=r"ConfidenceSpans: confidence of shape none.*\(2, 20\)"):
        ConfidenceSpans(fraction=0.4)(lengths_B, 20)
    with pytest.raises(ValueError, match=r"EasyToHard: predicted_loss of shape \(2, 19\)"):
        EasyToHard()(lengths_B, 20, predicted_loss_BT=torch.rand(2, 19))
    with pytest.raises(ValueError, match=r"progress 1\.5"):
        EasyToHard()(lengths_B, 20, predicted_loss_BT=torch.rand(2, 20), progress=1.5)


@pytest.mark.parametrize(
    "conf",
    [{"span": 0}, {"span": 2.5}, {"span": "10"}, {"fraction": "0.4"}, {"fraction": 0}],
    ids=str,
)
def test_settings_without_meaning_are_refused(conf):
    with pytest.raises(ValueError, match=r"masker_conf.*expected"):
        RandomSpans(**{"fraction": 0.4} | conf)
