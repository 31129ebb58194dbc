"""`prepare_corpus` of one corpus, as its tests call it: of a part, on two threads."""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from espnet_ext.config import UserError


def options_of(corpus: ModuleType, *more: str) -> argparse.Namespace:
    """Its options as they are parsed; a part of it will do unless `more` says otherwise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nj", type=int, default=2)
    corpus.add_arguments(parser)
    part = [] if parser.get_default("complete") is None else ["--complete", "false"]
    return parser.parse_args([*part, *more])


def runner(corpus: ModuleType) -> tuple[Callable[..., None], Callable[..., str]]:
    """Functions (src, dst, option, value, …): to prepare, and to get what is said of its faults."""

    def prepare(src: Path, dst: Path, *more: str) -> None:
        corpus.prepare(src, dst, options_of(corpus, *more))

    def faults(src: Path, dst: Path, *more: str) -> str:
        with pytest.raises(UserError) as caught:
            prepare(src, dst, *more)
        return str(caught.value)

    return prepare, faults
