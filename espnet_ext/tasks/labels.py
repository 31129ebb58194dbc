"""k-means labels of speech: find the clusters of frames, then give every frame its label.

The frames are MFCC, or a layer's output in a pre-trained experiment (HuBERT's later iterations).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir, filled_up
from espnet_ext.data.kmeans import FrameSample, KMeans, LabelCounts, check_sizes, fit
from espnet_ext.data.parts import merge_stream, own_share, write_ark

WEIGHTS = "latest.pth"  # of a pre-training: what fine-tuning begins with, too
VARIETY = 10  # utterances are looked at until they have so many times the frames that are kept


class MFCCFrames:
    """Frames of 39 MFCC, one in every so many of Kaldi's."""

    def __init__(self, frame_shift_ms: float, sample_rate: int):
        from espnet_ext.frontend.mfcc import MFCC_DIM, MFCC_SHIFT_MS

        self.every = thinning(frame_shift_ms, MFCC_SHIFT_MS, "MFCC")
        self.sample_rate, self.dim = sample_rate, MFCC_DIM
        self.made_from = {"features": "mfcc", "sample_rate": sample_rate}

    def __call__(
        self, speech: SpeechDir, dur_sec: dict[str, float]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """(utterance, (T, D) float32) of each utterance that `dur_sec` names."""
        from espnet_ext.frontend.mfcc import mfcc

        for utt in dur_sec:
            yield utt, mfcc(filled_up(speech[utt]), self.sample_rate)[:: self.every]


class LayerFrames:
    """Frames of a pre-trained encoder's layer, counted from 1; nothing is masked."""

    def __init__(self, exp: Path, layer: int, frame_shift_ms: float, batch_sec: float):
        import torch

        from espnet_ext.tasks.ssl import SSLTask

        for name in ("config.yaml", WEIGHTS):
            if not (exp / name).exists():
                raise UserError(f"{exp / name}: missing; this pre-training is not finished")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model, _ = SSLTask.build_model_from_file(exp / "config.yaml", exp / WEIGHTS, device)
        n_layers = len(model.encoder.layers)
        if not 1 <= layer <= n_layers:
            raise UserError(f"{exp}: --layer {layer}; expected 1 to {n_layers}, its layers")
        self.every = thinning(frame_shift_ms, model.frame_shift_ms, f"{exp}: latents")
        self.encoder = UpToLayer(model.eval(), layer)
        self.batch_sec, self.dim = batch_sec, model.encoder.output_size()
        self.made_from = {
            "features": "layer",
            "exp": str(exp),
            "layer": layer,
            "weights": digest(exp / WEIGHTS),
        }

    def __call__(
        self, speech: SpeechDir, dur_sec: dict[str, float]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """(utterance, (T, D) float32) of each utterance that `dur_sec` names."""
        import torch

        from espnet_ext.tasks.decoding.infer import encoded_batches

        with torch.no_grad():
            for utts, hidden_BTD, frames_B in encoded_batches(
                self.encoder, speech, dur_sec, self.batch_sec
            ):
                rows = hidden_BTD[:, :: self.every].float().cpu().numpy()
                for utt, row_TD, n in zip(utts, rows, frames_B.tolist(), strict=True):
                    yield utt, row_TD[: -(-n // self.every)]


class UpToLayer:
    """A pre-trained model under the name that `encoded_batches` calls: speech to a layer."""

    def __init__(self, model, layer: int):
        self.model, self.layer = model, layer
        self.parameters = model.parameters

    def encode(self, speech_BS, lengths_B):
        _, latents_BTD, frames_B = self.model.latents(speech_BS, lengths_B)
        encoder = self.model.encoder
        return encoder.hidden(encoder.embed(latents_BTD), frames_B)[self.layer - 1], frames_B


def thinning(wanted_ms: float, own_ms: float, what: str) -> int:
    """Every how many frames one is kept."""
    every = round(wanted_ms / own_ms)
    if every < 1 or abs(every * own_ms - wanted_ms) > 1e-6:
        raise UserError(
            f"{what}: a frame every {own_ms:g} ms cannot give one every {wanted_ms:g} ms; "
            f"expected a multiple of {own_ms:g} (--frame_shift_ms, the model's own)"
        )
    return every


def frame_source(made_from: dict, batch_sec: float) -> MFCCFrames | LayerFrames:
    """The frames that a k-means was, or is to be, made from.

    Raises:
        UserError: another frame rate, an unknown layer, or weights that are not the same any more.
    """
    shift_ms = made_from["frame_shift_ms"]
    if made_from["features"] == "mfcc":
        return MFCCFrames(shift_ms, made_from["sample_rate"])
    source = LayerFrames(Path(made_from["exp"]), made_from["layer"], shift_ms, batch_sec)
    if made_from.get("weights", source.made_from["weights"]) != source.made_from["weights"]:
        raise UserError(
            f"{made_from['exp']}/{WEIGHTS}: not the weights that the k-means was trained on; "
            "train it again"
        )
    return source


def train_kmeans(
    data_dir: Path,
    out: Path,
    sizes: list[int],
    features: dict,
    seed: int = 0,
    memory_mb: float = 2000,
    coarse: str = "parent",
    batch_sec: float = 120.0,
) -> None:
    """Cluster a random sample of the frames of a data directory and write the centres to `out`.

    All of the sample is in memory, at most `memory_mb`, and nothing else that grows with the data:
    utterances in random order are looked at until they have ten times as many frames as there is
    room for. A file that was made so before is kept.

    Args:
        sizes: clusters of each level, see `kmeans.fit`.
        features: {"features": "mfcc", "sample_rate": …} or {"features": "layer", "exp": …,
            "layer": …}, and "frame_shift_ms".
    """
    check_sizes(sizes)
    source = frame_source(features, batch_sec)
    made_from = features | source.made_from
    made_from |= {"seed": seed, "memory_mb": memory_mb, "data": digest(data_dir / "utt2dur")}
    if out.exists():
        before = KMeans.load(out)
        if (before.made_from, before.sizes, before.coarse) == (made_from, sizes, coarse):
            print(f"{out}: kept, made from the same before")
            return
    sample = sampled_frames(source, data_dir, features["frame_shift_ms"], seed, memory_mb)
    kmeans = fit(sample, sizes, seed, coarse)
    kmeans.made_from = made_from
    kmeans.save(out)
    megabytes = sample.nbytes / 2**20
    print(
        f"{out}: {', '.join(map(str, sizes))} clusters of {len(sample)} frames, {megabytes:.0f} MB"
    )


def sampled_frames(
    source: MFCCFrames | LayerFrames,
    data_dir: Path,
    frame_shift_ms: float,
    seed: int,
    memory_mb: float,
) -> np.ndarray:
    """Frames drawn from a data directory, (N, D)."""
    dur_sec, speech = own_share(data_dir, 1, 1), SpeechDir(data_dir / "wav.scp")
    rng, utts = np.random.default_rng(seed), list(dur_sec)
    most, looked_at, expected = VARIETY * memory_mb * 2**20 / (4 * source.dim), set(), 0
    for place in rng.permutation(len(utts)):
        if expected > most:
            break
        looked_at.add(utts[place])
        expected += int(1000 * dur_sec[utts[place]] / frame_shift_ms) + 1
    sample = FrameSample(expected, source.dim, memory_mb, rng)
    shortest_first = {utt: sec for utt, sec in dur_sec.items() if utt in looked_at}
    for _, frames_TD in tqdm(source(speech, shortest_first), total=len(shortest_first)):
        sample.offer(frames_TD)
    return sample.frames()


def dump_labels(
    kmeans_file: Path,
    data_dir: Path,
    out: Path,
    tag: str,
    job: int,
    n_jobs: int,
    batch_sec: float = 120.0,
) -> None:
    """Write this job's `labels_TAG.JOB.{ark,scp}`: a (T, G) matrix of labels per utterance.

    A part that a job of the same data and k-means left whole is kept. Kaldi's archives have no
    matrix of integers: labels are stored as float32, exact up to 16 million.
    """
    name, made_from = f"labels_{tag}", stream_made_from(kmeans_file, data_dir)
    own = made_from | {"part": f"{job} of {n_jobs}"}
    scp = out / f"{name}.{job}.scp"
    if is_made(out / f"{name}.scp", made_from) or is_made(scp, own):
        print(f"{scp}: kept, made from the same before")
        return
    kmeans = KMeans.load(kmeans_file)
    source = frame_source(kmeans.made_from, batch_sec)
    speech = SpeechDir(data_dir / "wav.scp")

    def rows() -> Iterator[tuple[str, np.ndarray]]:
        share = own_share(data_dir, job, n_jobs)
        for utt, frames_TD in tqdm(source(speech, share), total=len(share)):
            yield utt, kmeans.labels(frames_TD).astype(np.float32)

    made_from_file(scp).unlink(missing_ok=True)
    write_ark(scp.with_suffix(".ark"), rows())
    write_made_from(scp, own)
    with atomic_write(out / f"{name}.frame_shift_ms") as handle:
        handle.write(f"{kmeans.made_from['frame_shift_ms']:g}\n")


def merge_labels(kmeans_file: Path, data_dir: Path, out: Path, tag: str, n_jobs: int) -> None:
    """Join the jobs' parts to `labels_TAG.{ark,scp}`, and say how the labels are used."""
    name, made_from = f"labels_{tag}", stream_made_from(kmeans_file, data_dir)
    scp = out / f"{name}.scp"
    if is_made(scp, made_from):
        print(f"{scp}: kept, made from the same before")
        return
    kmeans = KMeans.load(kmeans_file)
    counts = LabelCounts(kmeans.sizes)
    made_from_file(scp).unlink(missing_ok=True)
    merge_stream(name, out, n_jobs, data_dir, look=counts.add)
    write_made_from(scp, made_from)
    for job in range(1, n_jobs + 1):
        made_from_file(out / f"{name}.{job}.scp").unlink(missing_ok=True)
    for line in counts.lines(kmeans.made_from["frame_shift_ms"]):
        print(f"{scp}: {line}")


def stream_made_from(kmeans_file: Path, data_dir: Path) -> dict[str, str]:
    """What a stream of labels depends on: the clusters and the speech, as short hashes."""
    if not kmeans_file.exists():
        raise UserError(f"{kmeans_file}: missing; train_kmeans makes it")
    return {"kmeans": digest(kmeans_file), "data": digest(data_dir / "utt2dur")}


def made_from_file(scp: Path) -> Path:
    """The note beside a stream."""
    return scp.with_suffix(".made_from")


def write_made_from(scp: Path, made_from: dict[str, str]) -> None:
    """Note beside a stream, after it is whole, what it was made from."""
    with atomic_write(made_from_file(scp)) as handle:
        json.dump(made_from, handle)


def is_made(scp: Path, made_from: dict[str, str]) -> bool:
    """Whether a stream stands there whole and was made from the same."""
    note = made_from_file(scp)
    return scp.exists() and note.exists() and json.loads(note.read_text()) == made_from


def digest(path: Path) -> str:
    """Content of a file as a short hash."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "blake2b").hexdigest()[:24]
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}") from None
