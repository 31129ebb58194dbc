"""Fetch what a corpus publishes: in parallel, going on where it stopped, checked, then renamed.

    .dev-clean.tar.gz.part  while it comes in; after a broken connection, or a kill and a second
                            run, it goes on from its end (HTTP Range)
    dev-clean.tar.gz        once size and checksum are right
    dev-clean/              unpacked under a hidden name and renamed when whole; the archive is
                            then removed

What has its final name is never fetched again. Proxies come from `http_proxy`, `https_proxy`.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from espnet_ext.config import UserError

BLOCK_BYTES = 1 << 18
TRIES = 8  # in a row, without a byte; waiting 1, 2, 4, … s between them
TIMEOUT_SEC = 60
REFUSED = range(400, 500)  # answers that will not change by asking again …
PASSING = (408, 429)  # … but these may


@dataclass(frozen=True)
class Archive:
    """A published file.

    Args:
        target: what it becomes on disk; where that exists, nothing is fetched.
        member: the folder in a tar or zip file that becomes `target`, `.` for all of it; what lies
            beside it in the archive goes beside `target`. None: the file itself is the target.
        checksum: `sha256:…` or `md5:…`, where one is published. size: in bytes, likewise.
    """

    url: str
    target: Path
    member: str | None = None
    checksum: str | None = None
    size: int | None = None

    @property
    def file(self) -> Path:
        name = Path(urlsplit(self.url).path).name
        return self.target if self.member is None else self.target.parent / name

    @property
    def part(self) -> Path:
        return self.file.with_name(f".{self.file.name}.part")


class Fetcher:
    """What parallel downloads share: a progress bar over all bytes, and a way to stop.

    Args:
        mirror: takes the place of `https://host` in every address; the path stays.
        pause_sec: after the first failure; doubles.
    """

    def __init__(self, mirror: str = "", pause_sec: float = 1.0, tries: int = TRIES):
        self.mirror, self.pause_sec, self.tries = mirror.rstrip("/"), pause_sec, tries
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.bar = tqdm(desc="fetch", unit="B", unit_scale=True, mininterval=0.5, disable=True)

    def fetch_all(self, archives: list[Archive], jobs: int = 4) -> None:
        """Make every target, `jobs` at a time; a failure does not stop the others.

        Raises:
            UserError: names all that failed. What came in so far is kept.
        """
        todo = [archive for archive in archives if not archive.target.exists()]
        if not todo:
            return
        failed: list[str] = []
        total = sum(archive.size or 0 for archive in todo)
        self.bar = tqdm(desc=f"fetch {len(todo)}", total=total, unit="B", unit_scale=True)
        with self.bar, ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(self.fetch, archive) for archive in todo]
            try:
                for future in futures:
                    try:
                        future.result()
                    except UserError as err:
                        failed.append(str(err))
            except KeyboardInterrupt:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        if failed:
            raise UserError("\n  ".join([f"{len(failed)} of {len(todo)} files:", *failed]))

    def fetch(self, archive: Archive) -> None:
        """Download, check, unpack. Raises UserError for what a retry cannot mend."""
        archive.target.parent.mkdir(parents=True, exist_ok=True)
        if not archive.file.exists():
            self._download(archive)
            _check(archive, archive.part)
            archive.part.rename(archive.file)
        elif archive.member is not None:
            _check(archive, archive.file)  # from an earlier run, or put there by hand
        if archive.member is not None:
            self._unpack(archive)

    def _download(self, archive: Archive) -> None:
        url = archive.url
        if self.mirror:
            url = self.mirror + urlsplit(url).path
        self._show(_size(archive.part))
        failures = 0
        while archive.size is None or _size(archive.part) != archive.size:
            have = _size(archive.part)
            try:
                if self._transfer(url, archive):
                    return
                why = "the connection broke"
            except urllib.error.HTTPError as err:
                why = f"the server answers {err.code} {err.reason}"
                if err.code == 416:  # nothing after what is there
                    return
                if err.code in REFUSED and err.code not in PASSING:
                    raise UserError(f"{url}: {why}; check --mirror, or fetch it by hand") from None
            except (OSError, http.client.HTTPException) as err:
                why = str(getattr(err, "reason", err)) or type(err).__name__
            if self.stop.is_set():
                raise UserError(f"{url}: interrupted; run the same command again to go on")
            failures = 0 if _size(archive.part) > have else failures + 1
            if failures >= self.tries:
                raise UserError(
                    f"{url}: {why}, {failures} times in a row at byte {_size(archive.part)}; what "
                    "came in is kept, run the same command again to go on"
                )
            self.stop.wait(self.pause_sec * 2**failures / 2)

    def _transfer(self, url: str, archive: Archive) -> bool:
        """One request, from the end of what is there; whether the file is whole after it."""
        have = _size(archive.part)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SEC) as answer:
            if have and answer.status != 206:  # it starts again, so do we
                self._show(-have)
                have = 0
            length = answer.headers.get("Content-Length")
            total = None if length is None else have + int(length)
            _check_answer(url, archive, total, have, answer.headers.get("Content-Range"))
            with archive.part.open("ab" if have else "wb") as out:
                while not self.stop.is_set() and (block := answer.read(BLOCK_BYTES)):
                    out.write(block)
                    self._show(len(block))
        return total is None or _size(archive.part) == total

    def _unpack(self, archive: Archive) -> None:
        partial = archive.target.parent / f".{archive.target.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            if zipfile.is_zipfile(archive.file):
                with zipfile.ZipFile(archive.file) as packed:
                    packed.extractall(partial)
            else:
                with tarfile.open(archive.file) as packed:
                    for entry in packed:
                        if self.stop.is_set():
                            raise UserError(f"{archive.file}: interrupted; run the command again")
                        packed.extract(entry, partial, filter="data")  # refuses to lead outside
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as err:
            raise UserError(f"{archive.file}: cannot be unpacked ({err}); fetch it anew") from None
        inside = partial / archive.member
        if not inside.is_dir():
            raise UserError(f"{archive.file}: no {archive.member} in it; is it the right file?")
        if inside != partial:
            for beside in inside.parent.iterdir():
                if beside != inside and not (archive.target.parent / beside.name).exists():
                    beside.rename(archive.target.parent / beside.name)
        inside.rename(archive.target)
        shutil.rmtree(partial, ignore_errors=True)
        archive.file.unlink()

    def _show(self, n_bytes: int) -> None:
        with self.lock:
            self.bar.update(n_bytes)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_answer(
    url: str, archive: Archive, total: int | None, have: int, placed: str | None
) -> None:
    """Raise where the server sends another file than is expected, or another piece of it."""
    if have and placed and not placed.startswith(f"bytes {have}-"):
        archive.part.unlink()
        raise OSError(f"asked from byte {have}, it sends {placed}")
    if archive.size is not None and total is not None and total != archive.size:
        raise UserError(
            f"{url}: the server has {total} bytes; expected {archive.size}; check --mirror"
        )
    needed = (total or 0) - have + (0 if archive.member is None else total or 0)
    free = shutil.disk_usage(archive.target.parent).free
    if needed > free:
        raise UserError(
            f"{archive.target.parent}: {free / 1e9:.1f} GB are free; {url} needs "
            f"{needed / 1e9:.1f} GB, unpacked included; make room or choose another SRC"
        )


def _check(archive: Archive, path: Path) -> None:
    """Raise UserError, and remove a `.part`, unless size and checksum are the published ones."""
    fault = None
    if archive.size is not None and _size(path) != archive.size:
        fault = f"{_size(path)} bytes; expected {archive.size}"
    elif archive.checksum:
        algorithm, _, wanted = archive.checksum.partition(":")
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, algorithm).hexdigest()
        if found != wanted:
            fault = f"{algorithm} {found}; expected {wanted}"
    if fault and path == archive.part:
        path.unlink()
        raise UserError(f"{archive.url}: {fault}; thrown away, run again or check --mirror")
    if fault:
        raise UserError(f"{path}: {fault}; remove it, then run again")
