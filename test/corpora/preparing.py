"""`prepare_corpus` of one corpus, as its tests call it, of a part on two threads; what they ask."""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from espnet_ext.config import UserError
from espnet_ext.data.validate import Options, validate


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


def assert_valid(folder: Path, require_text: bool = True) -> None:
    """validate_data_dir finds nothing in it."""
    report, _ = validate(folder, Options(require_text=require_text))
    assert not report.faults, report.lines(warnings=False)


def assert_same_tables(one: Path, other: Path, *more: str) -> None:
    """Two preparations agree, but for wav.scp; `more` tables are compared, too."""
    for table in ("text", "segments", "utt2spk", "spk2utt", "utt2dur", *more):
        assert (one / table).read_text() == (other / table).read_text(), table
