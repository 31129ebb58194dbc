"""Recognise a data directory: CTC's search over emissions, cached or fresh, or the RNN-T's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.emissions import EmissionsDir
from espnet_ext.data.parts import own_share
from espnet_ext.decode.conf import DecodeConf, output_of, read_conf
from espnet_ext.decode.load import open_search, open_token_lm
from espnet_ext.decode.nbest import nbest_lines, rescore
from espnet_ext.decode.search import TOKENS_TRIED, Hypothesis
from espnet_ext.decode.units import join, unit_of


@dataclass(frozen=True)
class Sources:
    """What a search reads besides its conf; each may be None.

    Attributes:
        emissions: folder of cached emissions; None: the network runs. ngram: built for the conf.
        lexicon: of that n-gram's words. lm: folder of the trained neural LM, where the conf names
            its conf. weights: yaml with `lm_weight`, `word_score`, perhaps `rescore_weight`,
            tuned.
    """

    emissions: Path | None = None
    ngram: Path | None = None
    lexicon: Path | None = None
    lm: Path | None = None
    weights: Path | None = None


def check_read(conf: DecodeConf, sources: Sources, conf_file: Path) -> None:
    """Raise a UserError for a file that was given and that the conf would leave unread."""
    for given, read, wanted in (
        (sources.ngram, isinstance(conf.ngram, dict), "`ngram: {order: N}`"),
        (
            sources.lexicon,
            conf.search == "lexicon" and conf.lexicon is None,
            "`search: lexicon` and no `lexicon`",
        ),
        (sources.lm, conf.lm is not None, "`lm`"),
    ):
        if given is not None and not read:
            raise UserError(
                f"{given}: would not be read; {conf_file} needs {wanted} for that, or leave it out"
            )


def decode(
    exp: Path,
    conf_file: Path,
    data_dir: Path,
    out: Path,
    job: int,
    n_jobs: int,
    sources: Sources | None = None,
    device: str = "cpu",
) -> None:
    """Write this job's `text.JOB`, `nbest.JOB` (with `nbest` above 1) and its times in `rtf.JOB`.

    Raises:
        UserError: a fault of the conf or of a file that it names.
    """
    conf, sources = read_conf(conf_file), sources or Sources()
    check_read(conf, sources, conf_file)
    dur_sec = own_share(data_dir, job, n_jobs)
    if sources.emissions is None:
        found = _with_network(exp, conf, conf_file, data_dir, dur_sec, sources, device)
    else:
        found = _from_cache(conf, conf_file, dur_sec, sources, device)
    started = time.perf_counter()  # models are loaded: that is not counted
    hyps = dict(found)
    seconds = time.perf_counter() - started
    utts = sorted(hyps, key=str.encode)
    with atomic_write(out / f"text.{job}") as handle:
        handle.writelines(" ".join((utt, *hyps[utt][0].words)) + "\n" for utt in utts)
    if conf.nbest > 1:
        with atomic_write(out / f"nbest.{job}") as handle:
            handle.writelines(line for utt in utts for line in nbest_lines(utt, hyps[utt]))
    with atomic_write(out / f"rtf.{job}") as handle:
        handle.write(f"{seconds:.3f} {sum(dur_sec.values()):.3f}\n")


Found = Iterator[tuple[str, list[Hypothesis]]]


def _from_cache(
    conf: DecodeConf, conf_file: Path, dur_sec: dict[str, float], sources: Sources, device: str
) -> Found:
    if conf.output == "rnnt":
        raise UserError(
            f"{conf_file}: output: rnnt has no emissions to cache; leave --emissions out"
        )
    cache = EmissionsDir(sources.emissions)
    if missing := [utt for utt in dur_sec if utt not in cache]:
        raise UserError(
            f"{sources.emissions}: lacks {len(missing)} utterances; first: {missing[0]}; "
            "made of another data directory? run stage 8 (emissions) again"
        )
    search = ctc_search(conf, cache.tokens, cache.pieces_of, sources, device)
    return ((utt, search(cache[utt])) for utt in dur_sec)


def ctc_search(conf: DecodeConf, tokens, pieces_of, sources: Sources, device: str) -> Callable:
    """Function from emissions_TV to hypotheses; lm_weight, word_score and, where an LM rescores,
    rescore_weight may follow."""
    fused, choose = _neural_lm(conf, sources, device)
    search = open_search(
        tokens,
        conf,
        ngram=sources.ngram,
        lexicon=sources.lexicon,
        make_lm=fused,
        pieces_of=pieces_of,
    )
    own = read_weights(sources.weights) if sources.weights else conf.weights

    def search_and_choose(emissions_TV, *weights) -> Hyps:
        lm_weight, word_score, *rescore_weight = weights or own
        return choose(search.search(emissions_TV, lm_weight, word_score), *rescore_weight)

    return search_and_choose


Hyps = list[Hypothesis]
SENTENCES_KEPT = 2**19


def _neural_lm(
    conf: DecodeConf, sources: Sources, device: str
) -> tuple[Callable | None, Callable[..., Hyps]]:
    """What the neural LM does in the search (`open_search`'s make_lm), and after it: of hypotheses,
    and perhaps a weight."""
    if conf.lm is None:
        return None, lambda hyps, *_: hyps
    neural = _load_lm(conf, sources, device)
    if conf.lm_use == "fusion":
        return _fusion(conf, neural), lambda hyps, *_: hyps
    known: dict[str, float] = {}  # tuning asks for the same sentences again and again

    def choose(hyps: Hyps, weight: float = conf.rescore_weight) -> Hyps:
        lines = [" ".join(hyp.words) for hyp in hyps]
        if len(known) > SENTENCES_KEPT:
            known.clear()
        new = [line for line in lines if line not in known]
        known.update(zip(new, neural.score(new), strict=True))
        return rescore(hyps, [known[line] for line in lines], weight)

    return None, choose


def _load_lm(conf: DecodeConf, sources: Sources, device: str):
    from espnet_ext.tasks.lm import load_lm

    if sources.lm is None and conf.lm.endswith(".yaml"):
        raise UserError(f"{conf.lm}: the conf of an LM; which folder it was trained in? give --lm")
    return load_lm(sources.lm or Path(conf.lm), device)


def _fusion(conf: DecodeConf, neural) -> Callable:
    from espnet_ext.decode.neural_fusion import FusedLM

    wanted = "word" if conf.search == "lexicon" else "token"
    if neural.unit != wanted:
        raise UserError(
            f"{conf.lm}: an LM over {neural.unit}s; search: {conf.search} needs one over {wanted}s "
            "(unit: in the LM's conf), or lm_use: rescore"
        )
    return lambda units: FusedLM(neural.neural, units, conf.lm)


def read_weights(path: Path) -> tuple[float, ...]:
    """(lm_weight, word_score) that tuning found, or with the rescore_weight as the third.

    Raises:
        UserError: no such file, or one without them.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        third = [float(found["rescore_weight"])] if "rescore_weight" in found else []
        return float(found["lm_weight"]), float(found["word_score"]), *third
    except FileNotFoundError:
        raise UserError(f"{path}: missing; stage 8 (lm_weights) makes it") from None
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        raise UserError(f"{path}: expected `lm_weight: X` and `word_score: Y`") from None


def _with_network(
    exp: Path,
    conf: DecodeConf,
    conf_file: Path,
    data_dir: Path,
    dur_sec: dict[str, float],
    sources: Sources,
    device: str,
) -> Found:
    # here: a search over cached emissions loads neither torch nor ESPnet
    import torch

    from espnet_ext.tasks.decoding.emissions import emissions, pieces_of
    from espnet_ext.tasks.decoding.infer import encoded_batches, load_recogniser

    model, args = load_recogniser(exp, device=device)
    speech = SpeechDir(data_dir / "wav.scp")
    has_ctc, has_rnnt = model.ctc is not None, model.use_transducer_decoder
    if output_of(conf, has_ctc, has_rnnt, str(conf_file)) == "ctc":
        search = ctc_search(conf, model.token_list, pieces_of(args), sources, device)
        rows = emissions(model, speech, dur_sec, conf.batch_sec)
        return ((utt, search(emissions_TV)) for utt, emissions_TV in rows)

    def rnnt() -> Found:
        search = _rnnt_search(model, conf, sources, device)
        with torch.no_grad():
            for batch, encoded_BTD, frames_B in encoded_batches(
                model, speech, dur_sec, conf.batch_sec
            ):
                yield from zip(batch, search(encoded_BTD, frames_B), strict=True)

    return rnnt()


def _rnnt_search(
    model, conf: DecodeConf, sources: Sources, device: str
) -> Callable[..., list[Hyps]]:
    """Function from encoded batch and lengths to hypotheses per utterance."""
    from espnet_ext.decode.greedy import rnnt_greedy
    from espnet_ext.decode.rnnt import RNNTBeam

    tokens, own = model.token_list, (model.decoder, model.joint_network)
    if conf.search == "greedy":
        unit = unit_of(tokens)

        def words_of(ids: list[int]) -> Hyps:
            said = tuple(tokens[i] for i in ids)
            return [Hypothesis(tuple(join(said, unit)), 0.0, 0.0, 0.0, said)]

        return lambda x, n: [words_of(ids) for ids in rnnt_greedy(*own, x, n, model.blank_id)]
    fused, choose = _neural_lm(conf, sources, device)
    own_weights = read_weights(sources.weights) if sources.weights else conf.weights
    lm_weight, word_score, *rescore_weight = own_weights
    beam = RNNTBeam(
        *own,
        tokens,
        conf.beam_size,
        lm=open_token_lm(tokens, conf, sources.ngram, fused),
        lm_weight=lm_weight,
        word_score=word_score,
        tokens_tried=conf.beam_size_token or TOKENS_TRIED,
        by_length=conf.lm is None and conf.ngram is None and not word_score,
    )

    def search(x_BTD, lengths_B) -> list[Hyps]:
        rows = zip(x_BTD, lengths_B, strict=True)
        found = (_different(beam.search(row_TD[:n]))[: conf.nbest] for row_TD, n in rows)
        return [choose(hyps, *rescore_weight) for hyps in found]

    return search


def _different(hyps: Hyps) -> Hyps:
    """Tokens may spell the same words in several ways: the best of these."""
    found: dict[tuple[str, ...], Hypothesis] = {}
    for hyp in hyps:
        found.setdefault(hyp.words, hyp)
    return list(found.values())
