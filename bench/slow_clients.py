"""`python -m bench.slow_clients`: other clients' response times next to slow clients, and when those are closed.

Starts the web server as `make run` does, holds connections of each kind and then of all kinds together, requests
health and pages meanwhile, and prints when the server closed the first and the last connection of each kind.
"""

import argparse
import http.client
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from bench.paths import set_paths

LOOPBACK: Final = "127.0.0.1"
SMALL_BUFFER_BYTES: Final = 2048
HEALTHY_S: Final = 1.0
"""The maximum 99th percentile of health checks."""
TICK_S: Final = 1.0


@dataclass(frozen=True)
class WebServer:
    """A web server, and its clients' key and dataset."""

    port: int
    key: str
    dataset: str = "flights"

    @property
    def pages(self) -> str:
        """The path of the dataset's records."""
        return f"/api/v1/datasets/{self.dataset}/records"

    def head(self, request: str, *lines: str) -> bytes:
        """A request's complete header, with the key."""
        sent = (f"{request} HTTP/1.1", f"Host: {LOOPBACK}", f"Authorization: Bearer {self.key}", *lines)
        return "\r\n".join([*sent, "", ""]).encode()


@dataclass(frozen=True)
class SlowClient:
    """A kind of slow client: what it sends first, what it then sends once a second, and whether it reads."""

    name: str
    count: int
    opening: Callable[[WebServer], bytes]
    trickle: bytes = b""
    reads: bool = False


def _post(target: WebServer) -> bytes:
    return target.head(f"POST {target.pages}", "Content-Type: application/json", "Content-Length: 500000") + b"{"


