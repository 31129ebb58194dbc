"""Audio in and out: a data directory as a mapping to samples, and any format to FLAC.

Arrays are mono, float32 within ±1 unless said otherwise; `_N` is the number of samples.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile

from espnet_ext.config import UserError
from espnet_ext.data import sphere
from espnet_ext.data.kaldi_dir import read_dict

G722_BYTES_PER_SEC = 8000  # 64 kbit/s; one byte holds two samples of 16 kHz
# S02_P05.wav#channel=1, sw02001.sph#channel=2#rate=16000
PLACE = re.compile(r"(?P<path>.+?)(#channel=(?P<channel>[1-9]\d*))?(#rate=(?P<rate>[1-9]\d*))?")


def split_place(entry: str) -> tuple[str, int | None, int | None]:
    """Path of a `wav.scp` entry, the channel to read from it, and the rate to give it.

    `sw02001.sph#channel=2#rate=16000` is the second side of a telephone call, brought to 16 kHz
    when it is read: no copy, no pipe. Channels count from 1 as in sox.
    None where the entry names no channel (then the file must have one only), or no rate (then the
    file's is kept).
    """
    found = PLACE.fullmatch(entry)
    if found is None:
        return entry, None, None
    channel, rate = found["channel"], found["rate"]
    return found["path"], channel and int(channel), rate and int(rate)


def frames_at(rate: int, sound: soundfile.SoundFile) -> int:
    """How many samples a file has at another rate."""
    return sound.frames * rate // sound.samplerate


def read_stretch(
    sound: soundfile.SoundFile, start: int, end: int, rate: int, channel: int
) -> np.ndarray:
    """Samples `start` to `end`, both counted at `rate`, of one channel (from 0)."""
    own = sound.samplerate
    first = start * own // rate
    sound.seek(first)
    count = min(-(-end * own // rate), sound.frames) - first
    samples_N = sound.read(max(count, 0), dtype="float32", always_2d=True)[:, channel]
    if rate != own and len(samples_N):
        import soxr  # only who resamples pays for it

        at = start - first * rate // own  # where `start` lies in it
        samples_N = soxr.resample(np.ascontiguousarray(samples_N), own, rate)[at : at + end - start]
    return np.ascontiguousarray(samples_N)


def segment_samples(start_sec: float, end_sec: float, rate: int, frames: int) -> tuple[int, int]:
    """First sample and one past the last sample of a stretch, cut at the end of the recording."""
    return round(start_sec * rate), min(round(end_sec * rate), frames)


def open_sound(entry: str, allow_pipes: bool = False) -> soundfile.SoundFile:
    """Open what a `wav.scp` line names: a file, or with `allow_pipes` a command ending in `|`.

    Raises:
        UserError: a pipe that is not allowed or fails; a file that is missing, empty or unreadable.
    """
    if entry.endswith("|"):
        if not allow_pipes:
            raise UserError(f"{entry}: a shell command; refused unless --allow_pipes true")
        done = subprocess.run(entry[:-1], shell=True, capture_output=True, check=False)
        if done.returncode or not done.stdout:
            raise UserError(f"{entry}: the command gave no audio (exit {done.returncode})")
        return soundfile.SoundFile(io.BytesIO(done.stdout))
    try:
        if Path(entry).stat().st_size == 0:
            raise UserError(f"{entry}: an empty file; expected audio")
        header = sphere.read_header(entry)
        return _unpacked(entry, header) if header and header.packed else soundfile.SoundFile(entry)
    except FileNotFoundError:
        raise UserError(f"{entry}: no such audio file (from {Path.cwd()})") from None
    except soundfile.LibsndfileError as err:
        raise UserError(f"{entry}: cannot be read as audio ({err.error_string})") from None


def _unpacked(entry: str, header: sphere.Header) -> soundfile.SoundFile:
    """A SPHERE file that shorten packed, unpacked in memory.

    Raises:
        UserError: packed in a way that ffmpeg does not know, or cut off.
    """
    if not header.readable:
        raise UserError(
            f"{entry}: packed as {header.coding}, which nothing here unpacks; {sphere.CONVERT}"
        )
    samples_CN, rate = decode(Path(entry))
    if samples_CN.shape != (header.channels, header.frames):
        raise UserError(
            f"{entry}: {samples_CN.shape[1]} samples unpacked, its header promises "
            f"{header.frames}; fetch it again"
        )
    plain = io.BytesIO()
    soundfile.write(plain, samples_CN.T, rate, format="AU", subtype="PCM_16")
    plain.seek(0)
    return soundfile.SoundFile(plain)


def filled_up(samples_N: np.ndarray) -> np.ndarray:
    """Samples, and silence where they are fewer than 640, 40 ms of 16 kHz: of less a front end
    makes no frame, or fails. Trainings leave out what is shorter, so none of their frames differ.
    """
    return np.pad(samples_N, (0, max(0, 640 - len(samples_N))))


class SpeechDir(Mapping[str, np.ndarray]):
    """utterance id -> samples_N (float32, mono, ±1) of a data directory.

    `segments` beside wav.scp is read in place by seeking: audio is never copied to cut it. Paths in
    wav.scp count from the working directory, as everywhere in Kaldi.

    Raises:
        UserError: pipes (unless allowed), unreadable audio, several channels where the entry names
            none (`split_place`), malformed segments.
    """

    def __init__(self, wav_scp: str | Path, allow_pipes: bool = False):
        self.path = Path(wav_scp)
        self.allow_pipes = allow_pipes
        self._wavs = read_dict(self.path)
        pipe = next((utt for utt, wav in self._wavs.items() if wav.endswith("|")), None)
        if pipe and not allow_pipes:
            raise UserError(
                f"{self.path}: {pipe} is a shell command; refused unless --allow_pipes true, "
                "or write the audio to files"
            )
        segments = self.path.parent / "segments"
        self._segments = read_dict(segments) if segments.exists() else None

    def __len__(self) -> int:
        return len(self._wavs if self._segments is None else self._segments)

    def __iter__(self) -> Iterator[str]:
        return iter(self._wavs if self._segments is None else self._segments)

    def __contains__(self, utt: object) -> bool:  # Mapping's own would decode the audio
        return utt in (self._wavs if self._segments is None else self._segments)

    def __getitem__(self, utt: str) -> np.ndarray:
        if self._segments is None:
            entry, start_sec, end_sec = self._wavs[utt], 0.0, None
        else:
            entry, start_sec, end_sec = self._segment(utt)
        path, channel, rate = split_place(entry)
        with open_sound(path, self.allow_pipes) as sound:
            if channel is None and sound.channels != 1:
                raise UserError(f"{entry}: {sound.channels} channels; expected one")
            if channel is not None and channel > sound.channels:
                raise UserError(f"{entry}: the file has {sound.channels} channels")
            rate = rate or sound.samplerate
            frames = frames_at(rate, sound)
            if end_sec is None:
                start, end = 0, frames
            else:
                start, end = segment_samples(start_sec, end_sec, rate, frames)
            samples_N = read_stretch(sound, start, end, rate, (channel or 1) - 1)
        if not len(samples_N):
            raise UserError(f"{entry}: {utt} has no samples; check it with validate_data_dir")
        return samples_N

    def _segment(self, utt: str) -> tuple[str, float, float]:
        try:
            recording, start_sec, end_sec = self._segments[utt].split()
            return self._wavs[recording], float(start_sec), float(end_sec)
        except (ValueError, KeyError) as err:
            if utt not in self._segments:
                raise KeyError(utt) from None
            raise UserError(
                f"{self.path.parent}/segments: {utt}: {self._segments[utt]!r}; expected "
                f"`recording start end` with a recording of {self.path.name} ({err})"
            ) from None


def decode_to_flac(src: str | Path, dst: str | Path, channel: int | None = None) -> int:
    """Decode any format that PyAV knows (G.722, mp3, sph, flac, …) to a 16-bit mono FLAC.

    The sample rate stays as it is. Bare `.g722` has no header: its length is checked against its
    size instead (two samples a byte). Written under a temporary name first.

    Returns:
        The number of samples.

    Raises:
        UserError: an empty or undecodable file, more than one channel where `channel` is not given.
    """
    src, dst = Path(src), Path(dst)
    samples_CN, rate = decode(src)
    if channel is None and len(samples_CN) != 1:
        raise UserError(f"{src}: {len(samples_CN)} channels; expected one, or name a channel")
    samples_N = samples_CN[channel or 0]
    if src.suffix == ".g722" and (rate, len(samples_N)) != (16000, 2 * src.stat().st_size):
        raise UserError(
            f"{src}: {len(samples_N)} samples at {rate} Hz decoded; "
            f"expected {2 * src.stat().st_size} at 16000 Hz; the file is damaged, fetch it again"
        )
    dst.parent.mkdir(parents=True, exist_ok=True)
    partial = dst.with_name(f".{dst.name}.{os.getpid()}.tmp")
    try:
        soundfile.write(partial, samples_N, rate, format="FLAC", subtype="PCM_16")
        partial.replace(dst)
    finally:
        partial.unlink(missing_ok=True)
    return len(samples_N)


def decode(src: Path) -> tuple[np.ndarray, int]:
    """Any format that PyAV knows, to int16 samples_CN and the rate in Hz.

    Raises:
        UserError: a missing, empty or undecodable file.
    """
    import av  # only who decodes pays for loading ffmpeg

    try:
        if src.stat().st_size == 0:
            raise UserError(f"{src}: an empty file; expected audio, fetch it again")
        with av.open(str(src), format="g722" if src.suffix == ".g722" else None) as container:
            if not container.streams.audio:
                raise UserError(f"{src}: no audio in it; expected a sound file")
            to_int16 = av.AudioResampler(format="s16p")
            frames = [
                part.to_ndarray()
                for frame in container.decode(audio=0)
                for part in to_int16.resample(frame)
            ]
            frames += [part.to_ndarray() for part in to_int16.resample(None)]
            rate = container.streams.audio[0].codec_context.sample_rate
    except FileNotFoundError:
        raise UserError(f"{src}: no such audio file") from None
    except (av.FFmpegError, ValueError) as err:
        raise UserError(f"{src}: cannot be decoded ({err}); fetch it again") from None
    if not frames:
        raise UserError(f"{src}: no samples in it; expected audio, fetch it again")
    return np.concatenate(frames, axis=1), rate
