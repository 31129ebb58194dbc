"""What every module of espnet_ext/data/corpora keeps to, shown on its look-alike.

A new corpus needs no line here: espnet_ext/data/corpora/NAME and test/corpora/NAME.py are found by
their name. The look-alike has `lay_out(folder) -> SRC`; where its corpus needs options, an
`arguments(SRC, DST)`; and where a pass is not spoilt by emptying the audio files, a `damage(SRC)`.
"""

import contextlib
import importlib
import io
import pkgutil
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from corpora import copy_to_damage
from corpora.preparing import assert_valid

from espnet_ext.bin import prepare_corpus
from espnet_ext.config import UserError
from espnet_ext.data import corpora
from espnet_ext.data.kaldi_dir import read_dict

NAMES = sorted(module.name for module in pkgutil.iter_modules(corpora.__path__))
AUDIO = {".flac", ".g722", ".mp3", ".sph", ".wav", ".wv1"}
SMALLEST = "tedlium3"  # the example of CONTRIBUTING


@dataclass
class Corpus:
    """A module with its look-alike laid out at `src` and prepared at `dst`."""

    name: str
    module: ModuleType
    look_alike: ModuleType
    src: Path
    dst: Path

    def prepare(self, src: Path, dst: Path, *more: str) -> None:
        given = getattr(self.look_alike, "arguments", lambda *_: [])(src, dst)
        if "--complete" in help_of(self.name):
            given = [*given, "--complete", "false"]
        command(self.name, str(src), str(dst), *given, *more)

    def sets(self) -> list[Path]:
        return sorted(path.parent for path in self.dst.glob("*/wav.scp"))


def command(*args: str) -> None:
    """prepare_corpus in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["prepare_corpus", *args])
        prepare_corpus.main()


@cache
def help_of(name: str) -> str:
    """`prepare_corpus NAME --help`."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), pytest.raises(SystemExit) as left:
        command(name, "--help")
    assert left.value.code == 0
    return shown.getvalue()


@pytest.fixture(scope="module", params=NAMES)
def corpus(request, tmp_path_factory) -> Corpus:
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    (folder / "src").mkdir()
    look_alike = importlib.import_module(f"corpora.{name}")
    module = importlib.import_module(f"{corpora.__name__}.{name}")
    laid_out = Corpus(
        name, module, look_alike, look_alike.lay_out(folder / "src"), folder / "data/sets"
    )
    laid_out.prepare(laid_out.src, laid_out.dst, "--nj", "1")
    return laid_out


def contents(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_sets_are_valid_and_sorted(corpus):
    assert corpus.sets()
    for path in corpus.sets():
        assert_valid(path, require_text=(path / "text").exists())
        assert (path / "utt2dur").exists()


def test_no_text_is_empty_and_no_utterance_is_in_two_parts(corpus):
    parts: dict[str, set[str]] = {"train": set(), "dev": set(), "test": set()}
    for path in corpus.sets():
        if (path / "text").exists():
            texts = read_dict(path / "text")
            assert all(re.search(r"\w", text) for text in texts.values())
            part = next((p for p in parts if re.search(rf"(^|_){p}", path.name)), "")
            parts.get(part, set()).update(texts)
    assert not parts["train"] & (parts["dev"] | parts["test"])


def test_the_same_bytes_again_and_nothing_written_to_src(corpus):
    before = contents(corpus.dst)
    src = corpus.src if corpus.src.is_dir() else corpus.src.parent
    there = {path: path.stat().st_mtime_ns for path in src.rglob("*")}
    corpus.prepare(corpus.src, corpus.dst, "--nj", "2")
    assert contents(corpus.dst) == before
    assert {path: path.stat().st_mtime_ns for path in src.rglob("*")} == there


def test_the_docstring_tells_layout_and_sets_and_help_shows_it(corpus):
    doc = corpus.module.__doc__
    assert "SRC" in doc
    assert len(re.findall(r"^    \S", doc, re.MULTILINE)) >= 2  # lines of the layout
    assert re.search(r"\bsets?\b|DST", doc, re.IGNORECASE)
    assert doc.strip().splitlines()[0] in help_of(corpus.name)


def test_how_to_get_it_is_known(corpus, tmp_path):
    assert hasattr(corpus.module, "archives") or len(corpus.module.OBTAIN) > 20
    if not hasattr(corpus.module, "archives"):
        with pytest.raises(UserError, match="cannot be fetched; ") as caught:
            corpus.prepare(tmp_path, tmp_path, "--download", "true")
        assert corpus.module.OBTAIN in str(caught.value)


@pytest.mark.parametrize("root", ["empty", "absent"])
def test_a_wrong_root_is_one_clear_line(corpus, root, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        corpus.prepare(tmp_path / root, tmp_path / "data")
    said = str(caught.value)
    assert "\n" not in said and str(tmp_path / root) in said and len(said) < 500
    assert not list(tmp_path.rglob("wav.scp"))


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    """Every audio file is emptied: more than one is counted, and none of their sets is written."""
    if corpus.src.is_dir():
        src = copy_to_damage(corpus.src, tmp_path / "src")
    else:
        src = tmp_path / corpus.src.name
        src.write_bytes(corpus.src.read_bytes())
    damage = getattr(corpus.look_alike, "damage", empty_audio)
    damage(src)
    with pytest.raises(UserError) as caught:
        corpus.prepare(src, tmp_path / "data")
    assert str(tmp_path) in str(caught.value)
    if damage is empty_audio:
        counts = [int(n) for n in re.findall(r"\((\d+)\); first: ", str(caught.value))]
        assert max(counts, default=0) > 1, caught.value
    assert not list((tmp_path / "data").rglob("wav.scp"))


def empty_audio(src: Path) -> None:
    for path in src.rglob("*"):
        if path.suffix.lower() in AUDIO:
            path.unlink()  # it may be a link
            path.touch()


def test_the_example_of_contributing_is_a_short_one():
    path = Path(corpora.__path__[0]) / f"{SMALLEST}.py"
    assert len(path.read_text().splitlines()) <= 100
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    assert f"corpora/{SMALLEST}.py" in guide
