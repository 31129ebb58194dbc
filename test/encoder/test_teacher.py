"""The teacher: how its weights follow, what it shows, what it leaves alone."""

import copy

import pytest
import torch

from espnet_ext.config import UserError
from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.teacher import EMATeacher
from espnet_ext.encoder.transformer import ContextTransformer

INPUT, DIM = 6, 16
LENGTHS = torch.tensor([11, 5])


def transformer(**options) -> ContextTransformer:
    sizes = {"num_layers": 3, "heads": 2, "ff_dim": 24, "pos_kernel": 4, "pos_groups": 2}
    return ContextTransformer(INPUT, DIM, **sizes | options)


class Predictor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight_D = torch.nn.Parameter(torch.randn(DIM))

    def forward(self, x_BTD):
        return x_BTD @ self.weight_D


def step(module: torch.nn.Module, generator: torch.Generator) -> None:
    """An optimiser's update, as far as a teacher can tell."""
    with torch.no_grad():
        for p in module.parameters():
            p += 0.1 * torch.randn(p.shape, generator=generator)


@pytest.mark.parametrize(
    ("updates", "decay"),
    [(0, 0.999), (1, 0.9990000132), (37500, 0.999495), (75000, 0.99999), (400000, 0.99999)],
)
def test_decay_after_updates(updates, decay):
    weight = EMATeacher(transformer(), top=3).student_weight(torch.tensor(float(updates)))
    assert weight.item() == pytest.approx(1 - decay, rel=1e-5)


@pytest.mark.parametrize("shared", [("embed",), (), ("embed", "positions")])
def test_weights_follow_after_every_update_by_hand(shared):
    torch.manual_seed(0)
    encoder, predictor = transformer(), Predictor()
    teacher = EMATeacher(
        encoder, predictor, start=0.5, end=0.9, anneal_updates=4, top=2, shared=shared
    )
    generator = torch.Generator().manual_seed(1)
    students = {f"encoder.{k}": p for k, p in encoder.named_parameters()}
    students |= {f"predictor.{k}": p for k, p in predictor.named_parameters()}
    expected = {name: p.detach().double().clone() for name, p in students.items()}
    for update, decay in enumerate([0.6, 0.7, 0.8, 0.9, 0.9], 1):
        step(encoder, generator)
        step(predictor, generator)
        teacher.follow(torch.tensor(float(update)))
        for name, average in expected.items():
            slow = name.split(".")[1] not in shared
            average.mul_(decay if slow else 0).add_((1 - decay if slow else 1) * students[name])
    got = dict(teacher.copies.named_parameters())
    assert got.keys() == expected.keys()
    for name, average in expected.items():
        torch.testing.assert_close(got[name].double(), average, rtol=1e-5, atol=1e-6)
        assert not got[name].requires_grad


def test_slow_decay_moves_weights_in_fp32():
    """At 0.99999 a step adds 1e-5 of the difference, which half precision could not hold."""
    encoder = transformer()
    teacher = EMATeacher(encoder, top=1)
    weight = encoder.layers[0].ff[0].weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 1.0
    for update in range(100_000, 100_100):
        teacher.follow(torch.tensor(float(update)))
    moved = teacher.copies["encoder"].layers[0].ff[0].weight - before
    torch.testing.assert_close(
        moved, torch.full_like(moved, 1 - 0.99999**100), rtol=1e-3, atol=1e-7
    )


def test_weights_in_half_precision_are_refused():
    encoder = transformer().bfloat16()
    teacher = EMATeacher(encoder, top=1).bfloat16()
    with pytest.raises(UserError, match="bfloat16, which cannot follow so slowly"):
        teacher.follow(torch.tensor(1.0))


def test_buffers_are_the_students():
    encoder = ContextConformer(INPUT, DIM, 1, 2, 24, 3, conv_norm="batch").train()
    teacher = EMATeacher(encoder, top=1)
    encoder.hidden(encoder.embed(torch.randn(2, 11, INPUT)), LENGTHS)
    teacher.follow(torch.tensor(1.0))
    norm, copied = encoder.layers[0].conv.norm, teacher.copies["encoder"].layers[0].conv.norm
    assert norm.running_mean.any()
    assert torch.equal(norm.running_mean, copied.running_mean)
    assert torch.equal(norm.num_batches_tracked, copied.num_batches_tracked)


