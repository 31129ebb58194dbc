"""Trained experiments as their directories describe them, and where each one started from.

Nothing is inferred that a file states: names of directories are read only where no marker or
config.yaml says it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import yaml

from espnet_ext.analysis import provenance

STAGE_OF = {"scorer": "scorer", "ssl": "pretrain", "asr": "finetune"}
# settings that may differ between two runs that only differ in their seed
NOT_SETTINGS = re.compile(
    r"seed|output_dir|config|init_param|log_level|ngpu|num_workers|dist_.*|local_rank|"
    r".*_data_path_and_name_and_type|.*_shape_file|bpemodel|token_list|version"
)


class IncompleteError(Exception):
    """A directory lacks something; the message names the file and what is wrong."""


@dataclass
class Training:
    """One of exp/scorer_*, exp/ssl_*, exp/asr_*."""

    path: Path
    kind: str
    config: dict[str, Any]
    marker: dict[str, Any]
    starts: list[dict[str, Any]] = field(default_factory=list)  # see provenance.record

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def seed(self) -> int:
        return self.config["seed"]

    @property
    def sets(self) -> list[str]:
        """`["train_960"]`: names of the data directories whose speech it was trained on."""
        given = self.config.get("train_data_path_and_name_and_type") or []
        return [Path(path).parent.name for path, name, _ in given if name == "speech"]

    @property
    def settings(self) -> str:
        """Two runs of equal settings differ in nothing but seed, data paths and machine."""
        return _digest(self.config)

    @property
    def budget(self) -> str:
        """Equal for fine-tunings that may be compared whatever they start from: from scratch there
        is no encoder to keep frozen at first."""
        model_conf = {**(self.config.get("model_conf") or {})}
        model_conf.pop("freeze_updates", None)
        return _digest({**self.config, "model_conf": model_conf})

    @cached_property
    def history(self) -> History:
        return read_history(self.path, self.config.get("accum_grad") or 1)

    def conf(self, tag: str = "") -> str:
        """Stem of the conf, from the stage's marker, else from the directory's name less `tag`."""
        if stem := conf_in(self.marker):
            return stem
        name = re.sub(r"_(ssl)?seed\d+$", "", self.name.removeprefix(f"{self.kind}_"))
        return name.removesuffix(f"_{tag}") if tag else name


def _digest(config: dict[str, Any]) -> str:
    kept = {k: v for k, v in config.items() if not NOT_SETTINGS.fullmatch(k)}
    kept["tokens"] = config.get("token_list")
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class History:
    """What ESPnet's reporter remembers: curves[phase][key] is a value per epoch, from epoch 1."""

    epochs: int
    updates: list[int]  # after each epoch, since the start
    curves: dict[str, dict[str, list[float]]]
    trained_parameters: int | None


def read_training(path: Path) -> Training:
    """Raises IncompleteError if config.yaml is missing or unreadable."""
    kind = path.name.partition("_")[0]
    config_file = path / "config.yaml"
    try:
        config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as err:
        raise IncompleteError(f"{config_file}: {_why(err)}") from None
    if not isinstance(config, dict) or "seed" not in config:
        raise IncompleteError(f"{config_file}: not a config that ESPnet wrote (no seed in it)")
    marker = read_marker(path, STAGE_OF[kind])
    return Training(path, kind, config, marker, provenance.read(path))


