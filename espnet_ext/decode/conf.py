"""What a decode conf may say, checked: conf/decode_*.yaml, which may extend conf/decode/*.yaml."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_ext.config import UserError, compose

CHOICES = {
    "search": ("greedy", "beam", "lexicon"),
    "output": ("auto", "ctc", "rnnt"),
    "lm_use": ("fusion", "rescore"),
}
# wav2vec 2.0 §4.3: the weights it chooses checkpoints with, before any are tuned
LM_WEIGHT, WORD_SCORE = 2.0, -1.0


@dataclass(frozen=True)
class DecodeConf:
    """A decode conf with its defaults.

    Attributes:
        search: `greedy`; `beam`: prefixes of tokens, with an n-gram over tokens if one is given;
            `lexicon`: words of a lexicon alone, with an n-gram over words if one is given.
        output: which of a recogniser's outputs, `auto`: RNN-T where it has one.
        beam_size: hypotheses kept after each frame.
        beam_size_token: tokens tried at each frame, the likeliest; default: 100, all letters.
        beam_threshold: CTC: a hypothesis this far (nats) below the best is dropped.
        log_add: the alignments of one hypothesis add up, as CTC defines; false: the best one counts
            (wav2vec 2.0's public code). Those of an RNN-T always add up.
        ngram: an ARPA (.gz, too) or KenLM file, or `{order: 4, prune: […]}` for one to be built.
        lexicon: `WORD T O K E N S` a line; default: the words of the n-gram, spelled.
        lm: conf of a neural LM, or the folder of a trained one. lm_use: what for.
        nbest: hypotheses written; rescoring chooses among them.
        lm_weight: of the LM in the search (an n-gram's scores are log10, as the papers' weights
            take them). Default: 2 with one. word_score: added for each word; default: -1 in a
            lexicon search with an LM, else 0.
            RNN-T with neither: hypotheses rank by score over length (Graves 2012).
        rescore_weight: of the neural LM's natural log where `lm_use: rescore`.
        tune: `{trials: 128, …}`: `lm_weight` and `word_score`, and `rescore_weight` where a neural
            LM rescores, are those found on the dev set.
        batch_sec: padded seconds in a batch of the network.
    """

    search: str = "greedy"
    output: str = "auto"
    beam_size: int = 10
    beam_size_token: int | None = None
    beam_threshold: float = 50.0
    log_add: bool = True
    ngram: str | dict | None = None
    lexicon: str | None = None
    lm: str | None = None
    lm_use: str = "fusion"
    nbest: int = 1
    lm_weight: float | None = None
    word_score: float | None = None
    rescore_weight: float = 1.0
    tune: dict | None = None
    batch_sec: float = 120.0

    @property
    def has_lm(self) -> bool:
        """In the search itself."""
        return self.ngram is not None or (self.lm is not None and self.lm_use == "fusion")

    @property
    def rescores(self) -> bool:
        return self.lm is not None and self.lm_use == "rescore"

    @property
    def weights(self) -> tuple[float, float]:
        """(lm_weight, word_score) where the caller brings none."""
        lm_weight = LM_WEIGHT if self.has_lm else 0.0
        word_score = WORD_SCORE if self.has_lm and self.search == "lexicon" else 0.0
        return (
            lm_weight if self.lm_weight is None else self.lm_weight,
            word_score if self.word_score is None else self.word_score,
        )

    @property
    def ngram_tag(self) -> str:
        """Names an n-gram that is to be built: `word_4`, `token_6_0-0-1`, `word_4-gram`."""
        if not isinstance(self.ngram, dict):
            return ""
        parts = ["word" if self.search == "lexicon" else "token"]
        for value in self.ngram.values():
            parts.append("-".join(map(str, value)) if isinstance(value, list) else str(value))
        return "_".join(part.replace("/", "-") for part in parts)


def needs(conf: DecodeConf) -> dict[str, str]:
    """What the stages ask of a conf, each a word or empty: which files the search reads."""
    return {
        "search": conf.search,
        "output": conf.output,
        "ngram_tag": conf.ngram_tag,
        "ngram_file": conf.ngram if isinstance(conf.ngram, str) else "",
        "lexicon": conf.lexicon or "",
        "lm": conf.lm or "",
        "tune": "" if conf.tune is None else "true",
        "tune_set": str((conf.tune or {}).get("set", "")),
    }


def read_conf(path: str | Path) -> DecodeConf:
    """Read a decode conf.

    Raises:
        UserError: an unknown key, a value that is none of the choices or of another type, or
            settings that do not go together.
    """
    return make_conf(compose(path)[0], str(path))


def make_conf(given: dict[str, Any], source: str) -> DecodeConf:
    """`read_conf` of what a yaml holds; `source` is named in errors."""
    fields = {field.name: field for field in dataclasses.fields(DecodeConf)}
    for key in given:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(fields)}"
            raise UserError(f"{source}: unknown key {key!r}; {hint}")
    conf = DecodeConf(**{key: _checked(key, value, source) for key, value in given.items()})
    _check_together(conf, source)
    return conf


KINDS = {
    "count": (lambda v: type(v) is int and v >= 1, "a whole number from 1"),
    "number": (lambda v: type(v) in (int, float), "a number"),
    "above zero": (lambda v: type(v) in (int, float) and v > 0, "a number above 0"),
    "switch": (lambda v: type(v) is bool, "true or false"),
    "text": (lambda v: isinstance(v, str) and v, "a path"),
    "table": (lambda v: isinstance(v, dict), "`key: value` pairs"),
    "ngram": (lambda v: isinstance(v, dict) or (isinstance(v, str) and v), "a path or {order: N}"),
}
KIND_OF = {
    **dict.fromkeys(("beam_size", "beam_size_token", "nbest"), "count"),
    **dict.fromkeys(("lm_weight", "word_score", "rescore_weight"), "number"),
    **dict.fromkeys(("beam_threshold", "batch_sec"), "above zero"),
    **dict.fromkeys(("lexicon", "lm"), "text"),
    "log_add": "switch",
    "tune": "table",
    "ngram": "ngram",
}


def _checked(key: str, value: Any, source: str) -> Any:
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise UserError(f"{source}: {key}: {value!r} is none of {', '.join(CHOICES[key])}")
        return value
    good, expected = KINDS[KIND_OF[key]]
    may_be_empty = DecodeConf.__dataclass_fields__[key].default is None
    if not (value is None and may_be_empty) and not good(value):
        raise UserError(f"{source}: {key}: expected {expected}, found {value!r}")
    return value


def _check_together(conf: DecodeConf, source: str) -> None:
    faults = [
        (
            conf.search == "greedy" and (conf.ngram or conf.lm or conf.lexicon),
            "search: greedy uses neither LM nor lexicon; use search: beam or lexicon",
        ),
        (
            conf.search != "lexicon" and conf.lexicon is not None,
            "a lexicon needs search: lexicon",
        ),
        (
            conf.ngram is not None and conf.lm is not None and conf.lm_use == "fusion",
            "ngram and lm cannot both be in the search; use lm_use: rescore",
        ),
        (
            conf.rescores and conf.nbest < 2,
            f"lm_use: rescore chooses among nbest hypotheses, and nbest is {conf.nbest}",
        ),
        (
            conf.search == "lexicon" and conf.ngram is None and conf.lexicon is None,
            "search: lexicon needs an ngram or a lexicon",
        ),
        (
            conf.tune is not None and not conf.has_lm,
            "tune looks for the weight of an LM, and the conf has none in its search",
        ),
    ]
    _refuse(faults, source)
    if conf.output == "rnnt":
        check_rnnt(conf, source)


def output_of(conf: DecodeConf, has_ctc: bool, has_rnnt: bool, source: str) -> str:
    """`ctc` or `rnnt`: what a conf's search reads of a recogniser with these outputs.

    Raises:
        UserError: the recogniser lacks it, or an RNN-T has no use for what the conf says.
    """
    kind = conf.output
    if kind == "auto":
        kind = "rnnt" if has_rnnt else "ctc"
    if not {"ctc": has_ctc, "rnnt": has_rnnt}[kind]:
        expected = {"ctc": "model_conf: {ctc_weight: 0.3}", "rnnt": "decoder: transducer"}[kind]
        raise UserError(
            f"{source}: output: {kind}, which the recogniser lacks; its conf needs {expected}"
        )
    if kind == "rnnt":
        check_rnnt(conf, source)
    return kind


def check_rnnt(conf: DecodeConf, source: str) -> None:
    """Raise a UserError for what an RNN-T's search has no use for."""
    plain = DecodeConf()
    faults = [
        (conf.search == "lexicon", "search: lexicon"),
        (conf.log_add != plain.log_add, "log_add: false (an RNN-T's alignments always add up)"),
        (conf.beam_threshold != plain.beam_threshold, "beam_threshold"),
        (conf.tune is not None, "tune (it searches cached emissions, and an RNN-T has none)"),
    ]
    told = "means nothing to an RNN-T; leave it out, or choose output: ctc"
    _refuse([(wrong, f"{what} {told}") for wrong, what in faults], source)
    if conf.search == "beam" and conf.nbest > conf.beam_size:
        raise UserError(f"{source}: nbest: {conf.nbest}, but beam_size: {conf.beam_size} are kept")


def _refuse(faults: list[tuple[Any, str]], source: str) -> None:
    for wrong, message in faults:
        if wrong:
            raise UserError(f"{source}: {message}")
