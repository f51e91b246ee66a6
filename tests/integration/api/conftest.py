"""Datasets with rows, and clients with grants on them."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http.response import HttpResponseBase

from apps.api.clients.services import GrantRequest, client_create
from apps.datasets.core.document.applied_dataset import AppliedDataset
from config.wsgi import application
from tests.gateway import Gateway, Http
from tests.station import Station

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"

Visit = Callable[..., Http]
Connect = Callable[..., Http]


def body_of(response: HttpResponseBase) -> str:
    """The body without the request id, which differs in every response."""
    return getattr(response, "content", b"").decode().replace(response["X-Request-ID"], "this")


@pytest.fixture(scope="session")
def gateway() -> Gateway:
    """The API Gateway in front of the API's Lambda function. Responses are also checked through WSGI."""
    return Gateway(application)


@pytest.fixture
def visit(gateway: Gateway) -> Visit:
    """Creates an HTTP client with this key, or without a key."""

    def build(key: object = None) -> Http:
        return Http(gateway, headers={} if key is None else {"Authorization": f"Bearer {key}"})

    return build


@pytest.fixture
def connect(station: Station, visit: Visit) -> Connect:
    """Creates an API client with these grants, and its HTTP client."""
    numbers = itertools.count()

    def build(*grants: GrantRequest) -> Http:
        _, key = client_create(f"client {next(numbers)}", grants)
        return visit(key)

    return build


@pytest.fixture
def flights(station: Station) -> AppliedDataset:
    """500 departures, three per hour, with ties and NULLs in arr_delay."""
    dataset = station.apply(CONTRACTS / "flights.yaml")
    with station.connect("ingest") as connection:
        connection.execute("SELECT public.anden_ensure_months(%s, '2013-01-01', '2013-02-01')", (dataset.id,))
        add_flights(connection, 1, 500)
    return dataset


@pytest.fixture
def persons(station: Station) -> AppliedDataset:
    """The empty dataset of persons."""
    return station.apply(CONTRACTS / "persons.yaml")


def add_flights(connection: Any, first: int, last: int) -> None:
    """Insert departures with these offsets. Hours repeat, so that new rows sort between existing ones."""
    connection.execute(
        "INSERT INTO data.flights (year, month, day, sched_dep_time, sched_arr_time, carrier, flight, origin, dest,"
        " distance, hour, minute, time_hour, arr_delay, dep_delay, _source, _offset, _batch)"
        " SELECT 2013, 1, 1, 515, 819, (ARRAY['UA','AA','B6'])[1 + n %% 3], n, 'JFK', 'LAX', 100, 5, 15,"
        " timestamptz '2013-01-01T00:00Z' + interval '1 hour' * (n %% 167), nullif(n %% 7, 0), n %% 5, 1, n, 1"
        " FROM generate_series(%s::int, %s::int) AS n",
        (first, last),
    )
    connection.commit()
