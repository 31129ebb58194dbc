"""Find the keys of a conf that nothing would read, at any depth, before hours are spent on it."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

import torch
from espnet2.asr.ctc import CTC
from espnet2.asr_transducer.activation import get_activation
from espnet2.asr_transducer.joint_network import JointNetwork
from espnet2.tasks.abs_task import optim_classes, scheduler_classes

from espnet_ext import registry
from espnet_ext.config import UserError
from espnet_ext.tasks.asr import ASRTask
from espnet_ext.tasks.lm import LMTask
from espnet_ext.tasks.ssl import SSLTask
from espnet_ext.tasks.training.guards import Guard

_GIVEN = {"self", "train", "vocab_size", "latent_dim", "optimizer", "params"}


def check_conf(conf: dict[str, Any], task: str, source: str) -> None:
    """Check a flat conf against the options and constructors that will read it.

    Args:
        task: `ssl`, `asr` or `lm`. source: file name for messages.

    Raises:
        UserError: naming every unknown key with its place and the nearest known one.
    """
    task_class = {"ssl": SSLTask, "asr": ASRTask, "lm": LMTask}[task]
    parser = task_class.get_parser()
    known = {action.dest for action in parser._actions}
    faults = [_unknown(key, known, "") for key in conf if key not in known]
    choices = {c.name: c.classes for c in task_class.class_choices_list}
    choices |= {"optim": optim_classes, "scheduler": scheduler_classes}
    for name, classes in choices.items():
        faults += _check_choice(name, conf, classes, parser.get_default(name))
    faults += [  # argparse asks this of the command line alone
        _unknown(conf[action.dest], action.choices, f"{action.dest}: ")
        for action in parser._actions
        if action.choices and action.dest not in choices
        if conf.get(action.dest) is not None and conf[action.dest] not in action.choices
    ]
    faults += _check_keys("guard_conf", conf, _parameters(Guard.__init__))
    if task == "asr":  # three parts that ESPnet gives no choice of
        faults += _check_keys("ctc_conf", conf, _parameters(CTC.__init__))
        joint = _parameters(JointNetwork.__init__) | _parameters(get_activation)
        faults += _check_keys("joint_net_conf", conf, joint)
        faults += _check_keys("channel_masker_conf", conf, {"start_prob", "span"})
    if task == "ssl":
        faults += _check_entries("targets", conf, registry.TARGETS, {"name", "conf"})
        faults += _check_entries(
            "losses", conf, registry.LOSSES, {"name", "target", "layer", "weight", "conf"}
        )
    if faults := faults or _check_training(conf, parser):
        raise UserError(f"{source}: " + "; ".join(faults))


def _check_choice(
    name: str, conf: dict, classes: dict[str, type], default: str | None
) -> list[str]:
    chosen = conf.get(name, default)
    if chosen is None:
        return []
    if chosen not in classes:
        return [_unknown(chosen, classes, f"{name}: ")]
    accepted = _accepts(classes[chosen])
    return [] if accepted is None else _check_keys(f"{name}_conf", conf, accepted)


def _check_training(conf: dict, parser) -> list[str]:
    """Values that optimiser, scheduler or guard refuse: they are built on a parameter of no use,
    since the real ones are built after the model, and not where a refusal would be one line."""
    name = conf.get("optim", parser.get_default("optim"))
    try:
        unused = torch.zeros(1, requires_grad=True)
        optimizer = optim_classes[name]([unused], **conf.get("optim_conf", {}))
        if name := conf.get("scheduler"):
            scheduler_classes[name](optimizer, **conf.get("scheduler_conf", {}))
        name = "guard"
        Guard(**conf.get("guard_conf", {}))
    except Exception as err:  # ESPnet's schedulers assert, or check types
        return [f"{name}: {' '.join(str(err).split())}"]
    return []


def _check_keys(where: str, conf: dict, accepted: set[str]) -> list[str]:
    return [
        _unknown(key, accepted, f"{where}.") for key in conf.get(where) or {} if key not in accepted
    ]


def _check_entries(where: str, conf: dict, table: dict[str, type], keys: set[str]) -> list[str]:
    faults = []
    for own_name, entry in (conf.get(where) or {}).items():
        place = f"{where}.{own_name}."
        faults += [_unknown(key, keys, place) for key in entry if key not in keys]
        name = entry.get("name")
        if name not in table:
            faults.append(_unknown(str(name), table, f"{place}name: "))
            continue
        accepted = _accepts(table[name])
        faults += [
            _unknown(key, accepted, f"{place}conf.")
            for key in entry.get("conf") or {}
            if key not in accepted
        ]
    return faults


def _accepts(cls: type) -> set[str] | None:
    """Names a constructor takes, through `**kwargs` up to its bases; None if it takes any."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        names |= _parameters(base.__init__)
        parameters = inspect.signature(base.__init__).parameters.values()
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return names
    return None


def _parameters(function) -> set[str]:
    """Names that a conf may give to a function."""
    parameters = inspect.signature(function).parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named - _GIVEN


def _unknown(key: str, known, place: str) -> str:
    near = difflib.get_close_matches(str(key), [str(k) for k in known], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(map(str, known)))}"
    if len(hint) > 300:
        hint = "see --help"
    return f"unknown {place}{key!r} ({hint})"