KINDS: Final = (
    SlowClient("nothing sent", 40, lambda _: b""),
    SlowClient("half a header", 100, lambda _: b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "),
    SlowClient(
        "a header, a byte a second", 30, lambda _: b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ", trickle=b"x"
    ),
    SlowClient("a body's first byte", 8, _post),
    SlowClient("a body, a byte a second", 30, _post, trickle=b" "),
    SlowClient("an export, unread", 8, lambda target: target.head(f"GET {target.pages}.csv")),
    SlowClient("a page of 1,000, unread", 30, lambda target: target.head(f"GET {target.pages}?limit=1000")),
    SlowClient("idle after a response", 40, lambda target: target.head("GET /healthz"), reads=True),
)


@dataclass
class HeldConnections:
    """Connections of one kind, and the seconds after which the server closed each."""

    kind: SlowClient
    sockets: list[socket.socket] = field(default_factory=list)
    closed_s: list[float] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)

    @classmethod
    @contextmanager
    def open(cls, kind: SlowClient, target: WebServer) -> Iterator["HeldConnections"]:
        """Open the connections one after the other; close them with the block."""
        held = cls(kind)
        try:
            for _ in range(kind.count):
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
                held.sockets.append(connection)
                connection.connect((LOOPBACK, target.port))
                connection.sendall(kind.opening(target))
                connection.setblocking(False)
            yield held
        finally:
            for connection in held.sockets:
                connection.close()

    def count_open(self, port: int) -> int:
        """Count the connections that the server on this port still holds; record those it has closed."""
        # A closed connection that the kernel still holds has no process.
        open_now = (other for other in psutil.net_connections("tcp") if other.pid and other.raddr)
        held = {other.raddr.port for other in open_now if other.laddr.port == port}
        for connection in tuple(self.sockets):
            self._go_on(connection)
            if connection.getsockname()[1] not in held:
                self.closed_s.append(time.monotonic() - self.began_s)
                self.sockets.remove(connection)
                connection.close()
        return len(self.sockets)

    def _go_on(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.kind.trickle:
                connection.send(self.kind.trickle)
            while self.kind.reads and connection.recv(65536):
                continue


class Poller(threading.Thread):
    """Requests a path repeatedly, and records response times and failures."""

    def __init__(self, target: WebServer, path: str, every_s: float, within_s: float) -> None:
        super().__init__(daemon=True)
        self._target, self._path = target, path
        self._every_s, self._within_s = every_s, within_s
        self._over = threading.Event()
        self.seconds: list[float] = []
        self.failures = 0

    def run(self) -> None:
        """Send requests until `end` is called."""
        while not self._over.wait(self._every_s):
            started = time.perf_counter()
            connection = http.client.HTTPConnection(LOOPBACK, self._target.port, timeout=self._within_s)
            try:
                connection.request("GET", self._path, headers={"Authorization": f"Bearer {self._target.key}"})
                response = connection.getresponse()
                response.read()
                self.failures += response.status != 200
            except (OSError, http.client.HTTPException):
                self.failures += 1
            finally:
                connection.close()
            self.seconds.append(time.perf_counter() - started)

    def end(self) -> None:
        """Stop, and wait for the thread."""
        self._over.set()
        self.join()


@dataclass(frozen=True)
class SlowClientResult:
    """The result for one kind of client, or all together."""

    name: str
    held: int
    health: Poller
    pages: Poller
    closed_s: Sequence[float]

    @property
    def holds(self) -> bool:
        """Whether health checks were fast, no page failed and every connection was closed."""
        answered = self.health.failures == self.pages.failures == 0 and _p99(sorted(self.health.seconds)) < HEALTHY_S
        return answered and len(self.closed_s) == self.held

    def cells(self) -> tuple[str, ...]:
        """The table row."""
        health, pages = sorted(self.health.seconds), sorted(self.pages.seconds)
        closed = sorted(self.closed_s)
        return (
            self.name,
            str(self.held),
            f"{statistics.median(health) * 1e3:.0f} / {_p99(health) * 1e3:.0f}",
            f"{len(health) - self.health.failures} of {len(health)}",
            f"{statistics.median(pages) * 1e3:.0f} / {_p99(pages) * 1e3:.0f}",
            f"{len(pages) - self.pages.failures} of {len(pages)}",
            f"{closed[0]:.0f} … {closed[-1]:.0f}" if closed else "never",
            f"{len(closed)} of {self.held}",
            "holds" if self.holds else "FAILS",
        )


HEADINGS: Final = (
    *("held", "n", "health ms p50 / p99", "answered", "page ms p50 / p99", "answered"),
    *("closed after s", "closed", ""),
)


def _p99(rising: Sequence[float]) -> float:
    return rising[min(len(rising) - 1, int(len(rising) * 0.99))]


def measure(target: WebServer, kinds: Sequence[SlowClient], *, most_s: float) -> SlowClientResult:
    """Hold these kinds together until the server has closed all of them, or for `most_s` seconds."""
    with ExitStack() as stack:
        health = Poller(target, "/healthz", 0.1, 4)
        pages = Poller(target, f"{target.pages}?limit=100", 0.2, 20)
        everyone = [stack.enter_context(HeldConnections.open(kind, target)) for kind in kinds]
        health.start()
        pages.start()
        deadline = time.monotonic() + most_s
        while sum(held.count_open(target.port) for held in everyone) and time.monotonic() < deadline:
            time.sleep(TICK_S)
        health.end()
        pages.end()
        closed = [seconds for held in everyone for seconds in held.closed_s]
    name = kinds[0].name if len(kinds) == 1 else "all of these together"
    return SlowClientResult(name, sum(kind.count for kind in kinds), health, pages, closed)


def table(rows: Sequence[SlowClientResult]) -> str:
    """The rows as an aligned table."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def run(target: WebServer, *, most_s: float, only: Sequence[str]) -> list[SlowClientResult]:
    """Measure each kind, and then all of them together."""
    kinds = [kind for kind in KINDS if not only or kind.name in only]
    together = [] if only else [tuple(kinds)]
    rows = []
    for chosen in (*((kind,) for kind in kinds), *together):
        rows.append(measure(target, chosen, most_s=most_s))
        print("  ".join(rows[-1].cells()), flush=True)
    return rows


def _on_own_servers(options: argparse.Namespace) -> list[SlowClientResult]:
    from bench.api import loaded_flights, served_dataset  # noqa: PLC0415 - after the path
    from bench.flights import NAME  # noqa: PLC0415
    from bench.servers import servers  # noqa: PLC0415

    with servers() as running:
        loaded_flights(running)
        with served_dataset(running.folder, NAME) as site:
            key = site.headers["Authorization"].removeprefix("Bearer ")
            return run(WebServer(site.port, key), most_s=options.most, only=options.only)


def main(arguments: list[str]) -> int:
    """Run the measurements; return 1 if a row fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow_clients", description=__doc__)
    parser.add_argument("--port", type=int, help="port of a running web server; needs --key-file")
    parser.add_argument("--key-file", type=Path, help="file with a key that can read flights")
    parser.add_argument("--only", action="append", default=[], choices=[kind.name for kind in KINDS])
    parser.add_argument("--most", type=float, default=150, metavar="S", help="maximum time to hold one kind (150)")
    options = parser.parse_args(arguments)
    set_paths()
    if options.port:
        key = options.key_file.read_text().strip()
        rows = run(WebServer(options.port, key), most_s=options.most, only=options.only)
    else:
        rows = _on_own_servers(options)
    print(f"\n{table(rows)}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
