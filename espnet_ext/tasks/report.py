"""The report: everything that was scored, and what is published, in one page with pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_ext.config import UserError, atomic_write

if TYPE_CHECKING:
    import numpy as np

    from espnet_ext.analysis.experiments import Training
    from espnet_ext.analysis.material import Extras
    from espnet_ext.analysis.page import Picture
    from espnet_ext.analysis.runs import Found

SHOWN_SEC = 5.0  # the masked utterance is the one nearest to this length


def report(
    recipe: Path,
    workdir: Path,
    out: Path,
    html: Path | None = None,
    published: Path | None = None,
) -> None:
    """Write RESULTS.md, its pictures and one HTML file with everything in it.

    Args:
        out: RESULTS.md. html: default: beside it.
        published: default: conf/published.yaml in the nearest folder above the recipe, if any.

    Raises:
        UserError: no recipe, a torn hand-written block in `out`, or a fault in `published`.
    """
    for folder in (recipe, workdir):
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; name that of the recipe's run.sh")
    from espnet_ext.analysis import (
        frequent_errors,
        learning,
        learning_pictures,
        page_html,
        results_md,
        runs,
    )
    from espnet_ext.analysis import published as known
    from espnet_ext.analysis.material import Material
    from espnet_ext.score.confusions import most_frequent

    html = (html or out.with_suffix(".html")).resolve()
    name = recipe_name(recipe)
    file = published or known.find(recipe)
    values = known.read(file) if file else None
    workdir, out = Path(os.path.relpath(workdir, recipe)), out.resolve()
    kept = results_md.hand_block(out.read_text(encoding="utf-8"), str(out)) if out.exists() else ""
    called_from = Path.cwd()
    os.chdir(recipe)
    try:
        found, learnt = learning.split(runs.find(workdir))
        extras = draw(found, workdir, out.parent)
        rows = learning.rows(learnt, workdir)
        drawn = learning_pictures.draw(rows, interval_percent, extras.notes, out.parent)
        extras.learnt.extend(learning.blocks(rows, interval_percent, drawn))
        extras.errors.extend(frequent_errors.blocks(found.runs, most_frequent, extras.notes))
        extras.summaries.extend(runs.over_seeds(found.runs, interval_percent))
        page = results_md.render(Material(found, workdir, extras, name, values), kept)
    finally:
        os.chdir(called_from)
    with atomic_write(out) as handle:
        handle.write(page)
    with atomic_write(html) as handle:
        handle.write(page_html.to_html(page, f"Results: {name}", out.parent))
    print(f"{out}: {len(found.runs)} scored runs; the same for a browser: {html}")


def recipe_name(recipe: Path) -> str:
    """`librispeech`, of egs2/librispeech/ssl1."""
    folder = recipe.resolve()
    return folder.parent.name if folder.name == "ssl1" else folder.name


def interval_percent(errors_U: np.ndarray, words_U: np.ndarray) -> tuple[float, float] | None:
    """The interval that `score_wer` gives, of summed counts."""
    import numpy as np

    from espnet_ext.score.bootstrap import bootstrap_interval

    interval = bootstrap_interval(errors_U, words_U, np.random.default_rng(1))
    return (100 * interval.low, 100 * interval.high) if interval else None


def draw(found: Found, workdir: Path, page_dir: Path) -> Extras:
    """Draw what there is to draw into `page_dir/images`."""
    from espnet_ext.analysis import plots
    from espnet_ext.analysis.material import Extras
    from espnet_ext.analysis.page import Picture
    from espnet_ext.analysis.pictures import (
        comparisons,
        finetuning_panels,
        last_starts,
        pretraining_panels,
        with_history,
    )

    extras = Extras()

    def add(figure, name: str, caption: str) -> Picture:
        plots.save(figure, page_dir / "images" / f"{name}.png")
        return Picture(f"images/{name}.png", caption)

    for name, (panels, scratch) in comparisons(found.runs, extras.notes).items():
        extras.comparisons.append(
            add(
                plots.draw_comparison(panels, scratch),
                f"wer_vs_updates_{name}",
                f"WER against the number of pre-training updates ({name}): a point per seed, lines "
                "through the means.",
            )
        )
    add_masks(found, workdir, extras, add)
    ssl = [t for t in found.trainings.values() if t.kind == "ssl"]
    if panels := pretraining_panels(with_history(ssl, extras.notes)):
        figure = plots.draw_curves(panels, "updates", "solid: training, dashed: validation")
        extras.pictures.append(
            add(figure, "pretraining", "Pre-training, a value per epoch. Seeds share a colour.")
        )
    shown = last_starts(found.runs)
    for conf in sorted({run.asr_conf for run in shown}):
        of_conf = [run for run in shown if run.asr_conf == conf]
        readable = with_history([run.asr for run in of_conf], extras.notes)
        histories = {training.name: history for training, history in readable}
        panels = finetuning_panels(
            [(run, histories[run.asr.name]) for run in of_conf if run.asr.name in histories]
        )
        if panels:
            caption = (
                f"Fine-tuning with {conf}, a value per epoch. Seeds share a colour; of each "
                "pre-training the latest checkpoint that was fine-tuned."
            )
            extras.pictures.append(
                add(plots.draw_curves(panels, "epochs"), f"finetuning_{conf}", caption)
            )
    return extras


def add_masks(found: Found, workdir: Path, extras: Extras, add) -> None:
    """Sum up the confidence streams, and show one utterance's with the masks they lead to."""
    import kaldiio

    from espnet_ext.analysis.confidence_spread import confidence_spread

    for scp in sorted((workdir / "dump").glob("*/confidence.scp")):
        try:
            extras.spreads[scp.parent.name] = confidence_spread(kaldiio.load_scp(str(scp)).values())
        except (OSError, ValueError) as err:
            extras.notes.append(f"{scp}: cannot be read ({err})")
    guided = [t for t in found.trainings.values() if t.config.get("masker") == "confidence"]
    if not found.trainings:
        return
    if not guided:
        extras.notes.append("picture of masks: no pre-training with `masker: confidence`")
        return
    try:
        figure, caption = mask_figure(guided[0])
        extras.pictures.append(add(figure, "masks", caption))
    except (OSError, KeyError, ValueError, UserError) as err:
        extras.notes.append(f"picture of masks: {guided[0].path}: {err}")


