"""NIST SPHERE files: what their header says, and samples that `shorten` packed.

    NIST_1A
       1024
    sample_count -i 16000
    sample_coding -s26 pcm,embedded-shorten-v2.00
    end_head

libsndfile reads plain and mu-law samples itself. Packed PCM (WSJ) is unpacked by ffmpeg, through
PyAV; packed mu-law (Fisher) it cannot unpack: such files are to be converted once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAGIC = b"NIST_1A\n"
CONVERT = "convert it once beside it, such as by `sph2pipe -p -f wav FILE.sph FILE.wav`"


@dataclass(frozen=True, slots=True)
class Header:
    """`frames` per channel; `end` is the byte after the samples, 0 where it cannot be told."""

    rate: int
    channels: int
    frames: int
    coding: str
    end: int

    @property
    def packed(self) -> bool:
        return "shorten" in self.coding

    @property
    def readable(self) -> bool:
        """Whether we can read its samples."""
        return not self.packed or self.coding.startswith("pcm")


def read_header(path: str | Path) -> Header | None:
    """The header of a SPHERE file; None of any other file, or where something is missing in it.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as handle:
        head = handle.read(1024)
    if not head.startswith(MAGIC):
        return None
    lines = head.decode("latin-1").split("\n")
    # sample_rate -i 16000
    rows = [line.split(None, 2) for line in lines[2:]]
    fields = {row[0]: row[2] for row in rows if len(row) == 3}
    try:
        size, frames = int(lines[1]), int(fields["sample_count"])
        channels = int(fields.get("channel_count", 1))
        coding = fields.get("sample_coding", "pcm").strip().lower()
        sample_bytes = int(fields.get("sample_n_bytes", 1 if "law" in coding else 2))
        end = 0 if "," in coding else size + frames * sample_bytes * channels
        return Header(int(fields["sample_rate"]), channels, frames, coding, end)
    except (KeyError, ValueError):
        return None
