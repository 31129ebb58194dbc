"""Build an n-gram language model: its ARPA file, its lexicon, and how well it knows other text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.lm_text import sentences
from espnet_ext.data.ngram import train_ngram, write_arpa
from espnet_ext.decode.conf import read_conf
from espnet_ext.decode.lexicon import spell
from espnet_ext.decode.ngram import arpa_words, load_ngram
from espnet_ext.decode.units import SPACE, unit_of


def settings_of(decode_config: Path) -> dict:
    """What the `ngram:` of a decode conf says: `order`, `prune`, `official`, and the `unit` that
    its search counts in.

    Raises:
        UserError: it has none to be built, or an unknown key.
    """
    conf = read_conf(decode_config)
    if not isinstance(conf.ngram, dict):
        raise UserError(f"{decode_config}: no `ngram: {{order: N}}`: there is none to be built")
    known = {"order": 4, "prune": [], "official": None}
    for key in conf.ngram:
        if key not in known:
            raise UserError(f"{decode_config}: unknown ngram.{key!r} (known: {', '.join(known)})")
    found = known | conf.ngram
    prune = found["prune"]
    if type(found["order"]) is not int or not (
        isinstance(prune, list) and all(type(count) is int for count in prune)
    ):
        raise UserError(f"{decode_config}: ngram: expected {{order: 4, prune: [0, 0, 1]}}")
    return found | {"unit": "word" if conf.search == "lexicon" else "token"}


@dataclass(frozen=True)
class Knowledge:
    """What an LM says of a text. The log-probability is of the words that it knows and of the
    sentences' ends, as SRILM and KenLM count."""

    sentences: int = 0
    words: int = 0
    unknown: int = 0
    log10: float = 0.0

    @property
    def perplexity(self) -> float:
        scored = self.words - self.unknown + self.sentences
        return 10 ** (-self.log10 / scored) if scored else float("nan")

    def __str__(self) -> str:
        share = 100 * self.unknown / max(1, self.words)
        return (
            f"perplexity {self.perplexity:.2f} ({self.sentences} sentences, {self.words} words; "
            f"OOV {self.unknown} = {share:.2f} %, not in the perplexity)"
        )


def build(
    texts: list[Path],
    plain: list[Path],
    order: int,
    prune: Sequence[int],
    vocabulary: Path | None,
    token_dir: Path | None,
    unit: str,
    out: Path,
) -> Path:
    """Train on text and write `lm.arpa`.

    Args:
        texts: Kaldi `text` files. plain: files without ids. vocabulary: a word a line; others
            become `<unk>`. token_dir: `tokens.txt` and `bpe.model` of the recogniser, where the
            unit is `token`: for a search without lexicon.

    Returns:
        The ARPA file.

    Raises:
        UserError: no words, or a vocabulary or tokens that do not fit the text.
    """
    lines = sentences(texts, plain)
    if unit == "token":
        if token_dir is None:
            raise UserError("--unit token: needs the recogniser's tokens; give --token_dir")
        lines = map(Tokens(token_dir).split, lines)
    else:
        lines = map(str.split, lines)
    known = None if vocabulary is None else _read_words(vocabulary)
    words, orders = train_ngram(lines, order, prune, known)
    if known is not None and orders[0].count_G[0]:
        print(f"{vocabulary}: lacks some words of the text; for the LM they are <unk>")
    arpa = out / "lm.arpa"
    write_arpa(arpa, words, orders)
    sizes = ", ".join(str(int(own.keep_G.sum())) for own in orders)
    print(f"{arpa}: {sizes} n-grams of order 1 to {order}")
    return arpa


def write_lexicon(arpa: Path, token_dir: Path, path: Path) -> None:
    """The words of an LM in the recogniser's tokens, letters closed by the word boundary.

    Raises:
        UserError: the tokens can spell none of them.
    """
    tokens = Tokens(token_dir)
    words = arpa_words(arpa)
    lexicon, left_out = spell(words or [], tokens.names, tokens.pieces)
    if not lexicon:
        raise UserError(
            f"{token_dir}/tokens.txt: spells none of the {len(left_out)} words of {arpa}; "
            "are the LM's text and the transcripts normalised alike (upper or lower case)?"
        )
    end = [SPACE] if unit_of(tokens.names) == "char" else []
    with atomic_write(path) as handle:
        for word, spellings in lexicon.items():
            handle.writelines(" ".join([word, *own, *end]) + "\n" for own in spellings)
    if left_out:
        print(
            f"{path}: {len(left_out)} of {len(left_out) + len(lexicon)} words are left out: they "
            f"have characters that the recogniser lacks; first: {left_out[0]}"
        )


def measure(arpa: Path, held_out: Iterable[Sequence[str]]) -> Knowledge:
    """Score text (words of each sentence) by flashlight's KenLM."""
    units = arpa_words(arpa) or []
    lm, index = load_ngram(arpa, units), {word: i for i, word in enumerate(units)}
    n_sentences = n_words = unknown = 0
    total = 0.0
    for words in held_out:
        state = lm.start(False)
        for word in words:
            state, log10 = lm.score(state, index.get(word, len(units)))
            unknown += word not in index
            total += log10 if word in index else 0.0
        total += lm.finish(state)[1]
        n_sentences += 1
        n_words += len(words)
    return Knowledge(n_sentences, n_words, unknown, total)


def report(arpa: Path, held_out: list[Path], unit: str, token_dir: Path | None, out: Path) -> None:
    """Print, and write to `out`/perplexity, what the LM says of each Kaldi `text`."""
    split: Callable[[str], list[str]] = str.split
    if unit == "token" and token_dir is not None:
        split = Tokens(token_dir).split
    lines = [f"{path}: {measure(arpa, map(split, sentences([path])))}" for path in held_out]
    with atomic_write(out / "perplexity") as handle:
        handle.writelines(f"{line}\n" for line in lines)
    for line in lines:
        print(line)


class Tokens:
    """A recogniser's tokens, and text in them."""

    def __init__(self, token_dir: Path):
        path = token_dir / "tokens.txt"
        if not path.exists():
            raise UserError(f"{path}: missing; rerun stage 3")
        self.names = path.read_text(encoding="utf-8").splitlines()
        self.model = None
        if (token_dir / "bpe.model").exists():
            import sentencepiece

            self.model = sentencepiece.SentencePieceProcessor(str(token_dir / "bpe.model"))

    def pieces(self, word: str) -> list[str]:
        return self.split(word)

    def split(self, line: str) -> list[str]:
        """Raises UserError for text in other characters than the tokens'."""
        if self.model is not None:
            return self.model.encode(line, out_type=str)
        return [SPACE if character == " " else character for character in line]


def _read_words(path: Path) -> list[str]:
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as err:
        raise UserError(f"{path}: cannot be read ({err}); expected a word a line") from None
    if not words:
        raise UserError(f"{path}: empty; expected a word a line")
    return words
