"""Experiment configs that extend building blocks, and the few helpers every command shares.

A conf is one yaml. `extends:` lists building blocks; dicts merge, scalars and lists replace, and
the file's own keys come last. One level only: a block may not extend, so a reader never has to
follow a chain.
"""

from __future__ import annotations

import argparse
import difflib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml


class UserError(Exception):
    """A fault the user can mend. The message names the file, what was expected and the mend."""


def str2bool(text: str) -> bool:
    """`true` or `false`, as ESPnet's own options take them."""
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside `path`; rename it to `path` only if the block ends well.

    A killed or failing writer leaves the earlier file intact and nothing under the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = None if "b" in mode else "utf-8"
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(fd, mode, encoding=encoding) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException as err:
        Path(name).unlink(missing_ok=True)
        if isinstance(err, OSError) and err.filename is None:  # a full disk does not say whose
            err.filename = str(path)
        raise


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        conf = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        near = _nearest(path.name, [path.parent])
        raise UserError(f"{path}: no such conf; {near or 'check the name'}") from None
    except yaml.YAMLError as err:
        where = getattr(err, "problem_mark", None)
        line = f" line {where.line + 1}:" if where else ""
        raise UserError(f"{path}:{line} not valid yaml ({getattr(err, 'problem', err)})") from None
    if not isinstance(conf, dict):
        raise UserError(f"{path}: expected `key: value` pairs at the top level")
    return conf


def _merge(base: dict, over: dict, origin: str, origins: dict[tuple, str], at: tuple = ()) -> dict:
    merged = dict(base)
    for key, value in over.items():
        here = (*at, key)
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value, origin, origins, here)
        elif isinstance(value, dict):
            merged[key] = _merge({}, value, origin, origins, here)
        else:
            merged[key] = value
            origins[here] = origin
    return merged


def compose(path: str | Path) -> tuple[dict[str, Any], dict[tuple, str]]:
    """Merge a conf with the blocks it extends.

    Args:
        path: an experiment yaml. Names in `extends:` are looked up beside it, then upwards in every
            parent's `conf/`.

    Returns:
        The flat conf, and for each leaf's key path the file that set it.

    Raises:
        UserError: a missing or malformed file, or a block that itself extends.
    """
    path = Path(path)
    own = _read_yaml(path)
    names = own.pop("extends", [])
    names = [names] if isinstance(names, str) else names
    flat: dict[str, Any] = {}
    origins: dict[tuple, str] = {}
    for name in names:
        block_path = _find_block(str(name), path)
        block = _read_yaml(block_path)
        if "extends" in block:
            raise UserError(
                f"{block_path}: a building block may not extend another; "
                f"list both under `extends:` in {path}"
            )
        flat = _merge(flat, block, str(name), origins)
    return _merge(flat, own, path.name, origins), origins


def shrink(flat: dict[str, Any], origins: dict[tuple, str], path: Path) -> None:
    """Lay the settings of a conf over those that `flat` already has, in place; others are left out.

    So one small block fits every method: it names the widths of all, and each conf has some.

    Raises:
        UserError: no such conf, or a malformed one.
    """

    def lay(over: dict[str, Any], onto: dict[str, Any], at: tuple) -> None:
        for key in over.keys() & onto.keys():
            if isinstance(over[key], dict) and isinstance(onto[key], dict):
                lay(over[key], onto[key], (*at, key))
            elif not isinstance(over[key], dict) and not isinstance(onto[key], dict):
                onto[key] = over[key]
                origins[(*at, key)] = path.name

    lay(_read_yaml(path), flat, ())


def _find_block(name: str, user: Path) -> Path:
    places = [user.parent, *(parent / "conf" for parent in user.resolve().parents)]
    for place in places:
        if (place / name).is_file():
            return place / name
    near = _nearest(name, places) or "name a file such as method/w2vbert.yaml"
    raise UserError(
        f"{user}: extends {name!r}, which is neither beside it nor in a conf/ above it; {near}"
    )


def _nearest(name: str, places: list[Path]) -> str:
    """`did you mean 'arch/conformer.yaml'?`, from the yaml files in and below the places."""
    known = {
        str(found.relative_to(place))
        for place in places
        if place.is_dir()
        for found in (*place.glob("*.yaml"), *place.glob("*/*.yaml"))
    }
    stems = {name.removesuffix(".yaml"): name for name in sorted(known)}  # all end alike
    near = difflib.get_close_matches(name.removesuffix(".yaml"), stems, n=1, cutoff=0.5)
    return f"did you mean {stems[near[0]]!r}?" if near else ""


class _OneLine(yaml.SafeDumper):
    """Strings with line ends in double quotes, so that every leaf is one line."""


_OneLine.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if "\n" in text else None
    ),
)


def _inline(value: Any) -> str:
    text = yaml.dump(value, Dumper=_OneLine, default_flow_style=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("...").strip()


def dump(flat: dict[str, Any], origins: dict[tuple, str]) -> str:
    """The flat conf as yaml, each leaf with the file it came from as a comment."""
    lines: list[str] = []

    def walk(node: dict[str, Any], at: tuple, indent: str) -> None:
        for key, value in node.items():
            here = (*at, key)
            if isinstance(value, dict) and value:
                lines.append(f"{indent}{_inline(key)}:")
                walk(value, here, indent + "  ")
                continue
            origin = origins.get(here, "default")
            lines.append(f"{indent}{_inline(key)}: {_inline(value)}  # {origin}")

    walk(flat, (), "")
    return "\n".join(lines) + "\n"
