"""A slow client never holds a thread, and never holds a connection longer than its deadline."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.acceptance.api.conftest import served
from tests.acceptance.big_dataset import ROWS, key_of_big_dataset
from tests.acceptance.web.raw_http import Closed, RawConnection, get, line, post
from tests.station import Station
from web.threads import SLICE_BYTES

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]

PATH = "/api/v1/datasets/big/records"
THREADS = 3
CONNECTIONS = 60
HEADER_S, BODY_S, WRITE_S, KEEP_ALIVE_S = 2, 2, 4, 5
SHORT = {
    "ANDEN_WEB_THREADS": str(THREADS),
    "ANDEN_WEB_CONNECTIONS": str(CONNECTIONS),
    "ANDEN_WEB_HEADER_TIMEOUT_S": str(HEADER_S),
    "ANDEN_WEB_BODY_TIMEOUT_S": str(BODY_S),
    "ANDEN_WEB_WRITE_TIMEOUT_S": str(WRITE_S),
    "ANDEN_WEB_KEEP_ALIVE_S": str(KEEP_ALIVE_S),
}
NOISE_S = 8.0
"""Tolerance for a shared machine."""
SMALL = 2048
HALF = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@pytest.fixture(scope="module")
def url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with one process and short deadlines."""
    with served(SHORT, tmp_path_factory.mktemp("web") / "web.log") as running:
        yield running


@pytest.fixture(scope="module")
def station(module_station: Station) -> Station:
    """One installation for the module: its tests only read."""
    return module_station


@pytest.fixture(scope="module")
def key(station: Station) -> str:
    """The Authorization header for a dataset of 200,000 rows, 60 MB as CSV."""
    return f"Authorization: Bearer {key_of_big_dataset(station)}"


def is_healthy(url: str) -> bool:
    with line(url) as connection:
        started = time.monotonic()
        assert connection.ask(get("/healthz")).status == 200
        return time.monotonic() - started < 1.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def copies(station: Station) -> int:
    """The number of exports running in the database."""
    with station.admin() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'anden-reader' AND query LIKE 'COPY%' AND state = 'active'"
        ).fetchone()
    return int(found[0]) if found else 0


def trickle(connection: RawConnection, byte: bytes, over: threading.Event) -> None:
    """Send a byte repeatedly, far more often than any deadline."""
    while not over.wait(0.2):
        try:
            connection.send(byte)
        except OSError:
            return


@dataclass(frozen=True, slots=True)
class Slow:
    """A client with an incomplete request: what it sends, a byte that it repeats, and the expected status."""

    name: str
    sent: str
    byte: bytes = b""
    status: int = 408


