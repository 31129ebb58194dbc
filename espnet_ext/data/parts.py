"""Work shared out to parallel jobs, and joined: `text.JOB` to `text`, frame streams to one ark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import kaldiio
import numpy as np

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.kaldi_dir import read_dict


def own_share(data_dir: Path, job: int, n_jobs: int) -> dict[str, float]:
    """Utterances of job 1…n with their seconds, shortest first: every n-th in order of length, so
    that all jobs end together."""
    dur_sec = {utt: float(sec) for utt, sec in read_dict(data_dir / "utt2dur").items()}
    by_length = sorted(dur_sec, key=lambda utt: (dur_sec[utt], utt))
    return {utt: dur_sec[utt] for utt in by_length[job - 1 :: n_jobs]}


def merge_text(out: Path, n_jobs: int, data_dir: Path, network: Path | None = None) -> None:
    """Join `text.JOB` to `text`, sorted, `nbest.JOB` to `nbest`, and the jobs' times to `rtf`.

    Args:
        network: folder with `rtf.JOB` of what ran before, such as the emissions searched.

    Raises:
        UserError: a part is missing, or the parts do not cover the data directory.
    """
    parts = [out / f"text.{job}" for job in range(1, n_jobs + 1)]
    hyps = {line.split(maxsplit=1)[0]: line for line in _lines(parts)}
    _check_cover(hyps, data_dir, out)
    lists = [out / f"nbest.{job}" for job in range(1, n_jobs + 1)]
    (out / "nbest").unlink(missing_ok=True)
    if lists[0].exists():
        with atomic_write(out / "nbest") as handle:
            rows = sorted(_lines(lists), key=lambda row: row.split("\t", 1)[0].encode())
            handle.writelines(f"{row}\n" for row in rows)
    with atomic_write(out / "text") as handle:
        handle.writelines(hyps[utt] + "\n" for utt in sorted(hyps, key=str.encode))
    with atomic_write(out / "rtf") as handle:
        handle.write(_real_time_factor(out, n_jobs, network))


def _real_time_factor(out: Path, n_jobs: int, network: Path | None) -> str:
    """`0.0712 real-time factor (network 0.0600, search 0.0112), 116.3 s of audio`"""
    search, audio_sec = _times([out / f"rtf.{job}" for job in range(1, n_jobs + 1)])
    if network is None:
        return f"{search / audio_sec:.4f} real-time factor, {audio_sec:.1f} s of audio\n"
    before, _ = _times(sorted(network.glob("rtf.*")))
    total, before, search = ((x / audio_sec) for x in (before + search, before, search))
    return (
        f"{total:.4f} real-time factor (network {before:.4f}, search {search:.4f}), "
        f"{audio_sec:.1f} s of audio\n"
    )


def _times(parts: list[Path]) -> tuple[float, float]:
    """Seconds that jobs took, and seconds of their audio."""
    rows = [line.split() for line in _lines(parts)]
    return sum(float(row[0]) for row in rows), sum(float(row[1]) for row in rows)


def merge_stream(
    name: str,
    out: Path,
    n_jobs: int,
    data_dir: Path,
    look: Callable[[np.ndarray], None] = lambda rows: None,
) -> None:
    """Join `NAME.JOB.{ark,scp}` to `NAME.{ark,scp}`, sorted, and remove the parts.

    Args:
        look: is shown every utterance's rows on the way.

    Raises:
        UserError: a part is missing, or the parts do not cover the data directory.
    """
    parts = [out / f"{name}.{job}.scp" for job in range(1, n_jobs + 1)]
    places = dict(line.split(maxsplit=1) for line in _lines(parts))
    _check_cover(places, data_dir, out)

    def read(utt: str) -> tuple[str, np.ndarray]:
        rows = kaldiio.load_mat(places[utt])
        look(rows)
        return utt, rows

    write_ark(out / f"{name}.ark", (read(utt) for utt in sorted(places, key=str.encode)))
    for part in parts:
        part.unlink()
        part.with_suffix(".ark").unlink()


def write_ark(ark: Path, rows: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write an ark and the scp beside it, whole or not at all."""
    # the scp is renamed last: where it stands, its ark is whole
    with atomic_write(ark.with_suffix(".scp")) as scp_file, atomic_write(ark, "wb") as ark_file:
        for utt, array in rows:
            scp_file.write(f"{utt} {ark}:{ark_file.tell() + len(utt.encode()) + 1}\n")
            kaldiio.save_ark(ark_file, {utt: array})


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
