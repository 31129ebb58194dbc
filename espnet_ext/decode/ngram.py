"""n-gram language models for the search: ARPA and KenLM files, read by flashlight's KenLM.

    \\data\\
    ngram 1=2031
    \\1-grams:
    -2.3010	HELLO	-0.3010        log10 of the probability, the word, log10 of the back-off
    \\end\\
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet_ext.config import UserError

SPECIAL = {"<s>", "</s>", "<unk>", "<UNK>"}
UNHEARD = "<no such word>"  # with spaces: no file of an LM can hold it


def flashlight(what: str):
    """flashlight-text's decoder module.

    Raises:
        UserError: it is not installed.
    """
    try:
        import flashlight.lib.text.decoder as module
    except ImportError:
        python = ".".join(map(str, sys.version_info[:2]))
        raise UserError(
            f"{what}: needs flashlight-text, which is not installed (Python {python}; it has "
            "wheels up to 3.12); use search: greedy, or set up with Python 3.12"
        ) from None
    return module


def load_ngram(path: str | Path, units: Sequence[str]):
    """An n-gram over words or tokens, as flashlight's LM: unit i has index i.

    Its scores are log10 probabilities, as the file holds them and as the papers' weights (wav2vec
    2.0, Tables 7-8, found with the same library) take them.

    Raises:
        UserError: no such file, one cut short, or one over another vocabulary.
    """
    path = Path(path)
    flashlight(f"{path}")
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    with _plain(path) as plain:
        _check_whole(plain, path)
        try:
            with _quiet():
                lm = KenLM(str(plain), Dictionary([*units, UNHEARD]))
        except RuntimeError as err:
            reason = next((line for line in reversed(str(err).splitlines()) if line.strip()), "")
            raise UserError(f"{path}: KenLM cannot read it: {reason.strip()}") from None
    unknown = _unknown(lm, units)
    if len(unknown) > len(units) / 2:
        raise UserError(
            f"{path}: an LM over another vocabulary: it lacks {len(unknown)} of the "
            f"{len(units)} units of the search; first: {unknown[0]} (case? words or tokens?)"
        )
    return lm


def _unknown(lm, units: Sequence[str]) -> list[str]:
    """Units that the LM scores as it does one that cannot be in it. A rare word of a small LM may
    happen to have that score, so the list is fit for a majority, not for a single word."""
    start = lm.start(False)
    floor = lm.score(start, len(units))[1]
    return [unit for i, unit in enumerate(units) if lm.score(start, i)[1] == floor]


def arpa_words(path: str | Path) -> list[str] | None:
    """Words of an ARPA file, in its order, without `<s>`, `</s>`, `<unk>`; None for a KenLM binary.

    Raises:
        UserError: no such file.
    """
    words, inside = [], False
    with _open(Path(path)) as handle:
        for i, raw in enumerate(handle):
            if not inside and i > 1000:
                return None
            line = raw.decode("utf-8", errors="replace").strip()
            if line == "\\1-grams:":
                inside = True
            elif inside and line.startswith("\\"):
                return words
            elif inside and line:
                # -2.3010	HELLO	-0.3010
                word = line.split()[1:2]
                words += [w for w in word if w not in SPECIAL]
    return words if inside else None


def _open(path: Path):
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == b"\x1f\x8b"
        return gzip.open(path, "rb") if packed else path.open("rb")
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected an ARPA or KenLM file") from None


@contextlib.contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """The file itself, or an unpacked copy: this build of KenLM does not unpack."""
    with _open(path) as handle:
        if not isinstance(handle, gzip.GzipFile):
            yield path
            return
        with tempfile.NamedTemporaryFile(suffix=".arpa") as copy:
            try:
                shutil.copyfileobj(handle, copy)
            except (EOFError, OSError):
                raise UserError(f"{path}: cut short or damaged; copy or build it again") from None
            copy.flush()
            yield Path(copy.name)


def _check_whole(plain: Path, path: Path) -> None:
    with plain.open("rb") as handle:
        head = handle.read(4096)
        if head.startswith(b"mmap lm "):
            return  # KenLM checks its own files
        if b"\\data\\" not in head:
            raise UserError(f"{path}: neither ARPA (no \\data\\ at its head) nor a KenLM file")
        handle.seek(max(0, os.fstat(handle.fileno()).st_size - 4096))
        if b"\\end\\" not in handle.read():
            raise UserError(f"{path}: cut short (no \\end\\ at its end); copy or build it again")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """KenLM draws a progress bar on file descriptor 2, whatever that is."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