SLOW = [
    Slow("nothing", "", status=0),
    Slow("an empty line", "\r\n"),
    Slow("half a method", "GE"),
    Slow("half a header", HALF),
    Slow("a header, byte by byte", HALF, b"x"),
    Slow("a header, line by line", HALF, b"x\r\nX-Slow: "),
    Slow("half a header behind a request", get("/healthz") + HALF),
    Slow("a body's first byte", post("/nowhere", "{", "Content-Length: 9000")),
    Slow("a body, byte by byte", post("/nowhere", "{", "Content-Length: 9000"), b" "),
    Slow("after a 100", post("/nowhere", "", "Content-Length: 9", "Expect: 100-continue")),
    Slow("a chunk's size, byte by byte", post("/nowhere", "", "Transfer-Encoding: chunked"), b"0"),
    Slow("a body, chunk by chunk", post("/nowhere", "", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    Slow("trailers, line by line", post("/nowhere", "0\r\n", "Transfer-Encoding: chunked"), b"X-Slow: x\r\n"),
    Slow("half a chunk", post("/nowhere", "5\r\nab", "Transfer-Encoding: chunked")),
    Slow("no last chunk", post("/nowhere", "5\r\nhello\r\n", "Transfer-Encoding: chunked")),
]


def test_an_incomplete_request_gets_a_408_and_its_connection_is_closed(url: str) -> None:
    over = threading.Event()
    with ExitStack() as stack, ThreadPoolExecutor(len(SLOW)) as pool:
        stack.callback(over.set)
        held = [stack.enter_context(line(url)) for _ in SLOW]
        for connection, slow in zip(held, SLOW, strict=True):
            connection.send(slow.sent)
            if slow.byte:
                sender = threading.Thread(target=trickle, args=(connection, slow.byte, over))
                sender.start()
                stack.callback(sender.join)
                stack.callback(over.set)
        closed = [pool.submit(connection.seconds_until_closed) for connection in held]
        assert is_healthy(url)
        for slow, seconds in zip(SLOW, closed, strict=True):
            assert HEADER_S - 1 < seconds.result() < HEADER_S + NOISE_S, slow.name
        for slow, connection in zip(SLOW, held, strict=True):
            if not slow.byte:
                assert last_answer(connection) == slow.status, slow.name


def last_answer(connection: RawConnection) -> int:
    """The status of the last response before the connection closes, or 0; a 408 has a request id."""
    status = 0
    while True:
        try:
            answer = connection.answer()
        except Closed:
            return status
        status = answer.status
        assert status != 408 or answer.problem["instance"].endswith(answer.headers["x-request-id"])


def test_a_connection_waits_longer_for_the_next_request_than_for_its_first(url: str) -> None:
    with line(url) as connection:
        assert connection.ask(get("/healthz")).status == 200
        time.sleep(HEADER_S + 1)  # the elapsed time is under test
        assert connection.ask(get("/healthz")).status == 200
        assert HEADER_S < connection.seconds_until_closed() < KEEP_ALIVE_S + NOISE_S


def test_a_started_header_on_a_kept_connection_has_the_header_deadline(url: str) -> None:
    with line(url) as connection:
        assert connection.ask(get("/healthz")).status == 200
        connection.send(HALF)
        assert connection.seconds_until_closed() < KEEP_ALIVE_S
        assert connection.answer().status == 408


def test_a_started_header_has_its_own_deadline_beyond_keep_alive(tmp_path: Path) -> None:
    times = {"ANDEN_WEB_KEEP_ALIVE_S": "1", "ANDEN_WEB_HEADER_TIMEOUT_S": "3"}
    with served({**SHORT, **times}, tmp_path / "web.log") as url, line(url) as connection:
        connection.send(get("/healthz") + HALF)
        assert connection.answer().status == 200
        assert connection.answer().status == 408


def test_unread_exports_hold_no_thread_and_release_everything_at_their_end(
    station: Station, url: str, key: str
) -> None:
    with ExitStack() as stack:
        stalled = [stack.enter_context(line(url, buffer_bytes=SMALL)) for _ in range(8)]
        for connection in stalled:
            connection.send(get(f"{PATH}.csv", key))
        until(lambda: copies(station) == THREADS - 1)
        with line(url) as other:
            for _ in range(5):
                assert other.ask(get(f"{PATH}?limit=10", key)).status == 200
        assert is_healthy(url)
        until(lambda: copies(station) == 0)
        for connection in stalled:
            connection.seconds_until_closed()
    with line(url) as again:
        assert again.ask(get(f"{PATH}.csv", key)).body.count(b"\n") == ROWS + 1


def test_an_unread_large_page_is_disconnected(url: str, key: str) -> None:
    with line(url, buffer_bytes=SMALL) as connection:
        started = time.monotonic()
        connection.send(get(f"{PATH}?limit=1000", key))
        time.sleep(1)  # time to produce the response
        until(lambda: not is_held(connection))
        assert time.monotonic() - started < WRITE_S + KEEP_ALIVE_S + NOISE_S


def is_held(connection: RawConnection) -> bool:
    """Whether the server's process still has its end open."""
    own = connection.connection.getsockname()
    return any(other.raddr == own and other.pid for other in psutil.net_connections("tcp"))


def test_a_slow_client_that_keeps_reading_is_not_disconnected(url: str, key: str) -> None:
    with line(url, buffer_bytes=64 * 1024) as connection:
        # Unsent data of a previous response has a deadline that must not affect this one.
        assert connection.ask(get(f"{PATH}.csv", key)).status == 200
        connection.send(get(f"{PATH}.csv", key))
        started, size = time.monotonic(), 0
        while time.monotonic() - started < 2 * WRITE_S:
            piece = connection.connection.recv(SLICE_BYTES // 16)
            assert piece, f"the server ended the export after {size} bytes"
            size += len(piece)
            time.sleep(0.1)  # slow, and far from its deadline even where the machine is busy
        assert is_held(connection)


def test_health_checks_succeed_while_every_thread_waits_for_the_database(station: Station, url: str, key: str) -> None:
    before = pages_served(url)
    with station.admin() as admin, admin.transaction(), ExitStack() as stack:
        admin.execute("LOCK TABLE data.big IN ACCESS EXCLUSIVE MODE")
        for _ in range(THREADS + 2):
            stack.enter_context(line(url)).send(get(f"{PATH}?limit=1", key))
        until(lambda: waiting(station) == THREADS)
        for path in ("/healthz", "/readyz", "/metrics"):
            with line(url) as connection:
                assert connection.ask(get(path)).status == 200
        assert is_healthy(url)
    until(lambda: pages_served(url) - before >= THREADS)


def waiting(station: Station) -> int:
    with station.admin() as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return int(found[0]) if found else 0


def test_a_client_that_disconnects_while_queued_uses_no_thread(station: Station, url: str, key: str) -> None:
    before = pages_served(url)
    with station.admin() as admin, admin.transaction():
        admin.execute("LOCK TABLE data.big IN ACCESS EXCLUSIVE MODE")
        with ExitStack() as stack:
            for _ in range(THREADS * 10):
                stack.enter_context(line(url)).send(get(f"{PATH}?limit=1", key))
            until(lambda: waiting(station) == THREADS)
        assert is_healthy(url)
    assert pages_served(url) - before <= THREADS


def pages_served(url: str) -> float:
    with line(url) as connection:
        lines = connection.ask(get("/metrics")).body.decode().splitlines()
    counts = [text for text in lines if text.startswith("anden_api_requests_total") and 'operation="list"' in text]
    return sum(float(text.split()[-1]) for text in counts)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HALF, id="half a header"),
        pytest.param(post("/nowhere", "{", "Content-Length: 9000"), id="half a body"),
    ],
)
def test_the_longest_waiting_connection_is_closed_when_there_are_too_many(url: str, sent: str) -> None:
    with ExitStack() as stack:
        held = []
        for _ in range(CONNECTIONS + 20):
            held.append(stack.enter_context(line(url)))
            held[-1].send(sent)
        for _ in range(5):
            assert is_healthy(url)
        assert held[0].seconds_until_closed() < HEADER_S


