"""Downloads, from a server that drops connections, sends short files and wrong bytes."""

import hashlib
import http.server
import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from corpora import chime6

from espnet_ext.config import UserError
from espnet_ext.data.download import Archive, Fetcher

ROOT = Path(__file__).parents[2]


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by path; `faults` by path is a list of what the next answers do wrong."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        span = self.headers.get("Range")
        self.server.asked.append((self.path, span))
        body = self.server.files.get(self.path)
        faults = self.server.faults.get(self.path, [])
        fault = faults.pop(0) if faults else ""
        if body is None or fault == "busy":
            return self.send_error(404 if body is None else 503)
        first = int(span[6:-1]) if span and fault != "no ranges" else 0
        if first >= len(body):
            return self.send_error(416)
        part = body[first:]
        if fault == "wrong bytes":
            part = bytes(len(part))
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part[: len(part) // 2] if fault in ("drop", "no ranges") else part)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def noise(n_bytes: int) -> bytes:
    return hashlib.shake_256(b"noise").digest(n_bytes)


@pytest.fixture
def corpus(server, tmp_path):
    """An archive `C/dev` with a table beside it, published with its size and sum."""
    body = tar_of({"C/dev/1/a.flac": noise(3_000_000), "C/SPEAKERS.TXT": b"1 | F\n"})
    server.files["/12/dev.tar.gz"] = body
    sha256 = f"sha256:{hashlib.sha256(body).hexdigest()}"
    target = tmp_path / "C/dev"
    return Archive(f"{server.url}/12/dev.tar.gz", target, "C/dev", sha256, len(body))


def fetch(*archives: Archive, **more) -> None:
    Fetcher(**({"pause_sec": 0.01, "tries": 3} | more)).fetch_all(list(archives))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetched_once_checked_and_unpacked(server, corpus):
    fetch(corpus)
    assert (corpus.target / "1/a.flac").read_bytes() == noise(3_000_000)
    assert left(corpus.target.parent) == ["SPEAKERS.TXT", "dev"]
    fetch(corpus)
    assert server.asked == [("/12/dev.tar.gz", None)]


def test_broken_connections_go_on_where_they_stopped(server, corpus):
    server.faults["/12/dev.tar.gz"] = ["drop", "busy", "drop", "busy", "drop"]
    fetch(corpus)
    assert (corpus.target / "1/a.flac").read_bytes() == noise(3_000_000)
    starts = [int(span[6:-1]) for _, span in server.asked if span]
    assert starts == sorted(starts) and starts[0] == corpus.size // 2


def test_a_second_run_goes_on_after_a_kill(server, corpus):
    corpus.part.parent.mkdir(parents=True)
    corpus.part.write_bytes(server.files["/12/dev.tar.gz"][:1_000_000])
    (corpus.target.parent / ".dev.partial/C/dev/1").mkdir(parents=True)  # killed while unpacking
    (corpus.target.parent / ".dev.partial/C/dev/1/b.flac").touch()
    fetch(corpus)
    assert server.asked == [("/12/dev.tar.gz", "bytes=1000000-")]
    assert left(corpus.target / "1") == ["a.flac"]


def test_a_server_without_ranges_starts_again(server, corpus):
    server.faults["/12/dev.tar.gz"] = ["drop", "no ranges", "no ranges"]
    fetch(corpus)
    assert corpus.target.is_dir()


def test_wrong_bytes_are_thrown_away(server, corpus):
    server.faults["/12/dev.tar.gz"] = ["wrong bytes"]
    with pytest.raises(UserError, match=r"dev\.tar\.gz: sha256 .*; expected .*; thrown away"):
        fetch(corpus)
    assert left(corpus.target.parent) == []
    fetch(corpus)
    assert corpus.target.is_dir()


def test_short_files_and_dead_servers_end(server, corpus):
    whole = server.files["/12/dev.tar.gz"]
    server.files["/12/dev.tar.gz"] = whole[:-100]
    with pytest.raises(UserError, match=f"has {len(whole) - 100} bytes; expected {len(whole)}"):
        fetch(corpus)
    server.files["/12/dev.tar.gz"] = whole
    server.faults["/12/dev.tar.gz"] = ["drop"] + ["busy"] * 9
    with pytest.raises(UserError, match=r"answers 503 .*, 3 times in a row at byte .* is kept"):
        fetch(corpus)
    assert corpus.part.stat().st_size == len(whole) // 2
    assert len(server.asked) == 5  # once, once dropped, three times busy


def test_one_failure_does_not_stop_the_others(server, corpus, tmp_path):
    gone = Archive(f"{server.url}/12/gone.tar.gz", tmp_path / "C/gone", "C/gone")
    server.files["/plain.wav"] = noise(1000)
    plain = Archive(f"{server.url}/plain.wav", tmp_path / "audio/plain.wav")
    with pytest.raises(UserError, match=r"1 of 3 files:\n .*gone\.tar\.gz: the server answers 404"):
        fetch(gone, corpus, plain)
    assert corpus.target.is_dir() and plain.target.read_bytes() == noise(1000)


def test_an_archive_put_there_by_hand_is_checked_and_used(server, corpus):
    corpus.file.parent.mkdir(parents=True)
    corpus.file.write_bytes(b"not it")
    with pytest.raises(UserError, match=r"dev\.tar\.gz: 6 bytes; expected .*; remove it"):
        fetch(corpus)
    corpus.file.write_bytes(server.files["/12/dev.tar.gz"])
    fetch(corpus)
    assert corpus.target.is_dir() and server.asked == []


def test_archives_that_lead_outside_or_hold_something_else(server, tmp_path):
    server.files["/evil.tar.gz"] = tar_of({"../../outside": b"x"})
    server.files["/other.tar.gz"] = tar_of({"D/dev/a": b"x"})
    server.files["/half.tar.gz"] = tar_of({"C/dev/a": noise(100_000)})[:50_000]
    with pytest.raises(UserError) as caught:
        fetch(
            *(
                Archive(f"{server.url}/{name}.tar.gz", tmp_path / f"C/{name}", "C/dev")
                for name in ("evil", "other", "half")
            )
        )
    assert str(caught.value).count("cannot be unpacked") == 2
    assert "no C/dev in it" in str(caught.value)
    assert not list(tmp_path.rglob("outside")) and not (tmp_path / "C/half").exists()


def test_zip_files(server, tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("words/a.xml", "<a/>")
    server.files["/ann.zip"] = out.getvalue()
    fetch(Archive(f"{server.url}/ann.zip", tmp_path / "annotation", "."))
    assert (tmp_path / "annotation/words/a.xml").read_text() == "<a/>"
    assert left(tmp_path) == ["annotation"]


def test_no_room(server, corpus, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"0\.0 GB are free; .* unpacked included"):
        fetch(corpus)


def command(*more: object, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "espnet_ext.bin.prepare_corpus", *map(str, more)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_asks_the_mirror_for_what_the_sets_need(server, tmp_path):
    sets = ["--sets", "dev_clean train_1h", "--download", "true"]
    done = command("librispeech", tmp_path, tmp_path / "data", *sets, ESPNET_EXT_MIRROR=server.url)
    assert done.returncode == 2 and done.stderr.count("the server answers 404") == 2
    assert sorted(path for path, _ in server.asked) == [
        "/librilight/data/librispeech_finetuning.tgz",
        "/resources/12/dev-clean.tar.gz",
    ]
    done = command("asterisk", tmp_path, tmp_path / "data", "--download", "true")
    assert done.returncode == 2 and "asterisk cannot be fetched" in done.stderr


def test_chime6_as_its_archives_have_it(server, tmp_path):
    """Folders in the archives are not those of the corpus: each is put where it belongs."""
    root = chime6.lay_out(tmp_path / "published") / "CHiME6"
    packed = {
        "CHiME6_dev": (root / "audio/dev", "CHiME6_dev/CHiME6/audio/dev"),
        "CHiME6_transcriptions": (root / "transcriptions", "transcriptions/transcriptions"),
    }
    for name, (folder, member) in packed.items():
        files = {
            f"{member}/{path.relative_to(folder)}": path.read_bytes()
            for path in sorted(folder.rglob("*.*"))
        }
        server.files[f"/resources/150/{name}.tar.gz"] = tar_of(files)
    options = ["--sets", "dev", "--complete", "false", "--download", "true", "--mirror", server.url]
    for src in ("downloads", "downloads/CHiME6"):  # the folder that holds it, then itself
        done = command("chime6", tmp_path / src, tmp_path / "data", *options)
        assert done.returncode == 0, done.stderr
    assert left(tmp_path / "downloads/CHiME6") == ["audio", "transcriptions"]
    assert (tmp_path / "data/dev_worn/wav.scp").exists()
    command("chime6", tmp_path / "gss", tmp_path / "data", *options, "--mic", "gss")
    assert len(server.asked) == 3  # enhanced audio is not there: transcriptions alone
