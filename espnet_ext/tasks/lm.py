"""Neural language models: ESPnet's LM task with our trainer, and what is trained, put to use."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import espnet2.tasks.lm
from espnet2.text.build_tokenizer import build_tokenizer

from espnet_ext import registry
from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.lm_text import sentences
from espnet_ext.data.tokens import UNKNOWN
from espnet_ext.decode.neural_lm import NeuralLM
from espnet_ext.tasks.training.trainer import SafeTrainer

registry.register()
WEIGHTS = "valid.loss.ave.pth"  # average of the best epochs (`keep_nbest_models`)


class LMTask(espnet2.tasks.lm.LMTask):
    """ESPnet's task; confs choose `model: language_model`."""

    trainer = SafeTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        super().add_task_arguments(parser)
        parser.add_argument(
            "--unit",
            choices=["word", "token"],
            default="word",
            help="words of the text, or the recogniser's tokens",
        )
        parser.add_argument(
            "--min_count", type=int, default=1, help="rarer words of the text become <unk>"
        )


class TextLM:
    """A trained LM that reads text.

    Attributes:
        neural: the LM over its tokens. unit: `word`, or `token` for the recogniser's.
    """

    def __init__(self, neural: NeuralLM, unit: str, tokenizer):
        self.neural, self.unit, self.tokenizer = neural, unit, tokenizer

    def ids(self, line: str) -> list[int]:
        """Token indices of a sentence."""
        return self.neural.ids(self.tokenizer.text2tokens(line) if line else [])

    def score(self, lines: Sequence[str]) -> list[float]:
        """Natural log of each sentence's probability, its end included."""
        return self.neural.score_sentences([self.ids(line) for line in lines])


def load_lm(exp: Path, device: str = "cpu", weights: str = WEIGHTS) -> TextLM:
    """A trained LM in evaluation mode.

    Raises:
        UserError: no finished training of an LM in `exp`.
    """
    for name in ("config.yaml", weights):
        if not (exp / name).exists():
            raise UserError(f"{exp / name}: missing; this training is not finished, run it again")
    try:
        model, args = LMTask.build_model_from_file(exp / "config.yaml", exp / weights, device)
    except (AttributeError, RuntimeError, TypeError) as err:
        reason = str(err).strip().splitlines()[0]
        raise UserError(f"{exp}: not an LM that lm_train made ({reason})") from None
    tokenizer = build_tokenizer(args.token_type, bpemodel=args.bpemodel)
    return TextLM(NeuralLM(model.lm, args.token_list), args.unit, tokenizer)


def report(exp: Path, held_out: Sequence[Path], device: str = "cpu") -> None:
    """Print, and write to `exp`/perplexity, what the LM says of each Kaldi `text`: a word's
    perplexity, whatever the LM's tokens are; `<unk>` stands for words that it has not."""
    lm = load_lm(exp, device)
    lines = []
    for path in held_out:
        text = list(sentences([path]))
        n_words = sum(len(line.split()) for line in text)
        ids = [lm.ids(line) for line in text]
        unknown = sum(row.count(lm.neural.index.get(UNKNOWN, -1)) for row in ids)
        log_prob = math.fsum(lm.neural.score_sentences(ids))
        lines.append(
            f"{path}: perplexity {math.exp(-log_prob / (n_words + len(text))):.2f} of a word "
            f"({len(text)} sentences, {n_words} words; {unknown} {lm.unit}s unknown, "
            f"{UNKNOWN} in the perplexity)"
        )
    with atomic_write(exp / "perplexity") as handle:
        handle.writelines(f"{line}\n" for line in lines)
    print("\n".join(lines))
