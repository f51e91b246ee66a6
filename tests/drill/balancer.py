"""A load balancer for clients in this process: keeps connections, and retries what a stopping server refuses."""

import http.client
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.drill.journal import Journal
from tests.drill.processes import Process

TIMEOUT_S: Final = 30.0
GIVE_UP_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `repeated`: an earlier attempt may have been executed, too."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    release: str
    repeated: bool
    cookies: tuple[tuple[str, str], ...] = ()


class Balancer:
    """The web servers in turn. Each thread has its own connections."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._next = itertools.count()
        self._local = threading.local()
        self.servers: tuple[Process, ...] = ()
        self.served: set[str] = set()
        """The servers that have responded."""

    def add(self, server: Process) -> None:
        """Send requests to this server, too."""
        self.servers = (*self.servers, server)

    def remove(self, server: Process) -> None:
        """Send no new requests to this server."""
        self.servers = tuple(other for other in self.servers if other is not server)

    def close(self) -> None:
        """Close the thread's connections."""
        for address in list(self._connections()):
            self._drop(address)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer | None:
        """The response, after waiting as Retry-After asks; None if there was none, which is a fault.

        A 5xx response is a fault.
        """
        deadline = time.monotonic() + GIVE_UP_S
        repeated = False
        while time.monotonic() < deadline:
            server = self._choose()
            try:
                answer = self._send(server, method, path, headers, body, repeated=repeated)
            except ConnectionRefusedError:
                self._drop(server.address)
                self._journal.note("refused connections retried")
                time.sleep(0.05)
                continue
            except (OSError, http.client.HTTPException) as error:
                self._drop(server.address)
                if isinstance(error, http.client.IncompleteRead) and not server.killed:
                    self._journal.fault(f"{method} {path}: {server.name} cut its response ({error})")
                self._journal.note(f"lost connections retried ({type(error).__name__})")
                repeated = True
                continue
            self.served.add(server.name)
            self._journal.answered(server.release.name)
            if answer.status >= 500:
                self._journal.fault(f"{method} {path}: {server.name} responded {answer.status}: {answer.body[:300]!r}")
            if answer.status in {429, 503}:
                time.sleep(float(answer.headers.get("retry-after", "1")))
                repeated = True
                continue
            return answer
        self._journal.fault(f"{method} {path}: no response within {GIVE_UP_S:.0f} s")
        return None

    def _choose(self) -> Process:
        servers: Sequence[Process] = self.servers
        return servers[next(self._next) % len(servers)]

    def _send(
        self,
        server: Process,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        repeated: bool,
    ) -> Answer:
        connection = self._connection(server)
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        found = response.read()
        words = {name.lower(): text for name, text in response.getheaders()}
        if words.get("connection", "").lower() == "close":
            self._drop(server.address)
        set_cookies = [text.partition(";")[0].partition("=") for text in response.headers.get_all("Set-Cookie", [])]
        cookies = tuple((name, text) for name, _, text in set_cookies)
        return Answer(response.status, words, found, server.release.name, repeated, cookies)

    def _connections(self) -> dict[str, http.client.HTTPConnection]:
        """The thread's connections by address."""
        held: dict[str, http.client.HTTPConnection] = self._local.__dict__
        return held

    def _connection(self, server: Process) -> http.client.HTTPConnection:
        held = self._connections()
        if server.address not in held:
            host, _, port = server.address.partition(":")
            held[server.address] = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
        return held[server.address]

    def _drop(self, address: str) -> None:
        connection = self._connections().pop(address, None)
        if connection is not None:
            connection.close()
