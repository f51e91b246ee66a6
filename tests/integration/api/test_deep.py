"""Deeply nested JSON: rejected by field when sent, readable when stored."""

import uuid

import pytest

from apps.api.clients.services import GrantRequest
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.documents import document, prop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
MERGE = "application/merge-patch+json"
NUL = '"\\u0000"'


def objects(levels: int, inside: str = "1") -> str:
    return '{"a":' * levels + inside + "}" * levels


def arrays(levels: int, inside: str = "") -> str:
    return f'{{"a":{"[" * (levels - 1)}{inside}{"]" * (levels - 1)}}}'


def person(preferences: str) -> str:
    identity = f'"person_id":"{uuid.uuid4()}","given_name":"A","family_name":"B"'
    return f'{{{identity},"preferences":{preferences}}}'


@pytest.fixture
def http(persons: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("persons", may_write=True))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (objects(500), ""),
        (arrays(500), ""),
        (objects(501), "too_deep"),
        (arrays(700), "too_deep"),
        (objects(990), "too_deep"),
        (arrays(20_000), "too_deep"),
        (objects(400, NUL), "nul"),
        (arrays(499, NUL), "nul"),
        (objects(940, NUL), "too_deep"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "MERGE"])
def test_a_body_is_accepted_or_rejected_with_field_and_reason(
    http: Http, method: str, value: str, reason: str
) -> None:
    body = person(value)
    if method == "POST":
        response = http.post(PATH, body, content_type=JSON)
    else:
        url = http.post(PATH, person('{"a":1}'), content_type=JSON)["Location"]
        patch = f'{{"preferences":{value}}}'
        if method == "PUT":
            complete = f'{{"given_name":"A","family_name":"B","preferences":{value}}}'
            response = http.put(url, complete, content_type=JSON)
        else:
            response = http.patch(url, patch, content_type=MERGE if method == "MERGE" else JSON)
    if reason:
        assert response.status_code == 422, response.content
        assert (response.json()["reason"], response.json()["field"]) == (reason, "preferences")
    else:
        assert response.status_code in {200, 201}, response.content


@pytest.mark.parametrize("levels", [501, 850, 940, 970, 2_000])
def test_a_stored_record_with_deeper_nesting_can_be_read_and_fixed_without_a_server_error(
    http: Http, station: Station, levels: int
) -> None:
    url = http.post(PATH, person('{"a":1}'), content_type=JSON)["Location"]
    with station.admin() as admin:
        admin.execute("UPDATE data.persons SET preferences = %s::jsonb", (objects(levels),))
    read = http.get(url)
    assert read.status_code == 200
    assert read.content.count(b'{"a"') == levels
    assert http.get(PATH).content.count(b'{"a"') == levels
    for response in (
        http.put(url, read.content, content_type=JSON),
        http.patch(url, '{"preferences":{"a":{"a":{"b":1}}}}', content_type=MERGE),
        http.patch(url, '{"given_name":"C"}', content_type=MERGE),
        http.patch(url, '{"given_name":"C"}', content_type=JSON),
    ):
        assert response.status_code == 422, response.content
        assert (response.json()["reason"], response.json()["field"]) == ("too_deep", "preferences")
    fixed = http.patch(url, '{"preferences":{"b":2}}', content_type=JSON)
    assert (fixed.status_code, fixed.json()["preferences"]) == (200, {"b": 2})


def test_unknown_fields_have_the_same_nesting_limit(station: Station, connect: Connect) -> None:
    key = prop("k", primaryKey=True, primaryKeyPosition=1, required=True)
    station.apply(document("open", [key], mode="upsert", apiWrites=True, unknownFields="keep"))
    http = connect(GrantRequest("open", may_write=True, columns=("k", "_extra")))
    path = "/api/v1/datasets/open/records"
    created = http.post(path, f'{{"k":"a","x":{objects(500)}}}', content_type=JSON)
    assert created.status_code == 201
    url = created["Location"]
    read = http.get(url).content
    assert http.put(url, read, content_type=JSON).status_code == 200
    for levels in (501, 980, 3_000):
        for response in (
            http.put(url, f'{{"x":{objects(levels)}}}', content_type=JSON),
            http.patch(url, f'{{"_extra":{{"y":{arrays(levels)}}}}}', content_type=MERGE),
        ):
            assert (response.status_code, response.json()["reason"]) == (422, "too_deep"), response.content
    assert http.patch(url, '{"_extra":{"x":null}}', content_type=MERGE).status_code == 200
