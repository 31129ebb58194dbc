"""What parallel jobs wrote, joined: `text.JOB` to `text`, confidences to one ark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import kaldiio
import numpy as np

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir


def merge_text(out: Path, n_jobs: int, data_dir: Path) -> None:
    """Join `text.JOB` to `text`, sorted, and the jobs' times to `rtf`.

    Raises:
        UserError: a part is missing, or the parts do not cover the data directory.
    """
    parts = [out / f"text.{job}" for job in range(1, n_jobs + 1)]
    hyps = {line.split(maxsplit=1)[0]: line for line in _lines(parts)}
    _check_cover(hyps, data_dir, out)
    times = [line.split() for line in _lines([out / f"rtf.{job}" for job in range(1, n_jobs + 1)])]
    busy, audio = (sum(float(row[i]) for row in times) for i in (0, 1))
    with atomic_write(out / "text") as handle:
        handle.writelines(hyps[utt] + "\n" for utt in sorted(hyps, key=str.encode))
    with atomic_write(out / "rtf") as handle:
        handle.write(f"{busy / audio:.4f} real-time factor, {audio:.1f} s of audio\n")


def merge_confidence(out: Path, n_jobs: int, data_dir: Path) -> None:
    """Join `confidence.JOB.{ark,scp}` to `confidence.{ark,scp}`, sorted, and remove the parts.

    Raises:
        UserError: a part is missing, or the parts do not cover the data directory.
    """
    parts = [out / f"confidence.{job}.scp" for job in range(1, n_jobs + 1)]
    places = dict(line.split(maxsplit=1) for line in _lines(parts))
    _check_cover(places, data_dir, out)
    write_ark(
        out / "confidence.ark",
        ((utt, kaldiio.load_mat(places[utt])) for utt in sorted(places, key=str.encode)),
    )
    for part in parts:
        part.unlink()
        part.with_suffix(".ark").unlink()


def write_ark(ark: Path, scores: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write an ark and the scp beside it, whole or not at all."""
    # the scp is renamed last: where it stands, its ark is whole
    with atomic_write(ark.with_suffix(".scp")) as scp_file, atomic_write(ark, "wb") as ark_file:
        for utt, row_T in scores:
            scp_file.write(f"{utt} {ark}:{ark_file.tell() + len(utt.encode()) + 1}\n")
            kaldiio.save_ark(ark_file, {utt: row_T})


def _lines(parts: list[Path]) -> list[str]:
    for part in parts:
        if not part.exists():
            raise UserError(f"{part}: missing; its job did not finish, run the jobs again")
    return [line for part in parts for line in part.read_text(encoding="utf-8").splitlines()]


def _check_cover(found: Iterable[str], data_dir: Path, out: Path) -> None:
    missing = set(SpeechDir(data_dir / "wav.scp")) - set(found)
    if missing:
        raise UserError(
            f"{out}: {len(missing)} utterances of {data_dir} are missing; "
            f"first: {min(missing)}; run the jobs again"
        )
