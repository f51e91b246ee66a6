"""Two at once: writers of one key, a contract that changes under a reader."""

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


def at_once(requests: list[Any]) -> list[Any]:
    """The answers to requests that start together."""
    start = threading.Barrier(len(requests))

    def send(request: Any) -> Any:
        try:
            start.wait()
            return request()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def test_of_many_posts_of_one_key_one_makes_the_record(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = json.dumps({"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"})
    answers = at_once([lambda: http.post(PATH, body, content_type="application/json")] * WRITERS)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (WRITERS - 1)
    assert Batch.objects.count() == 1


def test_of_many_changes_of_one_revision_one_wins(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    made = http.post(PATH, json.dumps(body), content_type="application/json")

    def patch(number: int) -> Any:
        sent = json.dumps({"loyalty_points": number})
        headers = {"If-Match": made["ETag"]}
        return lambda: http.patch(made["Location"], sent, content_type="application/json", headers=headers)

    answers = at_once([patch(number) for number in range(WRITERS)])
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (WRITERS - 1)
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert http.get(made["Location"]).json() == winner


def test_changes_without_a_revision_all_count(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    made = http.post(PATH, json.dumps(body), content_type="application/json")
    fields = {"email": "a@b", "country": "ES", "loyalty_points": 5, "member_since": "2013-01-01", "family_name": "C"}

    def patch(name: str) -> Any:
        sent = json.dumps({name: fields[name]})
        return lambda: http.patch(made["Location"], sent, content_type="application/json")

    assert {answer.status_code for answer in at_once([patch(name) for name in fields])} == {200}
    after = http.get(made["Location"])
    assert {name: after.json()[name] for name in fields} == fields
    assert after["ETag"] == f'"{1 + len(fields)}"'


def test_a_write_does_not_wait_for_ever(
    persons: AppliedDataset, connect: Connect, station: Station, settings: Any
) -> None:
    settings.API = settings.API.model_copy(update={"lock_timeout_s": 0.05})
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    made = http.post(PATH, json.dumps(body), content_type="application/json")
    with station.connect("ingest") as connection:
        connection.execute("SELECT FROM data.persons FOR UPDATE")
        held = http.patch(made["Location"], '{"country": "ES"}', content_type="application/json")
        assert (held.status_code, held["Retry-After"]) == (503, "5")
        assert held.json()["type"] == "/api/problems#record-locked"
    assert http.patch(made["Location"], '{"country": "ES"}', content_type="application/json").status_code == 200


def outdated(dataset: AppliedDataset) -> AccessScope:
    """The access of a reader that has just read its contract."""
    return AccessScope(dataset, visible_schema(dataset.contract, None), frozenset({"read"}))


@pytest.mark.parametrize("path", ["/records", *(f"/records.{one.suffix}" for one in EXPORT_FORMATS)])
def test_a_reader_whose_contract_moved_on_tries_the_new_one(
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
    answer = http.get(f"/api/v1/datasets/flights{path}")
    assert answer.status_code == 200
    assert b"tailnum" not in answer.getvalue()


def test_a_dataset_that_is_dropped_under_a_reader_is_unknown(
    flights: AppliedDataset, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = connect(GrantRequest("flights"))
    stale = outdated(flights)

    def dropped_meanwhile(_caller: Caller, name: str) -> AccessScope:
        dataset_drop(name, with_data=True)
        return stale

    monkeypatch.setattr("apps.api.views.base.access_get", dropped_meanwhile)
    assert http.get("/api/v1/datasets/flights/records").status_code == 404


def test_a_table_that_is_never_there_is_told_as_such(
    flights: AppliedDataset, connect: Connect, station: Station
) -> None:
    http: Http = connect(GrantRequest("flights"))
    with station.connect("owner") as connection:
        connection.execute("ALTER TABLE data.flights RENAME TO elsewhere")
        connection.commit()
    answer = http.get("/api/v1/datasets/flights/records")
    assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems#contract-changing")
