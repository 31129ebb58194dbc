"""The units a recogniser emits: word pieces, characters or words, as ESPnet's tokenisers read them.

tokens.txt   <blank>          one a line: first the blank of CTC and RNN-T,
             <unk>            last the sentence boundary
             ▁THE
             …
             <sos/eos>
bpe.model    sentencepiece's model (word pieces only)
"""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.kaldi_dir import read_table

BLANK, UNKNOWN, BOUNDARY, SPACE = "<blank>", "<unk>", "<sos/eos>", "<space>"


def train_tokens(text: str | Path, out: str | Path, token_type: str, n: int | None = None) -> int:
    """Write `tokens.txt` (and `bpe.model`) under `out`, the same files for the same text each time.

    Args:
        text: a Kaldi `text` file. token_type: `bpe` (a unigram sentencepiece model of `n` pieces,
            sentencepiece's own three specials included), `char`, or `word`, for texts of phones
            (`n` is not used).

    Returns:
        The number of tokens.

    Raises:
        UserError: no words, an unknown token type, or more pieces asked for than the text holds.
    """
    sentences = [words for _, words in read_table(text) if words]
    if not sentences:
        raise UserError(f"{text}: no words; expected `utterance-id WORD WORD …` on each line")
    out = Path(out)
    if token_type == "char":
        characters = sorted({c for line in sentences for c in line if not c.isspace()})
        pieces = [SPACE, *characters]
    elif token_type == "word":
        pieces = sorted({word for line in sentences for word in line.split()})
    elif token_type == "bpe":
        model, pieces = _train_pieces(sentences, n, str(text))
        with atomic_write(out / "bpe.model", "wb") as handle:
            handle.write(model)
    else:
        raise UserError(f"--token_type {token_type}: expected bpe, char or word")
    tokens = [BLANK, UNKNOWN, *pieces, BOUNDARY]
    with atomic_write(out / "tokens.txt") as handle:
        handle.writelines(f"{token}\n" for token in tokens)
    return len(tokens)


def unknown_tokens(text: str | Path, token_dir: str | Path) -> str | None:
    """One line on what in a Kaldi `text` the tokens do not know; None where they know all of it.

    Training goes on with `<unk>` in such places: a rare foreign letter is no reason to stop.

    Raises:
        UserError: most of the text is unknown (another case, alphabet or kind of token), or
            `bpe.model` and `tokens.txt` do not belong together.
    """
    tokens_file = Path(token_dir) / "tokens.txt"
    tokens = set(tokens_file.read_text(encoding="utf-8").splitlines())
    model = Path(token_dir) / "bpe.model"
    of_words = SPACE not in tokens and not model.exists()
    counts: Counter[str] = Counter()
    for _, words in read_table(text):
        counts.update(words.split() if of_words else "".join(words.split()))
    known = _spelt(counts, model, tokens_file, tokens) if model.exists() else tokens
    unknown = Counter({unit: n for unit, n in counts.items() if unit not in known})
    if not unknown:
        return None
    units = "words" if of_words else "characters"
    shown = ", ".join(f"{unit!r} {n}" for unit, n in unknown.most_common(5))
    line = (
        f"{text}: {unknown.total()} of {counts.total()} {units} are not among {tokens_file} "
        f"({shown}{', …' if len(unknown) > 5 else ''})"
    )
    if 2 * unknown.total() > counts.total():
        raise UserError(f"{line}; expected text like that of the tokens: same case, same alphabet")
    return f"{line}; they count as {UNKNOWN}"


def _spelt(characters, model: Path, tokens_file: Path, tokens: set[str]) -> set[str]:
    """Those of the characters that a sentencepiece model can spell."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = {processor.id_to_piece(i) for i in range(processor.get_piece_size())}
    if missing := sorted(pieces - tokens - {"<s>", "</s>"}):
        raise UserError(
            f"{tokens_file}: {len(missing)} pieces of {model.name} are not in it, first "
            f"{missing[0]!r}; expected the two files of one train_tokens: rerun stage 3"
        )
    return {c for c in characters if processor.unk_id() not in processor.encode(c)}


def _train_pieces(sentences: list[str], n: int | None, source: str) -> tuple[bytes, list[str]]:
    """sentencepiece's model, and its pieces without `<unk> <s> </s>`."""
    import sentencepiece

    if n is None or n < 4:
        raise UserError(f"--n {n}: expected a number of word pieces such as 100")
    model = io.BytesIO()  # not a file: sentencepiece writes file names into the model
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type="unigram",
            vocab_size=n,
            character_coverage=1.0,
            num_threads=1,  # with more the order of equal pieces is left to chance
            shuffle_input_sentence=False,
            normalization_rule_name="identity",  # the text is normalised where it is prepared
            minloglevel=2,
        )
    except (RuntimeError, OSError) as err:
        raise UserError(_reason(str(err), n, source)) from None
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(processor.get_piece_size())
    special = {i for i in ids if processor.is_control(i) or processor.is_unknown(i)}
    return model.getvalue(), [processor.id_to_piece(i) for i in ids if i not in special]


def _reason(error: str, n: int, source: str) -> str:
    """One line from sentencepiece's failure.

    Vocabulary size too high (5000). Please set it to a value <= 312.
    Vocabulary size is smaller than required_chars. 10 vs 31. Increase vocab_size or …
    """
    if too_high := re.search(r"value <= (\d+)", error):
        return f"{source}: too little text for {n} word pieces; at most {too_high[1]} (--nbpe)"
    if too_low := re.search(r"required_chars\. (\d+) vs (\d+)", error):
        return f"{source}: its characters alone need {too_low[2]} word pieces, not {n} (--nbpe)"
    return f"{source}: sentencepiece failed: {error.splitlines()[0]}"
