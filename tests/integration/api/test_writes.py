"""Writing records over HTTP: one winner, one ledger entry, no hidden field written."""

import itertools
import json
import uuid
from typing import Any

import pytest

from apps.api.clients.services import GrantRequest
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.record.formats import FORMATS
from apps.datasets.models import Batch
from tests.documents import document
from tests.gateway import Http
from tests.integration.api.conftest import Connect, body_of
from tests.station import Station
from tests.unit.datasets.test_formats import FIELDS, LinesReader

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
WRITES = GrantRequest("persons", may_write=True)


NUMBERS = itertools.count(1)
"""A counter, not random: each process that collects a case gives it the same id."""


def person(**fields: Any) -> dict[str, Any]:
    return {"person_id": str(uuid.UUID(int=next(NUMBERS))), "given_name": "Ada", "family_name": "Lovelace", **fields}


def test_the_api_writes_json_whatever_the_topics_format(
    station: Station, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "lines", LinesReader)
    station.apply(document("notes", FIELDS, mode="upsert", format="lines", apiWrites=True))
    http = connect(GrantRequest("notes", may_write=True))
    created = http.post("/api/v1/datasets/notes/records", '{"id": "1", "name": "a"}', content_type=JSON)
    assert created.status_code == 201, created.content
    location = created["Location"]
    put = http.put(location, '{"id": "1", "name": "b"}', content_type=JSON)
    patched = http.patch(location, '{"name": "c"}', content_type=JSON)
    assert [response.json()["name"] for response in (put, patched, http.get(location))] == ["b", "c", "c"]
    assert http.delete(location).status_code == 204
    assert http.get(location).status_code == 404


def post(http: Http, record: dict[str, Any]) -> Any:
    return http.post(PATH, json.dumps(record), content_type=JSON)