def test_it_shows_the_top_layers_of_the_encoder_in_evaluation():
    torch.manual_seed(2)
    encoder = transformer(layer_drop=0.5).train()
    latents_BTD = torch.randn(2, 11, INPUT, requires_grad=True)
    valid_BT = torch.arange(11) < LENGTHS[:, None]
    for tap in ("layer", "ffn"):
        teacher = EMATeacher(encoder, Predictor(), tap=tap, top=2).train()
        shown = teacher(latents_BTD, LENGTHS)
        quiet = copy.deepcopy(encoder).eval()
        x_BTD = quiet.embed(latents_BTD)
        expected = quiet.hidden(x_BTD, LENGTHS, tap=tap)
        for got_BTD, expected_BTD in zip(shown.taps, expected[-2:], strict=True):
            torch.testing.assert_close(got_BTD[valid_BT], expected_BTD[valid_BT])
            assert not got_BTD[~valid_BT].any()
            assert not got_BTD.requires_grad
        last_BTD = quiet.hidden(x_BTD, LENGTHS)[-1]
        torch.testing.assert_close(shown.output_BTD[valid_BT], last_BTD[valid_BT])
        predicted_BT = teacher.predicted_loss(shown)
        torch.testing.assert_close(
            predicted_BT[valid_BT], (last_BTD @ teacher.copies["predictor"].weight_D)[valid_BT]
        )
        assert not predicted_BT.requires_grad
    assert encoder.training


def test_the_predictor_reads_what_a_norm_first_encoder_puts_out():
    torch.manual_seed(3)
    encoder = transformer(norm_first=True).eval()
    shown = EMATeacher(encoder, Predictor(), tap="ffn", top=1)(torch.zeros(2, 11, INPUT), LENGTHS)
    last_BTD = encoder.hidden(encoder.embed(torch.zeros(2, 11, INPUT)), LENGTHS)[-1]
    torch.testing.assert_close(shown.output_BTD[0], last_BTD[0])


def test_a_resume_is_exact_and_the_students_weights_are_not_in_its_state():
    torch.manual_seed(4)
    encoder = transformer()
    teacher = EMATeacher(encoder, top=2, start=0.5, end=0.9, anneal_updates=4)
    generator = torch.Generator().manual_seed(5)
    latents_BTD = torch.randn(2, 11, INPUT)
    for update in (1.0, 2.0):
        teacher(latents_BTD, LENGTHS)
        step(encoder, generator)
        teacher.follow(torch.tensor(update))
    resumed_encoder = transformer()
    resumed = EMATeacher(resumed_encoder, top=2, start=0.5, end=0.9, anneal_updates=4)
    resumed.load_state_dict(teacher.state_dict())
    resumed_encoder.load_state_dict(encoder.state_dict())
    for one, its_encoder in ((teacher, encoder), (resumed, resumed_encoder)):
        one(latents_BTD, LENGTHS)
        step(its_encoder, torch.Generator().manual_seed(6))
        one.follow(torch.tensor(3.0))
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert len(teacher.state_dict()) == len(encoder.state_dict()) + 1


def test_it_begins_where_the_student_begins_even_if_that_was_loaded_later():
    torch.manual_seed(7)
    encoder = transformer()
    teacher = EMATeacher(encoder, top=2)
    step(encoder, torch.Generator().manual_seed(8))  # as weights of another training would
    teacher(torch.randn(2, 11, INPUT), LENGTHS)
    own = dict(teacher.copies["encoder"].named_parameters())
    assert all(torch.equal(own[name], p) for name, p in encoder.named_parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 4}, "top 4; the encoder has 1 to 3 layers"),
        ({"tap": "input"}, "tap 'input' is neither layer nor ffn"),
        ({"shared": ["posit"], "top": 1}, r"shared \['posit'\]; the encoder has no such part"),
        ({"start": 0.9, "end": 0.8, "top": 1}, "expected to rise"),
    ],
)
def test_confs_without_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EMATeacher(transformer(), **options)


def test_an_encoder_without_taps_is_refused():
    with pytest.raises(ValueError, match="ContextConformer shows only its layers' outputs"):
        EMATeacher(ContextConformer(INPUT, DIM, 1, 2, 24, 3), tap="ffn", top=1)
