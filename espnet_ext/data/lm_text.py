"""What language models learn from: transcripts of data directories, and plain text.

    en-allison-hello HELLO WORLD      a Kaldi `text`: the first column is an utterance id
    HELLO WORLD                       plain text, a sentence a line, .gz or not

Text is taken as it stands: it is normalised where it is prepared, by the rules of the transcripts
(LibriSpeech's comes normalised: upper case, no punctuation but the apostrophe).
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.download import Archive, Fetcher
from espnet_ext.data.kaldi_dir import read_table
from espnet_ext.data.tokens import BLANK, BOUNDARY, UNKNOWN

OPENSLR_11 = "https://www.openslr.org/resources/11"
# Of OpenSLR 11, with sizes in bytes as Kaldi's recipe checks them; no checksums are published, and
# the text's size is not known to us.
OFFICIAL_ARPA = {
    "3-gram": 759636181,
    "3-gram.pruned.1e-7": 34094057,
    "3-gram.pruned.3e-7": 13654242,
    "4-gram": 1355172078,
}
OFFICIAL_TEXT = "librispeech-lm-norm.txt.gz"


def fetch_arpa(name: str, out: Path, mirror: str = "") -> Path:
    """Fetch one of LibriSpeech's n-grams to `out`/lm.arpa, packed (gzip) as it comes, which those
    that read n-grams notice; what is there is not fetched again.

    Raises:
        UserError: no such n-gram, or it cannot be fetched whole.
    """
    if name not in OFFICIAL_ARPA:
        raise UserError(f"--official {name}: expected one of {', '.join(OFFICIAL_ARPA)}")
    target = out / "lm.arpa"
    url = f"{OPENSLR_11}/{name}.arpa.gz"
    Fetcher(mirror).fetch_all([Archive(url, target, size=OFFICIAL_ARPA[name])])
    return target


def fetch_text(path: Path, mirror: str = "") -> None:
    """Fetch LibriSpeech's LM text (1.4 GB, 40 million sentences) to a path of that name."""
    if path.name != OFFICIAL_TEXT:
        raise UserError(f"--download: {path} is not public; LibriSpeech's is {OFFICIAL_TEXT}")
    Fetcher(mirror).fetch_all([Archive(f"{OPENSLR_11}/{OFFICIAL_TEXT}", path)])


def sentences(texts: Iterable[Path], plain: Iterable[Path] = ()) -> Iterator[str]:
    """Sentences with words, one space between them.

    Args:
        texts: Kaldi `text` files. plain: without ids.

    Raises:
        UserError: a file that is not there or not UTF-8, or no words in any.
    """
    texts, plain = list(texts), list(plain)
    found = 0
    for path in texts:
        for _, line in read_table(path):
            if words := line.split():
                found += 1
                yield " ".join(words)
    for path in plain:
        for line in _lines(path):
            if words := line.split():
                found += 1
                yield " ".join(words)
    if not found:
        names = ", ".join(map(str, [*texts, *plain])) or "no --text"
        raise UserError(f"{names}: no words; an LM needs sentences to learn from")


def _lines(path: Path) -> Iterator[str]:
    try:
        packed = path.open("rb").read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as handle:
            for number, raw in enumerate(handle, 1):
                try:
                    yield raw.decode("utf-8")
                except UnicodeDecodeError:
                    raise UserError(f"{path}:{number}: not UTF-8") from None
    except FileNotFoundError:
        mend = "; --download true fetches it" if path.name == OFFICIAL_TEXT else ""
        raise UserError(f"{path}: no such text; expected a sentence a line{mend}") from None
    except (OSError, EOFError) as err:
        raise UserError(f"{path}: cannot be read ({err}); fetch it anew") from None


def write_words(lines: Iterable[str], path: Path, min_count: int = 1) -> int:
    """The vocabulary of a word LM: `<blank>`, `<unk>`, the words of the text, the commonest first,
    `<sos/eos>`. The blank keeps index 0, which ESPnet's LMs take for padding.

    Args:
        min_count: rarer words become `<unk>`.

    Returns:
        The number of tokens.

    Raises:
        UserError: no word is that common.
    """
    counts = Counter(word for line in lines for word in line.split())
    words = [word for word, count in counts.items() if count >= min_count]
    words = [word for word in words if word not in (BLANK, UNKNOWN, BOUNDARY)]
    if not words:
        raise UserError(f"min_count {min_count}: no word of the text is there so often; lower it")
    tokens = [BLANK, UNKNOWN, *sorted(words, key=lambda word: (-counts[word], word)), BOUNDARY]
    with atomic_write(path) as handle:
        handle.writelines(f"{token}\n" for token in tokens)
    return len(tokens)