def test_a_record_is_created_read_changed_and_deleted(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    sent = person(languages=["en", "fr"], preferences={"seat": "window", "points": 1.50}, loyalty_points=2**53 + 1)
    created = post(http, sent)
    assert created.status_code == 201
    location, etag = created["Location"], created["ETag"]
    assert etag == '"1"'
    read = http.get(location)
    assert read.json() == created.json()
    assert read["ETag"] == etag
    assert {name: read.json()[name] for name in sent} == sent

    patched = http.patch(location, '{"email": "ada@example.org"}', content_type=JSON, headers={"If-Match": etag})
    assert (patched.status_code, patched["ETag"]) == (200, '"2"')
    assert patched.json() == {**read.json(), "email": "ada@example.org"}

    put = http.put(location, json.dumps(person(person_id=sent["person_id"], given_name="Augusta")), content_type=JSON)
    assert put.status_code == 200
    assert (put.json()["given_name"], put.json()["email"]) == ("Augusta", None)

    assert http.delete(location).status_code == 204
    assert http.get(location).status_code == 404
    assert http.get(PATH).json()["records"] == []
    assert http.delete(location).status_code == 404
    assert post(http, sent).status_code == 201
    entries = list(Batch.objects.order_by("id").values_list("source_id", "rows", "rejects", "dataset_id", "worker"))
    assert entries == [(0, 1, 0, persons.id, "api:client 0")] * 5


def test_the_response_to_a_get_can_be_put_back(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    created = post(http, person(email="ada@example.org")).json()
    again = http.put(f"{PATH}/{created['_id']}", json.dumps(created), content_type=JSON)
    assert (again.status_code, again.json()) == (200, created)
    other = post(http, person()).json()
    swapped = http.put(f"{PATH}/{created['_id']}", json.dumps(other), content_type=JSON)
    assert (swapped.status_code, swapped.json()["field"]) == (422, "_id")


def test_put_creates_a_record_at_a_known_url(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    created = post(http, person()).json()
    url = f"{PATH}/{created['_id']}"
    http.delete(url)
    again = http.put(url, json.dumps({"given_name": "A", "family_name": "B"}), content_type=JSON)
    assert again.status_code == 201
    assert again.json()["person_id"] == created["person_id"]


def test_a_key_cannot_be_changed(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    created = post(http, person()).json()
    moved = http.patch(f"{PATH}/{created['_id']}", json.dumps({"person_id": str(uuid.uuid4())}), content_type=JSON)
    assert (moved.status_code, moved.json()["reason"]) == (422, "bad_key")


def test_a_stale_revision_is_rejected(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    created = post(http, person())
    http.patch(created["Location"], '{"email": "a@b"}', content_type=JSON)
    stale = http.patch(
        created["Location"], '{"email": "c@d"}', content_type=JSON, headers={"If-Match": created["ETag"]}
    )
    assert (stale.status_code, stale.json()["type"]) == (412, "/api/problems#precondition-failed")
    assert http.delete(created["Location"], headers={"If-Match": '"1", "7"'}).status_code == 412
    assert http.delete(created["Location"], headers={"If-Match": "*"}).status_code == 204


def test_posting_an_existing_record_is_a_conflict(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    record = person()
    assert [post(http, record).status_code for _ in range(2)] == [201, 409]


def test_a_newer_row_wins_over_a_write(persons: AppliedDataset, connect: Connect, station: Station) -> None:
    http = connect(WRITES)
    created = post(http, person())
    with station.connect("ingest") as connection:
        connection.execute("UPDATE data.persons SET _at = clock_timestamp() + interval '1 hour', _source = 3")
        connection.commit()
    lost = http.patch(created["Location"], '{"email": "a@b"}', content_type=JSON)
    assert (lost.status_code, lost.json()["type"]) == (409, "/api/problems#stale-write")
    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ("{", "not_json", None),
        ("[]", "not_an_object", None),
        ('{"given_name": "A", "family_name": "B"}', "missing_field", "person_id"),
        (json.dumps(person(email="invalid")), "out_of_range", "email"),
        (json.dumps(person(loyalty_points="many")), "wrong_type", "loyalty_points"),
        (json.dumps(person(given_name="A\x00B")), "nul", "given_name"),
        (json.dumps(person(colour="red")), "unknown_field", "colour"),
        (json.dumps(person(_offset=1)), "unknown_field", "_offset"),
        (json.dumps(person(preferences={"n": "\ud800"})), "not_json", None),
        (json.dumps(person()).replace("{", '{"given_name": "B", ', 1), "duplicate_field", "given_name"),
    ],
)
def test_a_record_that_violates_the_contract_is_rejected_with_its_field(
    persons: AppliedDataset, connect: Connect, body: str, reason: str, field: str | None
) -> None:
    refused = connect(WRITES).post(PATH, body, content_type=JSON)
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    assert (refused.json()["reason"], refused.json().get("field")) == (reason, field)
    assert Batch.objects.count() == 0


def test_all_errors_of_a_record_are_returned_at_once(persons: AppliedDataset, connect: Connect) -> None:
    body = {"given_name": 1, "family_name": "B", "loyalty_points": "many", "colour": "red", "size": 1}
    refused = connect(WRITES).post(PATH, json.dumps(body), content_type=JSON).json()
    errors = [(error["field"], error["reason"]) for error in refused["errors"]]
    order = [field.name for field in persons.contract.fields]
    wrong = {"person_id": "missing_field", "given_name": "wrong_type", "loyalty_points": "wrong_type"}
    assert errors[:3] == sorted(wrong.items(), key=lambda item: order.index(item[0]))
    assert sorted(errors[3:]) == [("colour", "unknown_field"), ("size", "unknown_field")]
    assert refused["errors"][0] == {name: refused[name] for name in ("field", "reason", "detail")}


def test_a_hidden_field_cannot_be_written_and_is_kept(
    persons: AppliedDataset, connect: Connect, station: Station
) -> None:
    http, seeing = connect(WRITES), connect(GrantRequest("persons", columns=("person_id", "passport_number")))
    hidden = post(http, person(passport_number="X123"))
    unknown = post(http, person(no_such_field="X123"))
    assert hidden.status_code == unknown.status_code == 422
    assert body_of(hidden) == body_of(unknown).replace("no_such_field", "passport_number")
    created = post(http, person()).json()
    with station.connect("ingest") as connection:
        connection.execute("UPDATE data.persons SET passport_number = 'P-1'")
        connection.commit()
    put = http.put(f"{PATH}/{created['_id']}", json.dumps({**created, "given_name": "Eve"}), content_type=JSON)
    assert (put.status_code, "passport_number" in put.json()) == (200, False)
    assert seeing.get(PATH).json()["records"][0]["passport_number"] == "P-1"


def test_a_key_without_write_access_gets_403_or_404(
    persons: AppliedDataset, flights: AppliedDataset, connect: Connect, station: Station
) -> None:
    reading = connect(GrantRequest("persons"), GrantRequest("flights"))
    assert post(reading, person()).status_code == 403
    assert reading.delete(f"{PATH}/kW10").status_code == 403
    assert reading.post("/api/v1/datasets/flights/records", "{}", content_type=JSON).status_code == 403
    stranger = connect(GrantRequest("flights"))
    assert post(stranger, person()).status_code == 404


def test_a_body_must_be_json_and_within_the_size_limit(persons: AppliedDataset, connect: Connect) -> None:
    http = connect(WRITES)
    assert http.post(PATH, "a=1", content_type="application/x-www-form-urlencoded").status_code == 415
    large = http.post(PATH, json.dumps(person(given_name="x" * 2**20)), content_type=JSON)
    assert (large.status_code, large.json()["type"]) == (413, "/api/problems#body-too-large")


LONG_NUMBERS = {
    "an exponent": '{"a":1e131000}',
    "decimals": '{"a":[{"b":1e-16383}]}',
    "digits": '{"a":1' + "0" * 5_000 + "}",
    "many": '{"a":[' + ",".join(["1e300"] * 1_000) + "]}",
}


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_a_number_that_expands_in_postgresql_is_rejected(
    persons: AppliedDataset, connect: Connect, number: str
) -> None:
    http = connect(WRITES)
    created = post(http, person()).json()
    own = f"{PATH}/{created['_id']}"
    preferences = f'"preferences":{LONG_NUMBERS[number]}'
    complete = f'{{"given_name":"A","family_name":"B",{preferences}}}'
    for refused in (
        http.post(PATH, f'{{"person_id":"{uuid.uuid4()}",{complete[1:]}', content_type=JSON),
        http.put(own, complete, content_type=JSON),
        http.patch(own, f"{{{preferences}}}", content_type=JSON),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (422, "out_of_range")
        assert refused.json()["field"] == "preferences"
        assert len(refused.content) < 1_000
    assert http.get(own).json() == created


def test_a_stored_long_number_can_be_read_and_replaced(
    persons: AppliedDataset, connect: Connect, station: Station
) -> None:
    http = connect(WRITES)
    created = post(http, person()).json()
    own = f"{PATH}/{created['_id']}"
    with station.connect("writer") as connection:
        connection.execute("""UPDATE data.persons SET preferences = '{"a": 1e5000}'""")
    assert b"1" + b"0" * 5_000 in http.get(own).content
    assert b"1" + b"0" * 5_000 in http.get(PATH).content
    kept = http.patch(own, '{"email":"ada@example.org"}', content_type=JSON)
    assert (kept.status_code, kept.json()["field"]) == (422, "preferences")
    replaced = http.patch(own, '{"email":"ada@example.org","preferences":{"a":1e30}}', content_type=JSON)
    assert (replaced.status_code, replaced.json()["preferences"]) == (200, {"a": 10**30})
    assert http.delete(own).status_code == 204


@pytest.mark.parametrize(
    ("field", "value"), [("country", "DE\n"), ("country", "D\u00c9"), ("email", "a@b@c"), ("email", "\n@ ")]
)
def test_text_that_does_not_match_its_pattern_is_rejected(
    persons: AppliedDataset, connect: Connect, field: str, value: str
) -> None:
    http = connect(WRITES)
    created = post(http, person()).json()
    own = f"{PATH}/{created['_id']}"
    complete = json.dumps({"given_name": "A", "family_name": "B", field: value})
    for refused in (
        post(http, person(**{field: value})),
        http.put(own, complete, content_type=JSON),
        http.patch(own, json.dumps({field: value}), content_type=JSON),
    ):
        assert refused.status_code == 422
        assert (refused.json()["reason"], refused.json()["field"]) == ("out_of_range", field)
