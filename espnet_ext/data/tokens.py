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
