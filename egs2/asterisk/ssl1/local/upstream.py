#!/usr/bin/env python3
"""Fetch the prompts from upstream's tarballs and lay them out as the Debian packages do.

For machines without apt. A broken download goes on where it stopped, is checked against its sha256,
and only then unpacked.

Examples:
    local/upstream.py downloads/asterisk
    local/upstream.py downloads/asterisk --url file:///media/usb/asterisk
"""

import argparse
import gzip
import hashlib
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

# The one place that names the tarballs. The sums are those of Debian's source package
# asterisk-core-sounds 1.6.1-1, which takes the tarballs as they are.
# Not run here against the real host: it could not be reached.
URL = "https://downloads.asterisk.org/pub/telephony/sounds/releases"
NAME = "asterisk-core-sounds-{language}-g722-1.6.1.tar.gz"
TARBALLS = {  # language: (voice folder, sha256)
    "en": (
        "en_US_f_Allison",
        "59891033e764d9dffc5ccdd78e845a1c8ea6bed0b434128bb0199c63ef591770",
    ),
    "es": (
        "es_MX_f_Allison",
        "3c474f73cc4f65478b3cf05ab0c5da19c8ce408699f61491f6aafba450cb540a",
    ),
    "fr": (
        "fr_CA_f_June",
        "7ff3ca96bbb295a6458e6eb1ff92690d9a5d0db0b4ddfa2c488237e4d251efbe",
    ),
    "it": (
        "it_IT_m_Carlo",
        "44a7fd7b067ff7f71df7fec31f9a8c960e13d35ca30c31878913c4020bfc00b6",
    ),
    "ru": (
        "ru_RU_f_IvrvoiceRU",
        "fde2a071b811a081219138693d6813d122d91c2c3423936274b110b97645b61b",
    ),
}


def sum_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def download(url: str, path: Path, sha256: str) -> None:
    """Fetch `url` to `path`, going on from `path.part`; OSError where the sum is another."""
    if path.exists():
        return
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    if have and sum_of(part) == sha256:
        part.rename(path)
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        if have and answer.status != 206:  # the server starts again, so do we
            have = 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=path.name)
        with bar, part.open("ab" if have else "wb") as out:
            while block := answer.read(1 << 18):
                out.write(block)
                bar.update(len(block))
    if part.stat().st_size < total:
        raise OSError(f"the connection broke at {part.stat().st_size} of {total} bytes; run again")
    if (found := sum_of(part)) != sha256:
        part.unlink()
        raise OSError(f"sha256 {found}; expected {sha256}; run again, or check the mirror")
    part.rename(path)


def unpack(tarball: Path, language: str, voice: str, dst: Path) -> None:
    """Unpack under a temporary name, then rename; the English script goes where Debian has it."""
    final = dst / "usr/share/asterisk/sounds" / voice
    if final.exists():
        return
    partial = final.with_name(f".{voice}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(tarball) as tar:
        tar.extractall(partial, filter="data")  # refuses paths that lead outside
    script = partial / f"core-sounds-{language}.txt"
    doc = dst / f"usr/share/doc/asterisk-core-sounds-{language}"
    if script.exists():
        doc.mkdir(parents=True, exist_ok=True)
        (doc / f"{script.name}.gz").write_bytes(gzip.compress(script.read_bytes(), mtime=0))
    partial.rename(final)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dst", type=Path)
    parser.add_argument("--url", default=URL, help="a mirror's folder; default %(default)s")
    options = parser.parse_args()
    options.dst.mkdir(parents=True, exist_ok=True)
    for language, (voice, sha256) in TARBALLS.items():
        name = NAME.format(language=language)
        try:
            download(f"{options.url}/{name}", options.dst / name, sha256)
            unpack(options.dst / name, language, voice, options.dst)
        except (OSError, tarfile.TarError) as err:
            sys.exit(f"error: {options.url}/{name}: {err}")


if __name__ == "__main__":
    main()
