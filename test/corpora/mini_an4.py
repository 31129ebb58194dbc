"""mini_an4 itself: every ESPnet installation carries it."""

import shutil
from pathlib import Path

from corpora import run
from espnet_ext.data.corpora.mini_an4 import installed_archive


def lay_out(folder: Path) -> Path:
    """Copy the archive to folder/downloads.tar.gz, and return that."""
    return Path(shutil.copy(installed_archive(), folder / "downloads.tar.gz"))


def damage(src: Path) -> None:
    """Empty it."""
    src.write_bytes(b"")


if __name__ == "__main__":
    run(lay_out)
