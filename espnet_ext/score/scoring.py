"""Score a file of hypotheses against a file of references."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from espnet_ext.config import UserError, atomic_write
from espnet_ext.score.bootstrap import bootstrap_interval
from espnet_ext.score.inner import Texts, align_all
from espnet_ext.score.kaldi_files import (
    Vocabulary,
    ops_lines,
    per_spk_lines,
    read_text,
    read_utt2spk,
)
from espnet_ext.score.network import align_specials
from espnet_ext.score.rules import Rules
from espnet_ext.score.wer import ALIGNMENTS, ErrorCounts

N_RESAMPLES = 10_000
RATES = {"word": "WER", "char": "CER", "phone": "PER"}


@dataclass(frozen=True)
class Options:
    """How `score_files` reads, aligns and counts."""

    mode: str = "strict"  # strict, present or all
    unit: str = "word"  # word, char or phone
    align: str = ""  # kaldi or sclite; default: sclite's where the rules are NIST's
    seed: int = 1  # of the bootstrap
    rules: Rules | None = None  # what is left out, or made one, before words are counted
    groups: tuple[Path, ...] = ()  # utt2session makes per_session, as utt2spk makes per_spk
    jobs: int = 1  # processes that align, at most


def score_files(
    ref: Path, hyp: Path, out: Path, utt2spk: Path | None = None, options: Options | None = None
) -> str:
    """Write `wer` (`cer`, `per`), `per_utt`, `ops` and, given speakers, `per_spk`.

    Returns:
        What the `wer` file says.

    Raises:
        UserError: unreadable or malformed input; ids that do not match, under mode strict; an
            utterance without speaker; no utterance to score. Then nothing has been written.
    """
    options = options or Options()
    rules = options.rules
    name = RATES[options.unit]
    _refuse_mixture(out, name)
    align = _choose_alignment(options)
    vocabulary = Vocabulary()
    refs = read_text(ref, vocabulary, options.unit, rules.ref if rules else None)
    hyps = read_text(hyp, vocabulary, options.unit, rules.hyp if rules else None)
    absent = [utt for utt in refs if utt not in hyps]
    extra = [utt for utt in hyps if utt not in refs]
    if options.mode == "strict" and (absent or extra):
        raise UserError(_mismatch(ref, hyp, absent, extra))
    utts = [utt for utt in refs if utt in hyps] if options.mode == "present" else list(refs)
    if not utts:
        raise UserError(f"{hyp}: no utterance to score against {ref}; do they belong together?")
    tables = {"per_spk": utt2spk} if utt2spk else {}
    tables |= {f"per_{path.name.removeprefix('utt2')}": path for path in options.groups}
    groups = {table: _speakers(path, utts) for table, path in tables.items()}

    ready = {}
    if rules and rules.network:
        ready = align_specials(refs, hyps, utts, vocabulary, (ref, hyp))
    words = vocabulary.words()
    done = align_all(Texts(refs, hyps, words, ready), utts, ALIGNMENTS[align], options.jobs)
    csid_U4 = done.csid_U4
    counts = add_up(csid_U4)
    report = "\n".join(
        [
            counts.rate_line(name, len(absent)),
            counts.sentence_line(),
            f"Scored {counts.utts} sentences, {len(absent)} not present in hyp.",
            *_remarks(csid_U4, extra, options, align),
        ]
    )
    for table in out.glob("per_*"):  # older ones may be of other hypotheses
        if table.name != "per_utt" and table.name not in groups:
            table.unlink()
    with atomic_write(out / "per_utt") as file:
        file.writelines(done.blocks)
    with atomic_write(out / "ops") as file:
        file.writelines(ops_lines(done.ops, words))
    for table, names in groups.items():
        with atomic_write(out / table) as file:
            file.writelines(per_spk_lines(_by_speaker(csid_U4, names)))
    with atomic_write(out / name.lower()) as file:  # last: where it stands, all is there
        file.write(report + "\n")
    return report


def add_up(csid_U4: np.ndarray) -> ErrorCounts:
    """Counts over utterances, from [correct, subs, ins, dels] of each."""
    correct, subs, ins, dels = (int(total) for total in csid_U4.sum(axis=0))
    wrong_utts = int(np.count_nonzero(csid_U4[:, 1:].any(axis=1)))
    return ErrorCounts(subs, ins, dels, correct + subs + dels, len(csid_U4), wrong_utts)


def _choose_alignment(options: Options) -> str:
    """Words that may be left out, fragments and alternatives have costs under sclite's weights."""
    network = options.rules is not None and options.rules.network
    if network and options.align == "kaldi":
        raise UserError(f"--align kaldi: {options.rules.remark}, which have sclite's; leave it out")
    return options.align or ("sclite" if network else "kaldi")


def _remarks(csid_U4: np.ndarray, extra: list[str], options: Options, align: str) -> list[str]:
    correct, subs, ins, dels = csid_U4.T
    interval = bootstrap_interval(
        subs + ins + dels, correct + subs + dels, np.random.default_rng(options.seed), N_RESAMPLES
    )
    if interval:
        bounds = f"[ {100 * interval.low:.2f}, {100 * interval.high:.2f} ]"
        how = f"{interval.n_resamples} resamples of utterances, seed {options.seed}"
        lines = [f"# 95% bootstrap interval {bounds}, {how}"]
    elif len(csid_U4) < 2:
        lines = ["# no bootstrap interval: one utterance only"]
    else:
        lines = ["# no bootstrap interval: no word in the reference"]
    if not (correct + subs + dels).any():
        lines.append("# no word in the reference: the error rate is undefined")
    if extra:
        lines.append(f"# left out {len(extra)} not present in ref; first: {extra[0]}")
    if options.rules:
        lines.append(f"# {options.rules.remark}")
    if align == "sclite":
        lines.append("# aligned with sclite's weights: sub 4, ins 3, del 3")
    return lines


def _by_speaker(csid_U4: np.ndarray, speakers: list[str]) -> dict[str, ErrorCounts]:
    rows: dict[str, list[int]] = {}
    for row, speaker in enumerate(speakers):
        rows.setdefault(speaker, []).append(row)
    return {speaker: add_up(csid_U4[own]) for speaker, own in rows.items()}


def _speakers(path: Path, utts: list[str]) -> list[str]:
    speaker_of = read_utt2spk(path)
    without = [utt for utt in utts if utt not in speaker_of]
    if without:
        raise UserError(
            f"{path}: {len(without)} of {len(utts)} utterances have no speaker; first: "
            f"{without[0]}; complete it, or score without --utt2spk"
        )
    return [speaker_of[utt] for utt in utts]


def _mismatch(ref: Path, hyp: Path, absent: list[str], extra: list[str]) -> str:
    found = []
    if absent:
        found.append(f"{len(absent)} of {ref} missing (first: {absent[0]})")
    if extra:
        found.append(f"{len(extra)} not in {ref} (first: {extra[0]})")
    return (
        f"{hyp}: {', '.join(found)}; decode again, or go on with --mode present (score what both "
        "have) or --mode all (missing ones count as deleted)"
    )


def _refuse_mixture(out: Path, name: str) -> None:
    """`per_utt` and `ops` are shared names: words and characters need a directory each."""
    for other in RATES.values():
        if other != name and (out / other.lower()).exists():
            raise UserError(f"{out}: holds scores of another unit ({other}); choose another --out")
