"""The drill's load balancer: what it repeats, and what it reports as a fault."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.ports import LOOPBACK, free_port
from tests.drill.balancer import Balancer
from tests.drill.journal import Journal
from tests.drill.processes import Process, Release

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"


def process(address: str, *, killed: bool = False) -> Process:
    popen = cast("Any", SimpleNamespace(pid=0))
    return Process("one", Release("one", Path()), popen, Path("log"), address, killed)


def serve(listener: socket.socket, responses: tuple[bytes, ...]) -> None:
    """Send one response per connection; an empty one resets the connection's request."""
    for response in responses:
        connection, _ = listener.accept()
        with closing(connection):
            connection.recv(65_536)
            connection.sendall(response)


@pytest.fixture
def server() -> Iterator[Callable[..., Process]]:
    """A function that starts a server with these responses."""
    with ExitStack() as stack:

        def start(*responses: bytes, killed: bool = False) -> Process:
            listener = stack.enter_context(closing(socket.create_server((LOOPBACK, 0))))
            thread = threading.Thread(target=serve, args=(listener, responses))
            thread.start()
            stack.callback(thread.join, 10)
            return process(f"{LOOPBACK}:{listener.getsockname()[1]}", killed=killed)

        yield start


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    journal.phase("only")
    return journal


def request(journal: Journal, *servers: Process) -> tuple[int, bool]:
    balancer = Balancer(journal)
    for server in servers:
        balancer.add(server)
    answer = balancer.request("GET", "/", headers={})
    balancer.close()
    assert answer is not None
    return answer.status, answer.repeated


def test_a_response_is_returned_without_a_fault(journal: Journal, server: Callable[..., Process]) -> None:
    assert request(journal, server(OK)) == (200, False)
    assert journal.faults == []


def test_a_refused_connection_is_retried_on_the_other_server(journal: Journal, server: Callable[..., Process]) -> None:
    assert request(journal, process(f"{LOOPBACK}:{free_port()}"), server(OK)) == (200, False)
    assert (journal.faults, journal.phases[0].notes.total()) == ([], 1)


def test_a_lost_connection_is_retried_as_a_repetition(journal: Journal, server: Callable[..., Process]) -> None:
    assert request(journal, server(b"", OK)) == (200, True)
    assert (journal.faults, journal.phases[0].notes.total()) == ([], 1)


@pytest.mark.parametrize("response", [BUSY, BROKEN])
def test_a_5xx_response_is_a_fault(journal: Journal, server: Callable[..., Process], response: bytes) -> None:
    wanted = (200, True) if response is BUSY else (500, False)
    assert request(journal, server(response, *([OK] if response is BUSY else []))) == wanted
    assert [response[9:12].decode() in fault for fault in journal.faults] == [True]


@pytest.mark.parametrize("killed", [False, True])
def test_a_truncated_response_is_a_fault_unless_the_server_was_killed(
    journal: Journal, server: Callable[..., Process], *, killed: bool
) -> None:
    assert request(journal, server(CUT, OK, killed=killed)) == (200, True)
    assert len(journal.faults) == (not killed)
