"""Run a trained recogniser over a data directory: batches of it, and frame confidences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir, filled_up
from espnet_ext.data.parts import own_share, write_ark
from espnet_ext.decode.confidence import frame_confidence
from espnet_ext.model.asr import Recogniser
from espnet_ext.tasks.asr import ASRTask


def load_recogniser(exp: Path, device: str = "cpu"):
    """Model in evaluation mode and the arguments it was trained with.

    Its weights are the average of the best epochs (`keep_nbest_models`) by the conf's first
    `best_model_criterion`: `valid.wer.ave.pth`, `valid.loss.ave.pth`.

    Raises:
        UserError: no finished training in `exp`.
    """
    config = _made(exp / "config.yaml")
    phase, key, _ = yaml.safe_load(config.read_text(encoding="utf-8"))["best_model_criterion"][0]
    model, args = ASRTask.build_model_from_file(
        config, _made(exp / f"{phase}.{key}.ave.pth"), device
    )
    return model.eval(), args


def _made(path: Path) -> Path:
    if not path.exists():
        raise UserError(f"{path}: missing; this training is not finished, run it again")
    return path


def encoded_batches(
    model: Recogniser, speech: SpeechDir, dur_sec: dict[str, float], batch_sec: float
) -> Iterator[tuple[list[str], Tensor, Tensor]]:
    """Encode utterances in order of length; what gives no frame is filled up with silence.

    Args:
        dur_sec: the utterances to encode, shortest first, with their durations.
        batch_sec: padded seconds in a batch.

    Yields:
        ids, encoded_BTD, lengths_B.
    """
    device = next(model.parameters()).device
    waiting = list(dur_sec)[::-1]
    while waiting:
        batch = [waiting.pop()]
        while waiting and (len(batch) + 1) * dur_sec[waiting[-1]] <= batch_sec:
            batch.append(waiting.pop())
        waves = [torch.from_numpy(filled_up(speech[utt])) for utt in batch]
        lengths_B = torch.tensor([len(wave) for wave in waves], device=device)
        padded_BS = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True).to(device)
        yield batch, *model.encode(padded_BS, lengths_B)


@torch.no_grad()
def dump_confidence(
    exp: Path,
    data_dir: Path,
    out: Path,
    job: int,
    n_jobs: int,
    include_blank: bool,
    batch_sec: float,
) -> None:
    """Write this job's `confidence.JOB.{ark,scp}`: a float vector in [0, 1] per utterance."""
    model, args = load_recogniser(exp)
    if model.ctc is None:
        raise UserError(f"{exp}: has no CTC output; a scorer needs one (model_conf.ctc_weight)")
    speech = SpeechDir(data_dir / "wav.scp")
    dur_sec = own_share(data_dir, job, n_jobs)
    ark, scores = out / f"confidence.{job}.ark", {}
    for batch, encoded_BTD, frames_B in tqdm(encoded_batches(model, speech, dur_sec, batch_sec)):
        log_probs_BTV = model.ctc.log_softmax(encoded_BTD)
        scores_BT = frame_confidence(log_probs_BTV, model.blank_id, include_blank).cpu().numpy()
        for utt, row_T, n in zip(batch, scores_BT, frames_B.tolist(), strict=True):
            scores[utt] = row_T[:n].astype(np.float32)
    write_ark(ark, ((utt, scores[utt]) for utt in sorted(scores, key=str.encode)))
    with atomic_write(out / "confidence.frame_shift_ms") as handle:
        handle.write(f"{frame_shift_ms(args, model):g}\n")


def frame_shift_ms(args, model: Recogniser) -> float:
    """Of what the encoder gives, from the arguments it was trained with."""
    if (own := getattr(model.frontend, "frame_shift_ms", None)) is not None:
        return own
    front = args.frontend_conf
    hop_ms = 1000 * front.get("hop_length", 128) / int(front.get("fs", 16000))
    return hop_ms * getattr(model.preencoder, "time_stride", 1)
