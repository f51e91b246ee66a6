"""The measured web servers, and their client."""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.environment import ROOT
from embedded.ports import LOOPBACK, free_port
from embedded.station import web_command

UP_WITHIN_S: Final = 60.0
PARALLEL: Final = ("--workers", "2", "--threads", "4")
"""Andén's defaults."""
NEXT: Final = re.compile(rb'"next": ?"https?://[^/]+([^"]+)"')
PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Site:
    """A running web server."""

    port: int
    pid: int
    headers: Mapping[str, str]

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """A persistent connection."""
        with closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)) as connection:
            yield connection

    def get(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        """The response's body. Raises RuntimeError: the status is not 200."""
        connection.request("GET", path, headers=dict(self.headers))
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} answers {response.status}: {body[:300]!r}")
        return body


@contextmanager
def web_server(headers: Mapping[str, str]) -> Iterator[Site]:
    """Andén's web server, as `make run` starts it."""
    with _served(web_command, "config.settings", headers) as site:
        yield site


@contextmanager
def gunicorn(application: str, settings: str, headers: Mapping[str, str]) -> Iterator[Site]:
    """The application under stock gunicorn with as many processes and threads as Andén."""
    started = (sys.executable, "-m", "gunicorn", application, "--worker-class", "gthread", *PARALLEL)

    def command(port: int) -> tuple[str, ...]:
        return (*started, "--log-level", "error", "--no-control-socket", "--bind", f"{LOOPBACK}:{port}")

    with _served(command, settings, headers) as site:
        yield site


@contextmanager
def _served(command: Callable[[int], tuple[str, ...]], settings: str, headers: Mapping[str, str]) -> Iterator[Site]:
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    with subprocess.Popen(command(port), cwd=ROOT, env=environment) as process:
        try:
            site = Site(port, process.pid, headers)
            _wait(site, process)
            yield site
        finally:
            process.terminate()


def page_rate(site: Site, first: str, following: Callable[[bytes, int], str], *, pages: int, clients: int) -> float:
    """Pages per second; each client follows pages from the first one over one connection."""
    failures: list[BaseException] = []

    def walk() -> None:
        try:
            path = first
            with site.connection() as connection:
                for number in range(1, pages + 1):
                    path = following(site.get(connection, path), number)
        except (OSError, RuntimeError, http.client.HTTPException) as exc:
            failures.append(exc)

    threads = [threading.Thread(target=walk) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise failures[0]
    return pages * clients / seconds


def next_path(body: bytes, _number: int) -> str:
    """The next page's path, found without parsing the body."""
    match = NEXT.search(body, max(0, len(body) - 4096)) or NEXT.search(body[:4096])
    if match is None:
        raise RuntimeError("the page names no next one")
    return match[1].decode().replace("\\u0026", "&").replace("\\/", "/")


def download_seconds(site: Site, path: str, file: Path) -> float:
    """The seconds to download the body to a file."""
    started = time.perf_counter()
    with site.connection() as connection, file.open("wb") as out:
        connection.request("GET", path, headers=dict(site.headers))
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path} answers {response.status}: {response.read(300)!r}")
        while piece := response.read(PIECE_BYTES):
            out.write(piece)
    return time.perf_counter() - started


def _wait(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            with site.connection() as connection:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the web server did not start") from None
            time.sleep(0.1)
        else:
            return
