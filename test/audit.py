"""What the papers state and code alone decides, beside what ours comes to: prints docs/audit.md.

  python test/audit.py > docs/audit.md        (make audit)

The published confs are built on a device without memory; nothing is trained. test/test_audit.py
fails where the page is not what this prints, or where ours differs and no reason is given.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from espnet_ext.config import compose
from espnet_ext.loss.multicluster import spread_layers
from espnet_ext.masking.easy_to_hard import EasyToHard
from espnet_ext.masking.random import RandomSpans

ROOT = Path(__file__).resolve().parents[1]
RECIPE = {"librispeech": "egs2/librispeech/ssl1/conf", "librilight": "egs2/librilight/ssl1/conf"}
SAMPLE_RATE = 16000


@dataclass
class Row:
    """A figure. agrees: None where the paper says nothing. why: the reason, where ours is not the
    paper's. test: what else holds it."""

    what: str
    paper: str
    ours: str
    agrees: bool | None
    why: str = ""
    test: str = ""


def build(conf: dict, task: str):
    """The model of a conf, without its numbers.

    A masker has no parameters, but some draw from a table, which a device without memory has not.
    """
    from espnet_ext.tasks.run import TASKS

    task_class = TASKS[task]
    args = task_class.get_parser().parse_args([])
    if task != "ssl":
        args.token_list = ["<blank>", "<unk>", "a", "<sos/eos>"]
    if conf.get("masker") == "random":
        conf = conf | {"masker": "inverse_block", "masker_conf": {}}
    for key, value in conf.items():
        setattr(args, key, value)
    with torch.device("meta"):
        return task_class.build_model(args)


@functools.cache
def published(name: str, recipe: str = "librispeech"):
    """(conf, model) of a published conf."""
    conf, _ = compose(ROOT / RECIPE[recipe] / f"{name}.yaml")
    return conf, build(conf, "ssl")


