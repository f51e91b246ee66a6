"""What the API says of itself at /metrics."""

import pytest
from django.test import Client as Http
from prometheus_client import REGISTRY

from apps.api.metrics import EXPORT_BYTES, EXPORTS, RECORDS, REQUESTS, SECONDS
from apps.api.services import GrantRequest
from apps.datasets.core.applied import AppliedDataset
from tests.integration.api.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def requests(dataset: str, operation: str, status: str) -> float:
    return value(REQUESTS.name, dataset=dataset, operation=operation, status=status)


def test_requests_records_and_exports_are_counted(flights: AppliedDataset, connect: Connect) -> None:
    http, path = connect(GrantRequest("flights")), "/api/v1/datasets/flights/records"
    before = {
        "page": requests("flights", "page", "2xx"),
        "wrong": requests("flights", "page", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "whole": value(EXPORTS.name, outcome="whole"),
        "left": value(EXPORTS.name, outcome="left"),
        "seconds": value(f"{SECONDS.name}_count", operation="page"),
    }
    http.get(f"{path}?limit=7")
    http.get(f"{path}?limit=0")
    size = len(http.get(f"{path}.csv").getvalue())
    http.get(f"{path}.csv").close()
    after = {
        "page": requests("flights", "page", "2xx"),
        "wrong": requests("flights", "page", "4xx"),
        "records": value(RECORDS.name, dataset="flights"),
        "bytes": value(EXPORT_BYTES.name, dataset="flights"),
        "whole": value(EXPORTS.name, outcome="whole"),
        "left": value(EXPORTS.name, outcome="left"),
        "seconds": value(f"{SECONDS.name}_count", operation="page"),
    }
    grown = {name: after[name] - before[name] for name in before}
    assert grown == {"page": 1, "wrong": 1, "records": 7, "bytes": size, "whole": 1, "left": 1, "seconds": 2}


def test_nobody_can_fill_the_metrics_with_names(flights: AppliedDataset, connect: Connect) -> None:
    before = requests("", "page", "4xx")
    connect(GrantRequest("flights")).get("/api/v1/datasets/made-up/records")
    Http().get("/api/v1/datasets/flights/records")
    assert requests("", "page", "4xx") == before + 2
    assert requests("made-up", "page", "4xx") == 0