def read_history(path: Path, accum_grad: int) -> History:
    """The reporter and the optimiser's sizes in checkpoint.pth.

    train.log holds the same figures, rounded, and twice where a run was resumed.

    Raises:
        IncompleteError: missing or unreadable.
    """
    from espnet2.torch_utils.safe_torch_load import safe_torch_load

    checkpoint = path / "checkpoint.pth"
    try:
        states = safe_torch_load(checkpoint, map_location="cpu", mmap=True)
        reporter = states["reporter"]
    except Exception as err:  # torch raises many kinds for a damaged file
        raise IncompleteError(f"{checkpoint}: {_why(err)}") from None
    epochs = sorted(reporter["stats"])
    curves: dict[str, dict[str, list[float]]] = {}
    for phase in ("train", "valid"):
        per_epoch = [reporter["stats"][epoch].get(phase, {}) for epoch in epochs]
        keys = sorted({key for stats in per_epoch for key in stats} - {"time", "total_count"})
        curves[phase] = {k: [float(s.get(k, "nan")) for s in per_epoch] for k in keys}
    # ESPnet counts batches since the start; one update takes `accum_grad` of them; those that
    # an epoch has left over are dropped
    batches = [0] + [reporter["stats"][epoch]["train"]["total_count"] for epoch in epochs]
    updates = accumulate((end - start) // accum_grad for start, end in pairwise(batches))
    return History(reporter["epoch"], list(updates), curves, _trained_parameters(states))


def _trained_parameters(states: dict[str, Any]) -> int | None:
    """Exact where the optimiser keeps a tensor per parameter (Adam and its kin), else None."""
    total = 0
    for optimizer in states.get("optimizers", []):
        listed = sum(len(group["params"]) for group in optimizer["param_groups"])
        kept = [max(t.numel() for t in s.values()) for s in optimizer["state"].values() if s]
        if not kept or len(kept) != listed:
            return None
        total += sum(kept)
    return total or None


def read_marker(home: Path, stage: str) -> dict[str, Any]:
    """The done-marker of a stage (espnet_ext/stage.py); empty where there is none."""
    try:
        marker = json.loads((home / ".done" / f"{stage}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def conf_in(marker: dict[str, Any]) -> str | None:
    """`asr_rnnt`, from the keys `conf/asr_rnnt.yaml optim_conf.lr` of a marker."""
    paths = {key.rpartition(" ")[0] for key in marker.get("confs", {})}
    return Path(paths.pop()).stem if len(paths) == 1 else None


@dataclass(frozen=True)
class Start:
    """Where a fine-tuning began. `ssl` None and `tag` "scratch": at random weights."""

    tag: str
    ssl: Training | None = None
    epoch: int | None = None
    updates: int | None = None


def start_of(asr: Training, trainings: dict[str, Training]) -> Start:
    """The pre-training behind a recogniser, from its config's `init_param`.

    Args:
        trainings: by name; `ssl_x@4ep`, a copy of an early checkpoint, stands for `ssl_x`. One of
            another recipe is added when it is met.

    Raises:
        IncompleteError: the pre-training is not there, or two places state different epochs.
    """
    # exp/ssl_w2vbert_atm/latest.pth:encoder:encoder
    weights = {Path(str(entry).split(":")[0]) for entry in asr.config.get("init_param") or []}
    if not weights:
        return Start("scratch")
    if len(weights) > 1:
        listed = ", ".join(sorted(map(str, weights)))
        raise IncompleteError(f"{asr.path}/config.yaml: weights from several files ({listed})")
    file = weights.pop()
    folder, _, at = file.parent.name.partition("@")
    ssl = _pretraining(file.parent.with_name(folder), trainings)
    if ssl is None:
        raise IncompleteError(f"{asr.path}: started from {file}, which is not there any more")
    stated = [
        re.search(r"@(\d+)ep(?:_|$)", asr.name),
        re.fullmatch(r"(\d+)ep", at),
        re.fullmatch(r"(\d+)epoch\.pth", file.name),
    ]
    epochs = {int(match[1]) for match in stated if match}
    if len(epochs) > 1:
        raise IncompleteError(
            f"{asr.path}: its name and {file} state different pre-training epochs"
        )
    try:
        updates = ssl.history.updates
    except IncompleteError:  # the score stands all the same; the number of updates is not known
        updates = []
    if not epochs and updates and _still_the_same(asr.marker, ssl.marker, str(file)):
        epochs = {len(updates)}
    tag = folder.removeprefix("ssl_") + (f"@{at}" if at else "")
    if name_at := stated[0]:
        tag = f"{folder.removeprefix('ssl_')}@{name_at[1]}ep"
    if not epochs:
        return Start(tag, ssl)
    epoch = epochs.pop()
    return Start(tag, ssl, epoch, updates[epoch - 1] if epoch <= len(updates) else None)


def _pretraining(home: Path, trainings: dict[str, Training]) -> Training | None:
    """That of this recipe or, with a path that leads there, of another: read once, then known."""
    own = trainings.get(home.name)
    if own is not None and (not home.is_dir() or home.resolve() == own.path.resolve()):
        return own if own.kind == "ssl" else None
    key = str(home.resolve())
    if key not in trainings and home.name.startswith("ssl_") and home.is_dir():
        trainings[key] = read_training(home)
    return trainings.get(key)


def _still_the_same(reader: dict[str, Any], writer: dict[str, Any], path: str) -> bool:
    """False if markers show that a file was written anew after it was read."""
    was = reader.get("inputs", {}).get(path)
    now = writer.get("outputs", {}).get(path)
    return was is None or now is None or was == now


def scorer_conf(ssl: Training, workdir: Path) -> str | None:
    """Conf of the scorer behind the confidences that a pre-training read.

    Returns:
        "none" where its masker reads no confidences, None where the trail is broken.
    """
    if ssl.config.get("masker") != "confidence":
        return "none"
    for entry in ssl.config.get("train_data_path_and_name_and_type") or []:
        if entry[1] != "confidence":
            continue
        dump = workdir / "dump" / Path(entry[0]).parent.name
        marker = read_marker(dump, "confidence")
        ark = str(Path(entry[0]).with_suffix(".ark"))
        for path in marker.get("inputs", {}):
            # exp/scorer_ctc/config.yaml
            folder = Path(path).parent
            is_scorer = Path(path).name == "config.yaml" and folder.name.startswith("scorer_")
            if is_scorer and _still_the_same(ssl.marker, marker, ark):
                own = conf_in(read_marker(workdir / "exp" / folder.name, "scorer"))
                return own or folder.name.removeprefix("scorer_")
    return None


def _why(err: Exception) -> str:
    if isinstance(err, FileNotFoundError):
        return "missing"
    reason = err.strerror if isinstance(err, OSError) else None
    return f"cannot be read ({reason or type(err).__name__})"  # torch's texts fill a screen
