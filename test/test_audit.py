"""docs/audit.md says what test/audit.py computes, and why wherever ours is not the paper's."""

import re

import audit
import pytest

FIRM = [
    "BASE (Table 1): par",
    "LARGE, LibriSpeech (Table 1): par",
    "LARGE, LV-60k (Table 1): par",
    "EH-MAM (app. D)",
    "codewords",
    "nested",
    "of 12",
    "one second",
    "a frame sees",
    "EMA decay",
    "temperature",
    "masked",
    "mean span",
    "median span",
    "longest span",
]


@pytest.fixture(scope="module")
def rows():
    return [row for section in audit.SECTIONS.values() for row in section()]


def test_the_page_is_up_to_date():
    assert (audit.ROOT / "docs/audit.md").read_text() == audit.page(), "run `make audit`"


def test_a_difference_has_a_reason(rows):
    assert all(row.why for row in rows if row.agrees is False)


def test_what_agrees_is_what_the_papers_decide(rows):
    """The ones that must never differ, whatever reason somebody writes beside them."""
    for part in FIRM:
        named = [row for row in rows if part in row.what]
        assert named, part
        assert all(row.agrees for row in named), part


def test_tests_that_it_names_exist(rows):
    for row in rows:
        if row.test:
            path, name = row.test.split("::")
            assert re.search(rf"^def {name}\(", (audit.ROOT / path).read_text(), re.MULTILINE)