def test_unread_responses_do_not_keep_new_clients_out(tmp_path: Path) -> None:
    long = {"ANDEN_WEB_WRITE_TIMEOUT_S": "60"}  # longer than the test
    with served({**SHORT, **long}, tmp_path / "web.log") as url, ExitStack() as stack:
        for _ in range(CONNECTIONS + 20):
            stack.enter_context(line(url, buffer_bytes=SMALL)).send(get("/api/openapi.json") * 100)
        for _ in range(30):
            until(lambda: is_let_in(url))
            time.sleep(0.1)  # meanwhile more of them wait for the client to read


def is_let_in(url: str) -> bool:
    try:
        return is_healthy(url)
    except (Closed, ConnectionError):
        return False


def test_simultaneous_connections_stay_within_the_limit(url: str) -> None:
    with ExitStack() as stack:
        worker = worker_of(url)
        worker.suspend()
        try:
            for _ in range(CONNECTIONS + 30):
                stack.enter_context(line(url)).send(HALF)
        finally:
            worker.resume()
        assert is_healthy(url)
        held = [
            other for other in worker.net_connections("tcp") if url.endswith(f":{other.laddr.port}") and other.raddr
        ]
        assert len(held) <= CONNECTIONS + 1  # the health check's may not be closed yet


def worker_of(url: str) -> psutil.Process:
    """The worker process of the server with this URL."""
    return next(iter(server_of(url).children()))


def server_of(url: str) -> psutil.Process:
    bind = url.removeprefix("http://")
    return next(child for child in psutil.Process().children() if bind in child.cmdline())


def test_a_shutdown_closes_idle_connections_immediately_and_lets_a_request_finish(
    station: Station, key: str, tmp_path: Path
) -> None:
    with served(SHORT, tmp_path / "web.log") as url, ExitStack() as stack:
        server = server_of(url)
        idle, silent, busy = (stack.enter_context(line(url)) for _ in range(3))
        assert idle.ask(get("/healthz")).status == 200
        with station.admin() as admin, admin.transaction():
            admin.execute("LOCK TABLE data.big IN ACCESS EXCLUSIVE MODE")
            busy.send(get(f"{PATH}?limit=1", key))
            until(lambda: waiting(station) == 1)
            os.kill(server.pid, signal.SIGTERM)
            assert idle.seconds_until_closed() < KEEP_ALIVE_S - 1
            assert silent.seconds_until_closed() < KEEP_ALIVE_S
        finished = busy.answer()
        assert (finished.status, finished.headers["connection"]) == (200, "close")
        assert len(json.loads(finished.body)["records"]) == 1
        assert psutil.wait_procs([server], timeout=10)[1] == []
