"""docs/papers.md names only files, functions and tests that exist. Read from the source: quick."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/papers.md").read_text(encoding="utf-8")
CODE = sorted(set(re.findall(r"`(espnet_ext/[\w/]+\.py):([\w.]+)`", PAGE)))
TESTS = sorted(set(re.findall(r"`(test/[\w/]+\.py)::(\w+)`", PAGE)))
CONFS = sorted(set(re.findall(r"`(conf/[\w/]+\.yaml)`", PAGE)))


def names_in(path: Path) -> set[str]:
    """`function`, `Class` and `Class.method` of a file."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{n.name}" for n in node.body if isinstance(n, ast.FunctionDef)}
    return names


@pytest.mark.parametrize(("path", "name"), CODE + TESTS, ids=lambda value: value)
def test_code_and_tests_named_in_the_page_exist(path, name):
    assert (ROOT / path).is_file(), f"docs/papers.md names {path}, which is not there"
    assert name in names_in(ROOT / path), f"docs/papers.md names {path}:{name}"


def test_the_page_is_read_whole():
    """Nothing that looks like a path is skipped by the patterns above."""
    named = set(re.findall(r"`((?:espnet_ext|test|conf)/[^`*]*\.(?:py|yaml)[^`]*)`", PAGE))
    read = {f"{path}:{name}" for path, name in CODE} | {f"{path}::{name}" for path, name in TESTS}
    assert named == read | set(CONFS) | {"test/test_papers.py"}
    assert all((ROOT / conf).is_file() for conf in CONFS)
    assert len(CODE) > 15
    assert len(TESTS) > 15
