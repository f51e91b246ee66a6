"""The API's function, run only from its files with a real PostgreSQL, keeps no connection between events."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import RequestFactory

from apps.api.clients.services import GrantRequest, client_create
from functions.gateway import Event
from packing.cold_start import cold_start
from tests.documents import document, prop
from tests.functions import Function
from tests.gateway import event_of
from tests.infra.functions.conftest import NAME, Run
from tests.integration.api.conftest import CONTRACTS
from tests.station import Station

# The first test waits for the build.
pytestmark = [pytest.mark.timeout(900), pytest.mark.django_db(transaction=True, databases="__all__")]

TIMEOUT_S = 30.0
WIDE = "/api/v1/datasets/wide/records"
PERSONS = "/api/v1/datasets/persons/records"


@pytest.fixture
def key(station: Station) -> str:
    """A key for a dataset of 40,000 rows (11 MB as CSV) and for the dataset persons."""
    station.apply(document("wide", [prop("text", required=True)]))
    station.apply(CONTRACTS / "persons.yaml")
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.wide (text, _source, _offset, _batch)"
            " SELECT repeat(md5(n::text), 9), 1, n, 1 FROM generate_series(1, 40000) AS n"
        )
        connection.commit()
    return str(client_create("reader", [GrantRequest("wide"), GrantRequest("persons", may_write=True)])[1])


def event(method: str, path: str, key: str = "", body: str = "", **headers: str) -> Event:
    """The event of a request."""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    kind = "application/json" if body else ""
    return event_of(RequestFactory(headers=headers).generic(method, path, body, content_type=kind).environ)


def body(answer: Event) -> bytes:
    text: str = answer["body"]
    return base64.b64decode(text) if answer["isBase64Encoded"] else text.encode()


def parsed_body(answer: Event) -> Any:
    return json.loads(body(answer))


def open_connections(station: Station) -> int:
    """Number of the function's connections in PostgreSQL."""
    with station.admin() as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (NAME,))
        (count,) = found.fetchone() or (0,)
    return int(count)


def remaining_connections(station: Station) -> int:
    """Number of remaining connections, after PostgreSQL had time to close them."""
    return until(station, lambda count: count == 0)


def until(station: Station, enough: Callable[[int], bool]) -> int:
    """Number of connections once `enough` is met or the timeout is over."""
    deadline = time.monotonic() + TIMEOUT_S
    while not enough(count := open_connections(station)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return count


def conversation(function: Function, key: str) -> Iterator[tuple[str, Event]]:
    """One request of each kind with its expected status and response; the function is idle between them."""
    record = json.dumps({"person_id": str(uuid4()), "given_name": "Ada", "family_name": "Byron"})
    made = function.invoke(event("POST", PERSONS, key, record))
    yield "201", made
    yield "200", function.invoke(event("GET", made["headers"]["location"], key))
    yield "409", function.invoke(event("POST", PERSONS, key, record))
    yield "422", function.invoke(event("POST", PERSONS, key, "{}"))
    yield "204", function.invoke(event("DELETE", made["headers"]["location"], key))
    yield "200", function.invoke(event("GET", "/api/v1/datasets", key))
    yield "200", function.invoke(event("GET", f"{WIDE}?limit=1000", key))
    yield "200", function.invoke(event("GET", f"{PERSONS}.csv", key))
    yield "400", function.invoke(event("GET", f"{WIDE}.csv", key))
    yield "401", function.invoke(event("GET", WIDE, "anden_0000000000000000_" + "0" * 64))
    yield "404", function.invoke(event("GET", "/api/v1/datasets/nothing", key))


@pytest.mark.property(14)
def test_no_connection_is_open_between_two_events(
    run: Run, key: str, station: Station, evidence: Callable[[str], None]
) -> None:
    with run() as function:
        seen = [
            (wanted, str(answer["statusCode"]), remaining_connections(station))
            for wanted, answer in conversation(function, key)
        ]
        assert [(wanted, status) for wanted, status, _ in seen] == [(wanted, wanted) for wanted, _, _ in seen]
        assert [count for _, _, count in seen] == [0] * len(seen)
    evidence(f"after each of {len(seen)} events PostgreSQL has no connection of the function")


def test_a_pool_would_leave_connections_open(run: Run, key: str, station: Station) -> None:
    """Control: with the pool of other web processes, the same check finds connections."""
    with run(ANDEN_DATABASE_POOL="true") as function:
        assert function.invoke(event("GET", WIDE, key))["statusCode"] == 200
        assert until(station, lambda count: count >= 2) >= 2


def test_an_export_that_is_too_large_returns_a_problem(run: Run, key: str, station: Station) -> None:
    with run() as function:
        answer = function.invoke(event("GET", f"{WIDE}.csv", key))
        assert (answer["statusCode"], parsed_body(answer)["type"]) == (400, "/api/problems#response-too-large")
        assert remaining_connections(station) == 0
        complete = function.invoke(event("GET", f"{PERSONS}.csv", key))
        assert (complete["statusCode"], complete["isBase64Encoded"]) == (200, False)
        assert complete["headers"]["content-type"].startswith("text/csv")


def test_a_query_times_out_before_the_gateway_does(run: Run, key: str, station: Station) -> None:
    with run(PGOPTIONS="-c statement_timeout=300ms") as function, station.connect("owner") as connection:
        connection.execute("LOCK TABLE data.wide IN ACCESS EXCLUSIVE MODE")
        slow = function.invoke(event("GET", WIDE, key))
        connection.rollback()
        assert (slow["statusCode"], parsed_body(slow)["type"]) == (400, "/api/problems#query-timeout")
        assert function.invoke(event("GET", f"{WIDE}?limit=1", key))["statusCode"] == 200


def test_swagger_ui_and_its_files_are_served_from_the_zip(run: Run, station: Station) -> None:
    with run() as function:
        page = body(function.invoke(event("GET", "/api/docs"))).decode()
        (script,) = [part.split('"')[0] for part in page.split('src="')[1:] if "swagger-ui-bundle" in part]
        plain = function.invoke(event("GET", script))
        packed = function.invoke(event("GET", script, **{"Accept-Encoding": "gzip"}))
    assert (plain["statusCode"], packed["statusCode"]) == (200, 200)
    assert (packed["isBase64Encoded"], packed["headers"]["content-encoding"]) == (True, "gzip")
    assert gzip.decompress(body(packed)) == body(plain)


@pytest.mark.property(14)
def test_a_cold_start_is_measured(unpacked: Path, evidence: Callable[[str], None]) -> None:
    measured = cold_start(unpacked, bytecode=False, rounds=1)
    assert 0 < measured.first_s < measured.import_s < 29, "a cold start must end before the gateway's timeout"
    evidence(f"cold start here, no bytecode: {measured.summary()}")
