"""What is in a mix: a yaml that names data directories, and how often each is heard.

seed: 0                                         of the utterances that are taken for a part copy
train:
  ami:         {dirs: [ami/train_ihm], copies: 2}     each utterance twice
  librispeech: {dirs: [librispeech/train_960]}        once; copies: 0.5 is a random half
  tedlium3:    {dirs: [tedlium3/train], share: 0.3}   as often as makes 30 % of the hours
dev:
  ami:         {dirs: [ami/dev_ihm]}
tests: [ami/eval_ihm, librispeech/test_clean]   each a set of its own, ami_eval_ihm
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from espnet_ext.config import UserError, compose

MIXED = ("train", "dev")
KEYS = {"dirs", "copies", "share"}


@dataclass
class Part:
    """The directories of one corpus in a mixed set."""

    dirs: list[str]
    copies: float = 1.0
    share: float | None = None


@dataclass
class Mix:
    """A mix as its yaml has it; `tests` maps the name of a set to its directory."""

    seed: int = 0
    train: dict[str, Part] = field(default_factory=dict)
    dev: dict[str, Part] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)

    def only(self, corpora: list[str]) -> Mix:
        """This mix with these corpora alone. Raises UserError for one that it does not have."""
        known = {*self.train, *self.dev, *(path.split("/")[0] for path in self.tests.values())}
        if unknown := [name for name in corpora if name not in known]:
            raise UserError(f"--corpora {unknown[0]}: expected some of {' '.join(sorted(known))}")
        return Mix(
            self.seed,
            {name: part for name, part in self.train.items() if name in corpora},
            {name: part for name, part in self.dev.items() if name in corpora},
            {name: path for name, path in self.tests.items() if path.split("/")[0] in corpora},
        )


def read_mix(path: Path) -> Mix:
    """Read and check a mix.

    Raises:
        UserError: names the key that is unknown or has a value of another kind.
    """
    conf, _ = compose(path)
    form = "expected seed, train, dev and tests; prepare_corpus speechstew --help shows one"
    if unknown := conf.keys() - {"seed", "tests", *MIXED}:
        raise UserError(f"{path}: unknown key {min(unknown)}; {form}")
    tests = conf.get("tests") or []
    if not isinstance(tests, list) or not all(isinstance(where, str) for where in tests):
        raise UserError(f"{path}: tests: {tests!r}; expected a list such as [ami/eval_ihm]")
    mix = Mix(conf.get("seed") or 0, tests={where.replace("/", "_"): where for where in tests})
    for name in MIXED:
        parts = conf.get(name) or {}
        if not isinstance(parts, dict):
            raise UserError(f"{path}: {name}: {parts!r}; {form}")
        setattr(mix, name, {corpus: _part(f"{path}: {name}.{corpus}", parts[corpus])
                            for corpus in parts})  # fmt: skip
    if not isinstance(mix.seed, int) or not mix.train:
        raise UserError(f"{path}: seed {mix.seed!r}, train {[*mix.train]}; {form}")
    return mix


def _part(where: str, conf: object) -> Part:
    if not isinstance(conf, dict) or conf.keys() - KEYS or not conf.get("dirs"):
        raise UserError(f"{where}: {conf!r}; expected {{dirs: […], copies: 1}} or share: 0.3")
    part = Part(**conf)
    if "copies" in conf and "share" in conf:
        raise UserError(f"{where}: copies and share; expected one of them")
    numbers = [part.copies] + ([] if part.share is None else [part.share])
    if not all(isinstance(n, int | float) and n > 0 for n in numbers) or (part.share or 0) > 1:
        raise UserError(f"{where}: {conf!r}; expected copies above 0, or a share of at most 1")
    return part


def balance(parts: dict[str, Part], hours: dict[str, float], where: str) -> dict[str, float]:
    """Copies of each corpus: as they are given, or such that its share of the hours comes out.

    Shares that leave nothing to others keep the sum of the hours.

    Raises:
        UserError: shares that leave too little or too much to the others.
    """
    shared = {name: part.share for name, part in parts.items() if part.share is not None}
    rest = sum(hours[name] * part.copies for name, part in parts.items() if name not in shared)
    left = 1 - sum(shared.values())
    if (rest and left < 1e-6) or (not rest and shared and abs(left) > 1e-6):
        raise UserError(f"{where}: shares sum up to {1 - left:g}; expected 1 less what others take")
    total = rest / left if rest else sum(hours.values())
    return {
        name: part.copies if part.share is None else part.share * total / (hours[name] or 1)
        for name, part in parts.items()
    }


def copies_of(utt: str, copies: float, seed: int) -> int:
    """How often an utterance comes: for 2.3 copies twice, and three times in 30 % of all cases."""
    drawn = int.from_bytes(blake2b(f"{seed} {utt}".encode(), digest_size=8).digest())
    return int(copies) + (drawn / 2**64 < copies % 1)
