"""CTC emissions of a data directory, computed once: `espnet_ext/data/emissions.py` reads them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.parts import own_share, write_ark
from espnet_ext.model.asr import Recogniser
from espnet_ext.tasks.decoding.infer import encoded_batches, frame_shift_ms, load_recogniser


def dump_emissions(
    exp: Path,
    data_dir: Path,
    out: Path,
    job: int,
    n_jobs: int,
    batch_sec: float,
    device: str = "cpu",
) -> None:
    """Write this job's part, `emissions.JOB.{ark,scp}` and `rtf.JOB`, and the files beside them.

    Raises:
        UserError: a recogniser without CTC, or one that gives what is no number.
    """
    model, args = load_recogniser(exp, device=device)
    if model.ctc is None:
        raise UserError(f"{exp}: has no CTC output; its own search runs the network (output: rnnt)")
    dur_sec = own_share(data_dir, job, n_jobs)
    started = time.perf_counter()
    rows = emissions(model, SpeechDir(data_dir / "wav.scp"), dur_sec, batch_sec)
    write_ark(out / f"emissions.{job}.ark", tqdm(rows, total=len(dur_sec)))
    seconds = time.perf_counter() - started
    _describe(out, args, model)
    with atomic_write(out / f"rtf.{job}") as handle:
        handle.write(f"{seconds:.3f} {sum(dur_sec.values()):.3f}\n")


@torch.no_grad()
def emissions(
    model: Recogniser, speech: SpeechDir, dur_sec: dict[str, float], batch_sec: float
) -> Iterator[tuple[str, np.ndarray]]:
    """(utterance, emissions_TV) in order of length."""
    for batch, encoded_BTD, frames_B in encoded_batches(model, speech, dur_sec, batch_sec):
        log_probs_BTV = model.ctc.log_softmax(encoded_BTD).float().cpu().numpy()
        for utt, row_TV, n in zip(batch, log_probs_BTV, frames_B.tolist(), strict=True):
            if not np.isfinite(row_TV[:n]).all():
                raise UserError(f"{utt}: the recogniser gives no number; did its training diverge?")
            yield utt, row_TV[:n]


def _describe(out: Path, args, model: Recogniser) -> None:
    with atomic_write(out / "tokens.txt") as handle:
        handle.writelines(f"{token}\n" for token in model.token_list)
    with atomic_write(out / "emissions.frame_shift_ms") as handle:
        handle.write(f"{frame_shift_ms(args, model):g}\n")
    if args.token_type == "bpe":
        with atomic_write(out / "bpe.model", "wb") as handle, Path(args.bpemodel).open("rb") as old:
            shutil.copyfileobj(old, handle)


def pieces_of(args) -> Callable[[str], list[str]] | None:
    """From a word to its word pieces, for a recogniser that has such.

    Args:
        args: it was trained with.
    """
    if args.token_type != "bpe":
        return None
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(str(args.bpemodel))
    return lambda word: model.encode(word, out_type=str)