def learned(module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def millions(name: str, recipe: str = "librispeech") -> float:
    return learned(published(name, recipe)[1]) / 1e6


def parameters() -> list[Row]:
    rows = []
    for title, name, recipe, paper in (
        ("wav2vec 2.0 BASE (Table 1)", "wav2vec2_base", "librispeech", 95),
        ("wav2vec 2.0 LARGE, LibriSpeech (Table 1)", "wav2vec2_large", "librispeech", 317),
        ("wav2vec 2.0 LARGE, LV-60k (Table 1)", "wav2vec2_large", "librilight", 317),
    ):
        ours = millions(name, recipe)
        rows.append(
            Row(f"{title}: parameters", f"{paper} M", f"{ours:.2f} M", round(ours) == paper)
        )
    hubert, ms_hubert = millions("hubert_base_2"), millions("ms_hubert_base")
    rows.append(
        Row(
            "MS-HuBERT (§3): parameters",
            "96.01 M",
            f"{ms_hubert:.2f} M",
            f"{ms_hubert:.2f}" == "96.01",
            "0.04 M; what the total counts is not said",
        )
    )
    rows.append(
        Row(
            "MS-HuBERT (§3): more than HuBERT",
            "around 1.25 M",
            f"{ms_hubert - hubert:.2f} M",
            abs(ms_hubert - hubert - 1.25) < 0.05,
            "HuBERT's one head names 500 labels; six of 256 dimensions and 1950 labels have 1.68 M",
        )
    )
    ehmam = millions("ehmam_base")
    predictor = next(o for o in published("ehmam_base")[1].objectives if o.name == "ranking")
    share = learned(predictor) / 1e6
    rows.append(
        Row("EH-MAM (app. D): parameters", "94.40 M", f"{ehmam:.2f} M", f"{ehmam:.2f}" == "94.40")
    )
    rows.append(
        Row(
            "EH-MAM (§7): of these the loss predictor",
            "roughly 5 %",
            f"{share:.2f} M, {share / ehmam:.2%}",
            abs(share / ehmam - 0.05) < 0.01,
            "layers of Table 5; 5 % would be 4.7 M, and app. D's 94.40 M leaves no room for them",
        )
    )
    for title, name, paper in (
        ("w2v-BERT-L (2 + 4 layers)", "w2vbert_l_random", 100),
        ("w2v-BERT-XL (8 + 24 layers)", "w2vbert_xl_random", 600),
        ("w2v2-cfr-L (12 layers)", "w2v2_cfr_l_random", 100),
        ("w2v2-cfr-XL (24 layers)", "w2v2_cfr_xl_random", 600),
        ("HuBERT-cfr-L (12 layers)", "hubert_cfr_l_random", 100),
        ("HuBERT-cfr-XL (24 layers)", "hubert_cfr_xl_random", 600),
    ):
        ours = learned(published(name, "librilight")[1].encoder) / 1e6
        per_layer = learned(published(name, "librilight")[1].encoder.layers[0]) / 1e6
        rows.append(
            Row(
                f"{title}, Ask2Mask §3.2: parameters of the context network",
                f"{paper} M",
                f"{ours:.0f} M",
                abs(ours - paper) < 0.03 * paper,
                f"a layer (1024, feed-forward 4096) has {per_layer:.1f} M; the paper's numbers of "
                "layers are kept, and are keys of the conf",
            )
        )
    return rows


def codes_and_labels() -> list[Row]:
    rows = []
    for size, name, entry in (("BASE", "wav2vec2_base", 128), ("LARGE", "wav2vec2_large", 384)):
        codes = published(name)[1].targets["quantiser"]
        ours = codes.entries**codes.groups
        rows.append(
            Row(f"wav2vec 2.0 {size} (§4.2): codewords", "102.4k", f"{ours:,}", ours == 102_400)
        )
        dim = codes.codewords_GVC.shape[-1]
        rows.append(
            Row(f"wav2vec 2.0 {size} (§4.2): size of an entry", str(entry), str(dim), dim == entry)
        )
    sizes = published("ms_hubert_base")[0]["targets"]["labels"]["conf"]["sizes"]
    paper = [1000, 500, 250, 125, 50, 25]
    rows.append(
        Row(
            "MS-HuBERT (§3): nested label sets",
            ", ".join(map(str, paper)),
            ", ".join(map(str, sizes)),
            sizes == paper,
        )
    )
    layers = published("ms_hubert_base")[0]["losses"]["multicluster"]["layer"]
    rows.append(
        Row(
            "MS-HuBERT (§2.2.2): their layers, of 12",
            "equidistant",
            ", ".join(map(str, layers)),
            layers == spread_layers(12, 6),
            "the formula is lost in the text we have",
        )
    )
    clusters = published("hubert_cfr_l_random", "librilight")[0]["targets"]["labels"]["conf"][
        "sizes"
    ]
    rows.append(
        Row("HuBERT-cfr (Ask2Mask §3.2): clusters", "1024", str(clusters[0]), clusters == [1024])
    )
    return rows


def frames() -> list[Row]:
    wave = published("wav2vec2_base")[1].frontend
    one_second = (SAMPLE_RATE - wave.field_samples) // wave.hop_samples + 1
    conformer = published("w2vbert_l_random", "librilight")[1].frame_shift_ms
    in_wave = "test/frontend/test_wave_cnn.py::"
    field_ms = 1000 * wave.field_samples / SAMPLE_RATE
    return [
        Row(
            "wave CNN (wav2vec 2.0 §4.2): frames of one second",
            "49 Hz",
            f"{one_second}",
            one_second == 49,
            test=f"{in_wave}test_a_frame_sees_25_ms_and_the_next_begins_20_ms_later",
        ),
        Row(
            "wave CNN: what a frame sees",
            "400 samples, 25 ms",
            f"{wave.field_samples} samples, {field_ms:g} ms",
            field_ms == 25.0,
        ),
        Row(
            "wave CNN: from frame to frame",
            "about 20 ms",
            f"{wave.frame_shift_ms:g} ms",
            wave.frame_shift_ms == 20.0,
        ),
        Row(
            "log-Mel and two convolutions of stride 2 (Ask2Mask §3.2)",
            "not said; 10 ms · 2 · 2",
            f"{conformer:g} ms",
            None,
        ),
    ]


def mask_of(masker, n_frames: int, rows: int = 4000, **given) -> torch.Tensor:
    lengths_B = torch.full((rows,), n_frames)
    return masker(lengths_B, n_frames, generator=torch.Generator().manual_seed(0), **given)


def run_lengths(mask_BT: torch.Tensor) -> torch.Tensor:
    edges = torch.nn.functional.pad(mask_BT.int(), (1, 1)).diff(dim=1)
    return (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]


def masks() -> list[Row]:
    in_spans = "test/masking/test_spans.py::"
    mask_BT = mask_of(RandomSpans(10, start_prob=0.065), 750)
    runs_N = run_lengths(mask_BT).float()
    share, mean, median = (
        float(x) for x in (mask_BT.float().mean(), runs_N.mean(), runs_N.median())
    )
    hubert = float(mask_of(RandomSpans(10, start_prob=0.08), 750).float().mean())
    loss_BT = torch.rand((4000, 750), generator=torch.Generator().manual_seed(1))
    held, released = (
        float(mask_of(EasyToHard(5, 0.5, hold=hold), 750, predicted_loss_BT=loss_BT).float().mean())
        for hold in ("fraction", "starts")
    )
    apart = float(mask_of(RandomSpans(15, start_prob=0.037, overlap=False), 750).float().mean())
    in_lengths = "test/masking/test_span_lengths.py::"
    in_hard = "test/masking/test_easy_to_hard.py::"
    return [
        Row(
            "wav2vec 2.0 (app. A), 15 s, p = 0.065, M = 10: masked",
            "49 %",
            f"{share:.0%}",
            f"{share:.0%}" == "49%",
            test=f"{in_spans}test_wav2vec2_masks_49_percent_in_spans_of_299_ms",
        ),
        Row(
            "… mean span",
            "14.7 frames, 299 ms",
            f"{mean:.1f} frames, {20 * mean + 5:.0f} ms",
            abs(mean - 14.7) < 0.1,
            "299 ms has the 5 ms by which a frame sees more than its hop",
        ),
        Row("… median span", "10 frames", f"{median:.0f} frames", median == 10),
        Row(
            "… longest span",
            "about 100 frames",
            f"{int(runs_N.max())} frames of {len(runs_N)} spans",
            bool(70 < runs_N.max() < 130),
        ),
        Row(
            "… without overlap (Table 5), p = 0.037, to match p = 0.075",
            "54 %",
            f"{apart:.0%} with spans of 15",
            None,
            "only a mean length of 15 does match",
            test=f"{in_lengths}test_table_5_the_share_of_its_baseline_is_met_by_a_mean_length_of_15",
        ),
        Row(
            "HuBERT's masks under MS-HuBERT (§2.2)",
            "around 50 %",
            f"{hubert:.0%}",
            False,
            "0.08 starts of spans of 10 are HuBERT's public conf, and mask this much",
            test=f"{in_spans}test_hubert_masks_57_percent",
        ),
        Row(
            "EH-MAM (Table 5), P = 0.5, at the start",
            "50 %",
            f"{held:.0%}",
            f"{held:.0%}" == "50%",
            test=f"{in_hard}test_by_default_the_masked_share_stays_at_p",
        ),
        Row(
            "… with `hold: starts`, as released",
            "50 %",
            f"{released:.0%}",
            False,
            "a fixed number of spans that overlap; ever less as hard frames lie side by side",
            test=f"{in_hard}test_the_released_masks_shrink_with_progress",
        ),
    ]


def schedules() -> list[Row]:
    rows = []
    with torch.device("cpu"):
        for size, recipe, least, end in (
            ("BASE", "librispeech", 0.5, 400_000),
            ("LARGE", "librilight", 0.1, 600_000),
        ):
            name = f"wav2vec2_{size.lower()}"
            quantiser = published(name, recipe)[1].targets["quantiser"]
            for updates in (0, 100_000, end):
                paper = max(2 * 0.999995**updates, least)
                ours = float(quantiser.temperature(torch.tensor(float(updates))))
                rows.append(
                    Row(
                        f"wav2vec 2.0 {size} (§4.2): temperature after {updates:,} updates",
                        f"{paper:.4f}",
                        f"{ours:.4f}",
                        abs(ours / paper - 1) < 1e-4,
                    )
                )
        teacher = published("ehmam_base")[1].teacher
        for updates, paper in (
            (0, 0.999),
            (37_500, 0.999495),
            (75_000, 0.99999),
            (400_000, 0.99999),
        ):
            weight = float(
                teacher.student_weight(torch.tensor(float(updates), dtype=torch.float64))
            )
            rows.append(
                Row(
                    f"EH-MAM (Table 5): EMA decay after {updates:,} updates",
                    f"{paper:g}",
                    f"{1 - weight:.6f}".rstrip("0"),
                    abs(weight / (1 - paper) - 1) < 1e-3,
                )
            )
    for title, name, recipe, batch_sec, batch, updates in (
        ("wav2vec 2.0 BASE", "wav2vec2_base", "librispeech", 5760, "1.6 h", 400_000),
        ("wav2vec 2.0 LARGE", "wav2vec2_large", "librispeech", 9720, "2.7 h", 250_000),
        ("wav2vec 2.0 LARGE, LV-60k", "wav2vec2_large", "librilight", 9720, "2.7 h", 600_000),
        ("HuBERT BASE", "hubert_base_2", "librispeech", 2820, "47 min", 400_000),
        ("MS-HuBERT", "ms_hubert_base", "librispeech", 2800, "32 x 87.5 s", 400_000),
        ("data2vec", "data2vec_base", "librispeech", 3780, "63 min", 400_000),
        ("data2vec 2.0", "data2vec2_base", "librispeech", 1020, "17 min", 400_000),
        ("EH-MAM", "ehmam_base", "librispeech", 3780, "63 min", 400_000),
    ):
        conf = published(name, recipe)[0]
        collected = conf.get("accum_grad", 1)
        ours_sec = conf["batch_bins"] * collected / SAMPLE_RATE
        n = conf["num_iters_per_epoch"] * conf["max_epoch"] // collected
        agrees = abs(ours_sec / batch_sec - 1) < 0.04 and n == updates
        why = (
            "EH-MAM's Table 2; data2vec 2.0's public conf has this"
            if name == "data2vec2_base"
            else ""
        )
        rows.append(
            Row(
                f"{title}: batch and updates",
                f"{batch}, {updates:,}",
                f"{ours_sec / 60:.1f} min, {n:,}",
                agrees,
                why,
            )
        )
    return rows


SECTIONS = {
    "Parameters": parameters,
    "Codes and labels": codes_and_labels,
    "Frames": frames,
    "Masks": masks,
    "Schedules": schedules,
}


def page() -> str:
    lines = [
        "# Audit",
        "",
        "Figures that the papers state and code alone decides, beside what the published confs "
        "come to. This page is printed by `make audit`; `test/test_audit.py` fails where it is out "
        "of date, or where ours differs and no reason is given. Scores need the corpora and many "
        "GPUs; none was measured.",
        "",
    ]
    for title, rows in SECTIONS.items():
        lines += [f"## {title}", "", "| figure | paper | ours | | where they differ, and why |"]
        lines += ["|---|---|---|---|---|"]
        for row in rows():
            why = "; ".join(part for part in (row.why, row.test and f"`{row.test}`") if part)
            mark = {True: "same", False: "**differs**", None: ""}[row.agrees]
            lines.append(f"| {row.what} | {row.paper} | {row.ours} | {mark} | {why} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
