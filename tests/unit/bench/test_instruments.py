"""The bench's measuring instruments."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.http import Site, download_seconds, next_path, page_rate
from bench.memory import MemoryWatch, own_peak_bytes

ROOT = Path(__file__).parents[3]
MIB = 1024 * 1024
PAGES = 5


class Pages(BaseHTTPRequestHandler):
    """Numbered pages, each naming the next; /missing returns 404."""

    protocol_version = "HTTP/1.1"
    requests: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        Pages.requests.append((self.path, self.headers["Authorization"]))
        number = int(self.path.rpartition("=")[2]) if "=" in self.path else 1
        body = b'{"records": [], "next": "http://127.0.0.1/pages?n=%d\\u0026x=1=%d"}' % (number + 1, number + 1)
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    Pages.requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(server.server_port, 0, {"Authorization": "Bearer x"})
        server.shutdown()
        thread.join()


def test_every_client_follows_the_pages_with_its_key(site: Site) -> None:
    assert page_rate(site, "/pages", next_path, pages=PAGES, clients=2) > 0
    walked = [path for path, _ in Pages.requests]
    assert sorted(walked) == sorted(["/pages", *(f"/pages?n={n}&x=1={n}" for n in range(2, PAGES + 1))] * 2)
    assert {key for _, key in Pages.requests} == {"Bearer x"}


def test_a_status_other_than_200_ends_the_measurement(site: Site) -> None:
    with pytest.raises(RuntimeError, match="/missing answers 404"):
        page_rate(site, "/missing", next_path, pages=PAGES, clients=2)


def test_a_page_without_a_next_one_ends_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="names no next one"):
        next_path(b'{"records": [], "next": null}', 1)


def test_a_download_is_complete(site: Site, tmp_path: Path) -> None:
    assert download_seconds(site, "/pages", tmp_path / "out") > 0
    assert (tmp_path / "out").read_bytes().endswith(b'n=2\\u0026x=1=2"}')


def test_the_peak_is_of_this_process_and_not_of_its_parent() -> None:
    ballast = bytearray(300 * MIB)
    ballast[::4096] = b"x" * len(ballast[::4096])
    code = "from bench.memory import own_peak_bytes; print(own_peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(done.stdout) < 150 * MIB
    assert own_peak_bytes() > 300 * MIB


def test_a_memory_watch_measures_the_growth_of_a_process() -> None:
    code = "import sys; sys.stdin.readline(); b = b'x' * (64 << 20); print('taken', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with MemoryWatch(process.pid) as watch:
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "taken\n"
            sampled = threading.Event()
            sampled.wait(0.2)
        process.stdin.write("\n")
    assert 60 * MIB < watch.growth < 100 * MIB
