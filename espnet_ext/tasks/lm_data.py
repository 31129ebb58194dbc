"""From text to the data options of an LM's training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.lm_text import sentences, write_words
from espnet_ext.data.tokens import UNKNOWN
from espnet_ext.tasks.ngram import Tokens


def lm_options(
    conf: dict,
    texts: list[Path],
    plain: list[Path],
    valid_texts: list[Path],
    token_dir: Path | None,
    output_dir: Path,
) -> list[str]:
    """Write the text with its lengths in tokens to `output_dir`; the options that name it.

    With `unit: word` in the conf the LM's words are those of the text (words.txt there).

    Args:
        texts, valid_texts: Kaldi `text` files. plain: text without ids, to learn from, too.
        token_dir: of the recogniser, for `unit: token`.

    Raises:
        UserError: no words; no tokens where they are wanted; held-out text of which the LM has not
            a single word.
    """
    if conf.get("unit", "word") == "word":
        names = output_dir / "words.txt"
        write_words(sentences(texts, plain), names, conf.get("min_count", 1))
        split, options = str.split, ["--token_type", "word"]
    elif token_dir is None:
        raise UserError("conf: unit: token needs the recogniser's tokens; give --token_dir")
    else:
        tokens = Tokens(token_dir)
        names, split = token_dir / "tokens.txt", tokens.split
        options = ["--token_type", "char"]
        if tokens.model is not None:
            options = ["--token_type", "bpe", "--bpemodel", str(token_dir / "bpe.model")]
    options += ["--token_list", str(names)]
    known = set(names.read_text(encoding="utf-8").splitlines()) - {UNKNOWN}
    for part, lines in (("train", sentences(texts, plain)), ("valid", sentences(valid_texts))):
        text, shape = output_dir / f"{part}_text", output_dir / f"{part}_shape"
        if not _write(lines, split, known, text, shape):
            source = ", ".join(map(str, texts + plain if part == "train" else valid_texts))
            raise UserError(
                f"{source}: no word of it is in {names}; is the text normalised as that is?"
            )
        options += [f"--{part}_data_path_and_name_and_type", f"{text},text,text"]
        options += [f"--{part}_shape_file", str(shape)]
    return options


def _write(
    lines: Iterable[str],
    split: Callable[[str], list[str]],
    known: set[str],
    text: Path,
    shape: Path,
) -> int:
    """Sentences under ids of their own, and their lengths in tokens; how many tokens are known."""
    n_known = 0
    with atomic_write(text) as text_out, atomic_write(shape) as shape_out:
        for number, line in enumerate(lines):
            tokens = split(line)
            n_known += len(known.intersection(tokens))
            text_out.write(f"s{number:09d} {line}\n")
            shape_out.write(f"s{number:09d} {len(tokens)}\n")
    return n_known