def mask_figure(ssl: Training) -> tuple:
    """One utterance that `ssl` was trained on: log-Mel, confidence, and masks drawn with seed 0.

    Returns:
        figure and caption.

    Raises:
        KeyError, OSError, ValueError, UserError: data that the experiment read is gone.
    """
    import kaldiio

    from espnet_ext.analysis import plots
    from espnet_ext.data.audio import SpeechDir

    config = ssl.config
    paths = {name: path for path, name, _ in config["train_data_path_and_name_and_type"]}
    frontend_conf = dict(config["frontend_conf"])
    rate = int(frontend_conf.get("fs", 16000))
    frame_shift_ms = 1000 * config["frame_samples"] / rate
    speech, streams = SpeechDir(paths["speech"]), kaldiio.load_scp(paths["confidence"])
    utt = nearest_in_length(streams, SHOWN_SEC * 1000 / frame_shift_ms)
    samples_N, confidence_T = speech[utt], streams[utt]

    import torch  # only now: without data there is nothing to draw, and these take seconds to load

    from espnet_ext import registry

    spans = {k: v for k, v in config["masker_conf"].items() if k != "order"}
    masks = {}
    for name, conf in (("random", spans), ("confidence", config["masker_conf"])):
        mask_BT = registry.MASKERS[name](**conf)(
            torch.tensor([len(confidence_T)]),
            len(confidence_T),
            confidence_BT=torch.tensor(confidence_T)[None],
            generator=torch.Generator().manual_seed(0),
        )
        masks[name] = mask_BT[0].numpy()
    figure = plots.draw_masks(
        log_mel(samples_N, frontend_conf),
        confidence_T,
        masks,
        1000 * int(frontend_conf.get("hop_length", 128)) / rate,
        frame_shift_ms,
        utt,
    )
    span_ms = config["masker_conf"].get("span", 10) * frame_shift_ms
    caption = (
        f"Masks on the utterance {utt}: log-Mel features, confidence of the scorer every "
        f"{frame_shift_ms:g} ms, and the frames masked by one draw of each masker with spans of "
        f"{span_ms:g} ms (conf {ssl.conf()}, generator seeded with 0)."
    )
    return figure, caption


def nearest_in_length(streams, wanted_frames: float) -> str:
    """The utterance of about this length; the first by name among equals."""
    return min(streams, key=lambda utt: (abs(len(streams[utt]) - wanted_frames), utt))


def log_mel(samples_N: np.ndarray, frontend_conf: dict) -> np.ndarray:
    """(frames, bins), by the frontend that the model itself uses."""
    import torch
    from espnet2.asr.frontend.default import DefaultFrontend

    with torch.no_grad():
        feats_1TF, _ = DefaultFrontend(**frontend_conf)(
            torch.tensor(samples_N)[None], torch.tensor([len(samples_N)])
        )
    return feats_1TF[0].numpy()
