"""Run a trained recogniser over a data directory: words, or frame confidences."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import yaml
from espnet2.text.build_tokenizer import build_tokenizer
from torch import Tensor
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.parts import own_share, write_ark
from espnet_ext.decode.beam import CTCBeam, RNNTBeam
from espnet_ext.decode.confidence import frame_confidence
from espnet_ext.decode.greedy import ctc_greedy, rnnt_greedy
from espnet_ext.model.asr import Recogniser
from espnet_ext.tasks.asr import ASRTask

WEIGHTS = "valid.loss.ave.pth"  # average of the best epochs (`keep_nbest_models`)


def load_recogniser(exp: Path, weights: str = WEIGHTS, device: str = "cpu"):
    """Model in evaluation mode and the arguments it was trained with.

    Raises:
        UserError: no finished training in `exp`.
    """
    for name in ("config.yaml", weights):
        if not (exp / name).exists():
            raise UserError(f"{exp / name}: missing; this training is not finished, run it again")
    model, args = ASRTask.build_model_from_file(exp / "config.yaml", exp / weights, device)
    return model.eval(), args


def encoded_batches(
    model: Recogniser, speech: SpeechDir, dur_sec: dict[str, float], batch_sec: float
) -> Iterator[tuple[list[str], Tensor, Tensor, list[int]]]:
    """Encode utterances in order of length.

    Args:
        dur_sec: the utterances to encode, shortest first, with their durations.
        batch_sec: padded seconds in a batch.

    Yields:
        ids, encoded_BTD, lengths_B, samples of each.
    """
    device = next(model.parameters()).device
    waiting = list(dur_sec)[::-1]
    while waiting:
        batch = [waiting.pop()]
        while waiting and (len(batch) + 1) * dur_sec[waiting[-1]] <= batch_sec:
            batch.append(waiting.pop())
        waves = [torch.from_numpy(speech[utt]) for utt in batch]
        lengths_B = torch.tensor([len(wave) for wave in waves], device=device)
        padded_BS = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True).to(device)
        encoded_BTD, frames_B = model.encode(padded_BS, lengths_B)
        yield batch, encoded_BTD, frames_B, lengths_B.tolist()


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
    for batch, encoded_BTD, frames_B, _ in tqdm(encoded_batches(model, speech, dur_sec, batch_sec)):
        log_probs_BTV = model.ctc.log_softmax(encoded_BTD)
        scores_BT = frame_confidence(log_probs_BTV, model.blank_id, include_blank).cpu().numpy()
        for utt, row_T, n in zip(batch, scores_BT, frames_B.tolist(), strict=True):
            scores[utt] = row_T[:n].astype(np.float32)
    write_ark(ark, ((utt, scores[utt]) for utt in sorted(scores, key=str.encode)))
    with atomic_write(out / "confidence.frame_shift_ms") as handle:
        handle.write(f"{_frame_shift_ms(args, model):g}\n")


def _frame_shift_ms(args, model: Recogniser) -> float:
    front = args.frontend_conf
    hop_ms = 1000 * front.get("hop_length", 128) / int(front.get("fs", 16000))
    return hop_ms * getattr(model.preencoder, "time_stride", 1)


@torch.no_grad()
def decode(exp: Path, conf_file: Path, data_dir: Path, out: Path, job: int, n_jobs: int) -> None:
    """Write this job's `text.JOB` and its real-time factor in `rtf.JOB`."""
    conf = {"search": "greedy", "beam_size": 10, "output": "auto", "batch_sec": 120.0}
    given = yaml.safe_load(conf_file.read_text(encoding="utf-8")) or {}
    if unknown := sorted(set(given) - set(conf)):
        raise UserError(f"{conf_file}: unknown key {unknown[0]!r} (known: {', '.join(conf)})")
    conf |= given
    model, args = load_recogniser(exp)
    tokenizer = build_tokenizer(args.token_type, bpemodel=args.bpemodel)
    speech = SpeechDir(data_dir / "wav.scp")
    dur_sec = own_share(data_dir, job, n_jobs)
    search = _searcher(model, conf, conf_file)
    hyps, samples, started = {}, 0, time.perf_counter()
    for batch, encoded_BTD, frames_B, lengths in encoded_batches(
        model, speech, dur_sec, conf["batch_sec"]
    ):
        for utt, ids in zip(batch, search(encoded_BTD, frames_B), strict=True):
            hyps[utt] = tokenizer.tokens2text([model.token_list[i] for i in ids]).strip()
        samples += sum(lengths)
    seconds = time.perf_counter() - started
    with atomic_write(out / f"text.{job}") as handle:
        handle.writelines(f"{utt} {hyps[utt]}".rstrip() + "\n" for utt in sorted(hyps))
    with atomic_write(out / f"rtf.{job}") as handle:
        handle.write(f"{seconds:.3f} {samples / 16000:.3f}\n")


def _searcher(model: Recogniser, conf: dict, conf_file: Path):
    """Function from encoded batch and lengths to token ids per utterance."""
    kind = conf["output"]
    if kind == "auto":
        kind = "rnnt" if model.use_transducer_decoder else "ctc"
    has = {"rnnt": model.use_transducer_decoder, "ctc": model.ctc is not None}
    if not has.get(kind):
        raise UserError(f"{conf_file}: output {kind!r} is not one this model has")
    if conf["search"] not in ("greedy", "beam"):
        raise UserError(f"{conf_file}: search {conf['search']!r} is not greedy or beam")
    blank = model.blank_id
    if kind == "ctc" and conf["search"] == "greedy":
        return lambda x, n: ctc_greedy(model.ctc.log_softmax(x), n, blank)
    if kind == "rnnt" and conf["search"] == "greedy":
        return lambda x, n: rnnt_greedy(model.decoder, model.joint_network, x, n, blank)
    if kind == "ctc":
        one = CTCBeam(model.vocab_size, blank, conf["beam_size"])
        return lambda x, n: [
            one(row[:length]) for row, length in zip(model.ctc.log_softmax(x), n, strict=True)
        ]
    one = RNNTBeam(model.decoder, model.joint_network, conf["beam_size"])
    return lambda x, n: [one(row[:length]) for row, length in zip(x, n, strict=True)]
