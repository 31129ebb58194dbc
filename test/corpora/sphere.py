"""NIST SPHERE files as LDC's discs hold them: plain, mu-law of two channels, or packed by shorten.

The packer is a small one of its own (Robinson 1994, version 2): first differences, Rice-coded.
"""

from pathlib import Path

import numpy as np

BLOCK = 256  # samples
DIFF1, QUIT, BLOCKSIZE = 1, 4, 5  # commands


def write_sphere(
    path: Path, samples_NC: np.ndarray, rate: int, coding: str = "pcm", **fields: str
) -> None:
    """`coding`: pcm, ulaw, or pcm,embedded-shorten-v2.00 (one channel); samples are int16."""
    samples_NC = samples_NC.reshape(len(samples_NC), -1)
    if coding == "pcm":
        body, size = samples_NC.astype("<i2").tobytes(), 2
    elif coding == "ulaw":
        body, size = mu_law(samples_NC).tobytes(), 1
    else:
        body, size = shorten(samples_NC[:, 0]), 2
    numbers = {
        "channel_count": samples_NC.shape[1],
        "sample_count": len(samples_NC),
        "sample_rate": rate,
        "sample_n_bytes": size,
    }
    texts = {**fields, "sample_coding": coding} | (
        {"sample_byte_format": "01"} if size == 2 else {}
    )
    lines = ["NIST_1A", "   1024", *(f"{key} -i {value}" for key, value in numbers.items())]
    lines += [f"{key} -s{len(value)} {value}" for key, value in texts.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join([*lines, "end_head\n"]).encode().ljust(1024) + body)


def mu_law(samples: np.ndarray) -> np.ndarray:
    """G.711's 8 bits of 16."""
    size = np.minimum(np.abs(samples.astype(np.int32)), 32635) + 132
    segment = np.floor(np.log2(size)).astype(np.int32) - 7
    code = segment << 4 | (size >> (segment + 3)) & 15 | (samples < 0) << 7
    return (~code & 255).astype(np.uint8)


def shorten(samples_N: np.ndarray) -> bytes:
    """What stands after the header of a file that shorten packed."""
    bits: list[str] = []

    def unsigned(value: int, low: int) -> None:
        bits.append(
            "0" * (value >> low) + "1" + (f"{value & (1 << low) - 1:0{low}b}" if low else "")
        )

    def number(value: int) -> None:
        low = value.bit_length()
        unsigned(low, 2)
        unsigned(value, low)

    for value in (5, 1, BLOCK, 0, 0, 0):  # 16 bits low byte first, channels, block, no LPC, no mean
        number(value)
    before = np.concatenate([[0], samples_N[:-1]]).astype(np.int64)
    differences = samples_N.astype(np.int64) - before
    coded = np.where(differences < 0, -2 * differences - 1, 2 * differences)
    for at in range(0, len(coded), BLOCK):
        block = coded[at : at + BLOCK]
        if len(block) < BLOCK:
            unsigned(BLOCKSIZE, 2)
            number(len(block))
        low = max(int(block.mean()).bit_length(), 1)
        unsigned(DIFF1, 2)
        unsigned(low - 1, 3)
        for value in block.tolist():
            unsigned(value, low)
    unsigned(QUIT, 2)
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 32)
    return b"ajkg\x02" + int(stream, 2).to_bytes(len(stream) // 8, "big")
