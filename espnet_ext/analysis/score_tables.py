"""Tables of what was scored: each run, and the mean over seeds."""

from __future__ import annotations

from espnet_ext.analysis.experiments import IncompleteError, Training
from espnet_ext.analysis.material import UNKNOWN, Material
from espnet_ext.analysis.page import Block, Heading, Table, Text
from espnet_ext.analysis.runs import Run, SeedSummary
from espnet_ext.analysis.scores import Score

NO_RUNS = "Nothing has been scored yet.\n"
ROWS_NOTE = """\
WER and SER in %, with a 95 % bootstrap interval over the utterances of the test set. Updates are
optimiser updates; in brackets the epochs they took. Seeds: pre-training / fine-tuning. The numbers
in the first column are those of the [score lines](#score-lines).
"""
NIST_NOTE = """\
By NIST: WER of sclite, or of asclite where speakers overlap, and by whose rules words were left out
before (`score_nist`); as Kaldi's figures for AMI and Switchboard are made.
"""
SEEDS_NOTE = """\
[^seeds]: 95 % bootstrap interval of the mean: utterances are drawn with replacement, 10 000 times,
    each with its errors under all seeds. It tells how far the mean would move on another test set
    of this size with these very models; how far another seed would move it is what min – max hints
    at.
"""


def seeds(material: Material) -> list[Block]:
    """Means over seeds, and how WER depends on the updates of pre-training."""
    blocks: list[Block] = []
    if material.extras.summaries:
        blocks += [Heading("Mean over seeds"), seed_table(material.extras.summaries)]
        blocks.append(Text(SEEDS_NOTE))
    return [*blocks, *material.extras.comparisons]


def runs(material: Material) -> list[Block]:
    """Every scored run."""
    if not material.found.runs:
        return [Text(NO_RUNS)]
    note = ROWS_NOTE + (NIST_NOTE if any(run.nist for run in material.found.runs) else "")
    return [Heading("Runs"), Text(note), run_table(material.found.runs)]


def run_table(runs: list[Run]) -> Table:
    """A row per run, numbered as in all other sections."""
    with_nist = any(run.nist for run in runs)
    head = ["", "test set", "WER [95 %]", *(["by NIST"] if with_nist else [])]
    head += ["SER", "pre-training", "updates", "scorer"]
    head += ["fine-tuning", "updates", "decoding", "seeds"]
    rows = []
    for number, run in enumerate(runs, 1):
        rows.append(
            [
                str(number),
                run.test_set,
                wer_cell(run.score),
                *([nist_cell(run)] if with_nist else []),
                run.score.ser or UNKNOWN,
                *pretraining_cells(run),
                run.asr_conf,
                fine_tuning_updates(run.asr),
                run.decode_conf,
                seeds_cell(run),
            ]
        )
    return Table(head, rows)


def wer_cell(score: Score) -> str:
    """`**40.00** [10.00, 70.00]`; says so if hypotheses are missing."""
    interval = f" [{score.interval[0]}, {score.interval[1]}]" if score.interval else ""
    partial = ", hypotheses missing" if "[PARTIAL]" in score.line else ""
    metric = "" if score.metric == "WER" else f" {score.metric}"
    return f"**{score.wer}**{metric}{interval}{partial}"


def nist_cell(run: Run) -> str:
    """`**41.20** (asclite, ami)`; empty where it was not scored so."""
    return f"**{run.nist.wer}** ({run.nist.tool}, {run.nist.rules})" if run.nist else ""


def pretraining_cells(run: Run) -> list[str]:
    """pre-training conf, its updates, scorer conf."""
    if run.start.ssl is None:
        return ["none", "0", "none"]
    epochs = UNKNOWN if run.start.epoch is None else str(run.start.epoch)
    updates = UNKNOWN if run.start.updates is None else str(run.start.updates)
    updates = UNKNOWN if updates == epochs else f"{updates} ({epochs})"
    return [run.ssl_conf, updates, run.scorer or UNKNOWN]


def fine_tuning_updates(training: Training) -> str:
    """`1480 (40)`: optimiser updates, and the epochs they took."""
    try:
        history = training.history
    except IncompleteError:
        return UNKNOWN
    return f"{history.updates[-1]} ({history.epochs})"


def seeds_cell(run: Run) -> str:
    """`0 / 1`: seeds of pre-training and of fine-tuning; `– / 1` from scratch."""
    pre, fine = run.seeds
    return f"{'–' if pre < 0 else pre} / {fine}"


def seed_table(summaries: list[SeedSummary]) -> Table:
    """A row per configuration that was run with several seeds."""
    head = ["test set", "mean WER", "min – max", "95 % interval[^seeds]", "seeds", "pre-training"]
    head += ["updates", "scorer", "fine-tuning", "decoding", "which seeds"]
    rows = []
    for summary in summaries:
        run = summary.runs[0]
        interval = UNKNOWN
        if summary.interval:
            interval = f"{summary.interval[0]:.2f}, {summary.interval[1]:.2f}"
        rows.append(
            [
                run.test_set,
                f"**{summary.mean:.2f}**",
                f"{summary.low:.2f} – {summary.high:.2f}",
                interval,
                str(len(summary.runs)),
                *pretraining_cells(run),
                run.asr_conf,
                run.decode_conf,
                ", ".join(seeds_cell(r) for r in summary.runs),
            ]
        )
    return Table(head, rows)
