"""Exports from a real server are complete or visibly broken, and limited in number."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from apps.api.exports.formats import EXPORT_FORMATS
from tests.acceptance.api.conftest import served
from tests.acceptance.big_dataset import ROWS, key_of_big_dataset
from tests.station import Station

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]

PATH = "/api/v1/datasets/big/records"
COPYING = "application_name = 'anden-reader' AND query LIKE 'COPY%' AND state = 'active'"


@pytest.fixture(scope="module")
def station(module_station: Station) -> Station:
    """One instance for this module, whose tests only read."""
    return module_station


@pytest.fixture(scope="module")
def key(station: Station) -> str:
    """A key for a dataset of 200,000 rows, 60 MB as CSV."""
    return key_of_big_dataset(station)


@contextmanager
def export(url: str, key: str, suffix: str = "csv") -> Iterator[http.client.HTTPResponse]:
    """The unread response. The connection closes with the block."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", f"{PATH}.{suffix}", headers={"Authorization": f"Bearer {key}"})
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def body_of(url: str, key: str) -> bytes:
    with export(url, key) as response:
        assert response.status == 200
        return response.read()


def test_an_export_is_complete_and_needs_little_memory(station: Station, key: str, url: str) -> None:
    server = next(
        process
        for process in psutil.Process().children(recursive=True)
        if "gunicorn" in " ".join(process.cmdline()) and not process.children()
    )
    body_of(url, key)
    before = server.memory_info().rss
    body = body_of(url, key)
    assert body.count(b"\n") == ROWS + 1
    assert body[:5] == b"text\n"
    assert server.memory_info().rss - before < 20 * 1024 * 1024


@pytest.mark.parametrize("suffix", [one.suffix for one in EXPORT_FORMATS])
def test_a_database_error_breaks_the_clients_connection(station: Station, key: str, url: str, suffix: str) -> None:
    with export(url, key, suffix) as response:
        response.read(1000)
        with station.admin() as connection:
            terminated = connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {COPYING}")
            assert terminated.fetchall() == [(True,)]
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_disconnecting_client_stops_its_export(station: Station, key: str, url: str) -> None:
    with export(url, key) as response:
        response.read(1000)
    pause = threading.Event()
    with station.admin() as connection:
        for _ in range(200):
            found = connection.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {COPYING}").fetchone()
            if found == (0,):
                break
            pause.wait(0.05)
        assert found == (0,)
    body_of(url, key)


def test_exports_above_the_limit_get_503_with_retry_after(station: Station, key: str, tmp_path: Path) -> None:
    with served({"ANDEN_API_MAX_EXPORTS": "1"}, tmp_path / "gunicorn.log") as url:
        with export(url, key) as first:
            first.read(1000)
            with export(url, key) as second:
                assert (second.status, second.headers["Retry-After"]) == (503, "5")
                assert b"too-many-exports" in second.read()
            first.read()
        body_of(url, key)


def test_an_export_is_bounded_in_time(station: Station, key: str, tmp_path: Path) -> None:
    with (
        served({"ANDEN_API_EXPORT_TIMEOUT_S": "0.001"}, tmp_path / "gunicorn.log") as url,
        export(url, key) as response,
    ):
        if response.status == 200:
            with pytest.raises(http.client.IncompleteRead):
                response.read()
        else:
            assert b"query-timeout" in response.read()
