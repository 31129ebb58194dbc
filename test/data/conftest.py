"""What the tests of a corpus share: test_NAME.py is about the look-alike corpora/NAME.py."""

import importlib
from pathlib import Path

import pytest
from corpora import copy_to_damage


@pytest.fixture(scope="module")
def laid_out(request, tmp_path_factory) -> Path:
    """SRC, to be read only."""
    name = request.module.__name__.removeprefix("test_")
    look_alike = importlib.import_module(f"corpora.{name}")
    return look_alike.lay_out(tmp_path_factory.mktemp(name))


@pytest.fixture
def corpus(laid_out, tmp_path) -> Path:
    """SRC, to be damaged."""
    return copy_to_damage(laid_out, tmp_path / "src")
