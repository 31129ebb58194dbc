"""`prepare_corpus` of one corpus, as its tests call it: of a part, on two threads."""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from espnet_ext.config import UserError


def runner(corpus: ModuleType) -> tuple[Callable[..., None], Callable[..., str]]:
    """Functions (src, dst, option, value, …): to prepare, and to get what is said of its faults."""

    def prepare(src: Path, dst: Path, *more: str) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("--nj", type=int, default=2)
        corpus.add_arguments(parser)
        corpus.prepare(src, dst, parser.parse_args(["--complete", "false", *more]))

    def faults(src: Path, dst: Path, *more: str) -> str:
        with pytest.raises(UserError) as caught:
            prepare(src, dst, *more)
        return str(caught.value)

    return prepare, faults
