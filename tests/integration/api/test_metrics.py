"""What the API says of itself at /metrics."""

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
        "page": requests("flights", "page", "2xx"),
        "wrong": requests("flights", "page", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "whole": value(EXPORTS.name, outcome="completed"),
        "seconds": timed("page"),
    }
    http.get(f"{path}?limit=7")
    http.get(f"{path}?limit=0")
    size = len(http.get(f"{path}.csv").getvalue())
    after = {
        "page": requests("flights", "page", "2xx"),
        "wrong": requests("flights", "page", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "whole": value(EXPORTS.name, outcome="completed"),
        "seconds": timed("page"),
    }
    # No such failure came before: the first burst of them is a rise from 0, which Prometheus sees.
    failed = {"dataset": "flights", "operation": "page", "status": "5xx", "client_class": "third_party"}
    assert REGISTRY.get_sample_value(REQUESTS.name, failed) is not None
    grown = {name: after[name] - before[name] for name in before}
    assert grown == {"page": 1, "wrong": 1, "records": 7, "bytes": size, "whole": 1, "seconds": 2}


def test_an_export_that_is_left_is_counted_as_such(flights: AppliedDataset, station: Station) -> None:
    _, key = client_create("left", [GrantRequest("flights")])
    # By WSGI alone: a gateway waits for all of an answer.
    http = Http(headers={"Authorization": f"Bearer {key}"})
    before = value(EXPORTS.name, outcome="disconnected")
    http.get("/api/v1/datasets/flights/records.csv").close()
    assert value(EXPORTS.name, outcome="disconnected") == before + 1


def test_nobody_can_fill_the_metrics_with_names(flights: AppliedDataset, connect: Connect, visit: Visit) -> None:
    classes = ("third_party", "none")
    before = [requests("", "page", "4xx", each) for each in classes]
    connect(GrantRequest("flights")).get("/api/v1/datasets/made-up/records")
    visit().get("/api/v1/datasets/flights/records")
    assert [requests("", "page", "4xx", each) for each in classes] == [count + 1 for count in before]
    assert [requests("made-up", "page", "4xx", each) for each in classes] == [0, 0]


def test_the_probe_is_counted_apart_from_third_parties(station: Station, visit: Visit) -> None:
    probe_dataset_install(datetime.date(2026, 1, 1))
    key = probe_key_rotate()
    before = requests(DATASET, "page", "2xx", "probe"), timed("page", "probe"), requests(DATASET, "page", "2xx")
    visit(key).get(RECORDS_PATH)
    after = requests(DATASET, "page", "2xx", "probe"), timed("page", "probe"), requests(DATASET, "page", "2xx")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0]
