"""Races: concurrent writes of one key, a contract that changes during a read."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from apps.api.access import selectors
from apps.api.access.selectors import AccessScope, Caller
from apps.api.access.visible_schema import visible_schema
from apps.api.clients.services import GrantRequest
from apps.api.exports.formats import EXPORT_FORMATS
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.models import Batch
from apps.datasets.services import dataset_drop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
WRITERS = 6


def concurrently(requests: list[Any]) -> list[Any]:
    """The responses to requests sent simultaneously."""
    start = threading.Barrier(len(requests))

    def send(request: Any) -> Any:
        try:
            start.wait()
            return request()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_only_one_of_many_posts_creates_the_record(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = json.dumps({"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"})
    responses = concurrently([lambda: http.post(PATH, body, content_type="application/json")] * WRITERS)
    assert sorted(response.status_code for response in responses) == [201] + [409] * (WRITERS - 1)
    assert Batch.objects.count() == 1


def test_only_one_of_many_changes_of_a_revision_succeeds(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    created = http.post(PATH, json.dumps(body), content_type="application/json")

    def patch(number: int) -> Any:
        sent = json.dumps({"loyalty_points": number})
        headers = {"If-Match": created["ETag"]}
        return lambda: http.patch(created["Location"], sent, content_type="application/json", headers=headers)

    responses = concurrently([patch(number) for number in range(WRITERS)])
    assert sorted(response.status_code for response in responses) == [200] + [412] * (WRITERS - 1)
    winner = next(response.json() for response in responses if response.status_code == 200)
    assert http.get(created["Location"]).json() == winner


def test_concurrent_changes_without_if_match_are_all_applied(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    created = http.post(PATH, json.dumps(body), content_type="application/json")
    fields = {"email": "a@b", "country": "ES", "loyalty_points": 5, "member_since": "2013-01-01", "family_name": "C"}

    def patch(name: str) -> Any:
        sent = json.dumps({name: fields[name]})
        return lambda: http.patch(created["Location"], sent, content_type="application/json")

    assert {response.status_code for response in concurrently([patch(name) for name in fields])} == {200}
    after = http.get(created["Location"])
    assert {name: after.json()[name] for name in fields} == fields
    assert after["ETag"] == f'"{1 + len(fields)}"'


def test_a_write_waits_no_longer_than_the_lock_timeout(
    persons: AppliedDataset, connect: Connect, station: Station, settings: Any
) -> None:
    settings.API = settings.API.model_copy(update={"lock_timeout_s": 0.05})
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    created = http.post(PATH, json.dumps(body), content_type="application/json")
    with station.connect("ingest") as connection:
        connection.execute("SELECT FROM data.persons FOR UPDATE")
        held = http.patch(created["Location"], '{"country": "ES"}', content_type="application/json")
        assert (held.status_code, held["Retry-After"]) == (503, "5")
        assert held.json()["type"] == "/api/problems#record-locked"
    assert http.patch(created["Location"], '{"country": "ES"}', content_type="application/json").status_code == 200


def outdated(dataset: AppliedDataset) -> AccessScope:
    """The access of a request that has already read its contract."""
    return AccessScope(dataset, visible_schema(dataset.contract, None), frozenset({"read"}))


@pytest.mark.parametrize("path", ["/records", *(f"/records.{one.suffix}" for one in EXPORT_FORMATS)])
def test_a_read_retries_with_the_new_contract(
    flights: AppliedDataset, connect: Connect, station: Station, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    http = connect(GrantRequest("flights"))
    stale = outdated(flights)
    with station.connect("owner") as connection:
        connection.execute('ALTER TABLE data.flights RENAME COLUMN tailnum TO "old tail"')
        connection.commit()
    monkeypatch.setattr("apps.api.views.base.access_get", lambda caller, name: stale)
    schema = dict(flights.document["schema"][0])
    schema["properties"] = [item for item in schema["properties"] if item["name"] != "tailnum"]
    schema["customProperties"] = [item for item in schema["customProperties"] if item["property"] != "filters"]
    fresh = AppliedDataset(
        flights.id, flights.version + 1, contract_from_odcs({**flights.document, "schema": [schema]}), {}
    )
    monkeypatch.setattr(selectors, "dataset_get", lambda name: fresh)
    response = http.get(f"/api/v1/datasets/flights{path}")
    assert response.status_code == 200
    assert b"tailnum" not in response.getvalue()


def test_a_dataset_dropped_during_a_read_is_not_found(
    flights: AppliedDataset, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = connect(GrantRequest("flights"))
    stale = outdated(flights)

    def dropped_meanwhile(_caller: Caller, name: str) -> AccessScope:
        dataset_drop(name, with_data=True)
        return stale

    monkeypatch.setattr("apps.api.views.base.access_get", dropped_meanwhile)
    assert http.get("/api/v1/datasets/flights/records").status_code == 404


def test_a_missing_table_is_reported_as_a_changing_contract(
    flights: AppliedDataset, connect: Connect, station: Station
) -> None:
    http: Http = connect(GrantRequest("flights"))
    with station.connect("owner") as connection:
        connection.execute("ALTER TABLE data.flights RENAME TO elsewhere")
        connection.commit()
    response = http.get("/api/v1/datasets/flights/records")
    assert (response.status_code, response.json()["type"]) == (503, "/api/problems#contract-changing")
