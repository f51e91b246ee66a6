"""The API's metrics."""

import datetime

import pytest
from prometheus_client import REGISTRY

from apps.api.clients.services import GrantRequest, client_create
from apps.api.metrics import EXPORT_BYTES, EXPORTS, RECORDS, REQUESTS, SECONDS
from apps.api.probe.checks import DATASET
from apps.api.probe.checks import RECORDS as RECORDS_PATH
from apps.api.probe.services import probe_dataset_install, probe_key_rotate
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.gateway import Http
from tests.integration.api.conftest import Connect, Visit
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def requests(dataset: str, operation: str, status: str, client_class: str = "third_party") -> float:
    return value(REQUESTS.name, dataset=dataset, operation=operation, status=status, client_class=client_class)


def timed(operation: str, client_class: str = "third_party") -> float:
    return value(f"{SECONDS.name}_count", operation=operation, client_class=client_class)


def test_requests_records_and_exports_are_counted(flights: AppliedDataset, connect: Connect) -> None:
    http, path = connect(GrantRequest("flights")), "/api/v1/datasets/flights/records"
    before = {
        "list": requests("flights", "list", "2xx"),
        "wrong": requests("flights", "list", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "completed": value(EXPORTS.name, outcome="completed"),
        "seconds": timed("list"),
    }
    http.get(f"{path}?limit=7")
    http.get(f"{path}?limit=0")
    size = len(http.get(f"{path}.csv").getvalue())
    after = {
        "list": requests("flights", "list", "2xx"),
        "wrong": requests("flights", "list", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "completed": value(EXPORTS.name, outcome="completed"),
        "seconds": timed("list"),
    }
    # Initialized to 0, so that increase() sees the first failures.
    failed = {"dataset": "flights", "operation": "list", "status": "5xx", "client_class": "third_party"}
    assert REGISTRY.get_sample_value(REQUESTS.name, failed) is not None
    grown = {name: after[name] - before[name] for name in before}
    assert grown == {"list": 1, "wrong": 1, "records": 7, "bytes": size, "completed": 1, "seconds": 2}


def test_an_export_that_the_client_aborts_counts_as_disconnected(flights: AppliedDataset, station: Station) -> None:
    _, key = client_create("left", [GrantRequest("flights")])
    # Through WSGI: a gateway buffers the response.
    http = Http(headers={"Authorization": f"Bearer {key}"})
    before = value(EXPORTS.name, outcome="disconnected")
    http.get("/api/v1/datasets/flights/records.csv").close()
    assert value(EXPORTS.name, outcome="disconnected") == before + 1


def test_requests_cannot_create_time_series_with_unknown_names(
    flights: AppliedDataset, connect: Connect, visit: Visit
) -> None:
    classes = ("third_party", "none")
    before = [requests("", "list", "4xx", each) for each in classes]
    connect(GrantRequest("flights")).get("/api/v1/datasets/made-up/records")
    visit().get("/api/v1/datasets/flights/records")
    assert [requests("", "list", "4xx", each) for each in classes] == [count + 1 for count in before]
    assert [requests("made-up", "list", "4xx", each) for each in classes] == [0, 0]


def test_the_probe_is_counted_separately_from_third_parties(station: Station, visit: Visit) -> None:
    probe_dataset_install(datetime.date(2026, 1, 1))
    key = probe_key_rotate()
    before = requests(DATASET, "list", "2xx", "probe"), timed("list", "probe"), requests(DATASET, "list", "2xx")
    visit(key).get(RECORDS_PATH)
    after = requests(DATASET, "list", "2xx", "probe"), timed("list", "probe"), requests(DATASET, "list", "2xx")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0]
