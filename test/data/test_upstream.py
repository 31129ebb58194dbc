"""The way without apt, against a local server that cuts connections and sends wrong bytes."""

import gzip
import hashlib
import importlib.util
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "egs2/asterisk/ssl1/local/upstream.py"
spec = importlib.util.spec_from_file_location("upstream", SCRIPT)
upstream = importlib.util.module_from_spec(spec)
spec.loader.exec_module(upstream)


def tarball(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 50_000
            tar.addfile(entry, io.BytesIO(hashlib.shake_256(name.encode()).digest(50_000)))
    return buffer.getvalue()


@pytest.fixture
def server():
    """Serves `body`; sends only half of what is asked for while `cuts` lasts. Knows Range."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.server.starts.append(start)
            body = self.server.body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = self.server.cuts > 0
            self.server.cuts -= 1
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def log_message(self, *args):
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.body, http.cuts, http.starts = tarball("digits/1.g722", "core-sounds-en.txt"), 0, []
    http.url = f"http://127.0.0.1:{http.server_port}/x.tar.gz"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    path, total = tmp_path / "x.tar.gz", len(server.body)
    sha256 = hashlib.sha256(server.body).hexdigest()
    server.cuts = 1
    with pytest.raises(OSError, match=f"broke at {total // 2} of {total} bytes"):
        upstream.download(server.url, path, sha256)
    assert not path.exists()
    upstream.download(server.url, path, sha256)
    assert path.read_bytes() == server.body and server.starts == [0, total // 2]
    upstream.download(server.url, path, sha256)
    path.rename(tmp_path / "x.tar.gz.part")  # killed between the last byte and the rename
    upstream.download(server.url, path, sha256)
    assert len(server.starts) == 2  # what is there is not fetched again


def test_wrong_bytes_are_not_kept(server, tmp_path):
    with pytest.raises(OSError, match="expected 0000"):
        upstream.download(server.url, tmp_path / "x.tar.gz", "0000")
    assert not list(tmp_path.iterdir())


def test_unpacks_as_the_packages_do(server, tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(server.body)
    upstream.unpack(tmp_path / "x.tar.gz", "en", "en_US_f_Allison", tmp_path)
    assert (tmp_path / "usr/share/asterisk/sounds/en_US_f_Allison/digits/1.g722").is_file()
    script = tmp_path / "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
    assert len(gzip.decompress(script.read_bytes())) == 50_000


def test_refuses_paths_that_lead_outside(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(tarball("../../../../../evil"))
    with pytest.raises(tarfile.TarError):
        upstream.unpack(tmp_path / "x.tar.gz", "en", "en_US_f_Allison", tmp_path / "dst")
    assert not list(tmp_path.rglob("evil"))
    assert not (tmp_path / "dst/usr/share/asterisk/sounds/en_US_f_Allison").exists()
