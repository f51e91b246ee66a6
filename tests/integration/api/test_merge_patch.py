"""Bodies are taken for the media type that they name: a merge patch merges, and what is not taken is refused."""

import json
import uuid
from typing import Any

import pytest

from apps.api.services import GrantRequest
from apps.datasets.core.applied import AppliedDataset
from tests.documents import document, prop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.integration.api.test_races import at_once
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
MERGE = "application/merge-patch+json"


@pytest.fixture
def http(persons: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("persons", may_write=True))


def made(http: Http, preferences: str) -> str:
    body = f'{{"person_id":"{uuid.uuid4()}","given_name":"A","family_name":"B","preferences":{preferences}}}'
    answer = http.post(PATH, body, content_type=JSON)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


@pytest.mark.parametrize(
    ("stored", "patch", "after"),
    [
        ('{"seat":"aisle","meal":"vegan"}', '{"meal":null}', '{"seat": "aisle"}'),
        ('{"a":{"b":{"c":1,"d":2}}}', '{"a":{"b":{"c":null,"e":[1,null]}}}', '{"a": {"b": {"d": 2, "e": [1, null]}}}'),
        ('{"a":[1,2]}', '{"a":[3]}', '{"a": [3]}'),
        ('{"a":"text"}', '{"a":{"b":{"c":null}}}', '{"a": {"b": {}}}'),
        ('{"a":{"b":1}}', '{"a":"text"}', '{"a": "text"}'),
        ("null", '{"a":{"x":null,"y":1}}', '{"a": {"y": 1}}'),
        (
            '{"n":9007199254740993,"p":1.10,"e":1e2,"s":"\\u00e9","keep":0.30}',
            '{"p2":12345678901234567890.10,"e":null}',
            '{"n": 9007199254740993, "p": 1.10, "s": "é", "p2": 12345678901234567890.10, "keep": 0.30}',
        ),
        ('{"a":1}', "{}", '{"a": 1}'),
    ],
)
def test_a_merge_patch_merges_as_rfc_7396_says(http: Http, stored: str, patch: str, after: str) -> None:
    address = made(http, stored)
    answer = http.patch(address, f'{{"preferences":{patch}}}', content_type=f"{MERGE}; charset=UTF-8")
    assert answer.status_code == 200, answer.content
    text = http.get(f"{address}?fields=preferences").content.decode()
    members = text.partition('"preferences":')[2].removesuffix("}")
    assert json.loads(members, parse_float=str, parse_int=str) == json.loads(after, parse_float=str, parse_int=str)


def test_plain_json_replaces_the_field(http: Http) -> None:
    address = made(http, '{"seat":"aisle","meal":"vegan"}')
    answer = http.patch(address, '{"preferences":{"meal":null}}', content_type=JSON)
    assert answer.json()["preferences"] == {"meal": None}


def test_other_fields_are_replaced_or_set_to_null(http: Http) -> None:
    address = made(http, "null")
    sent = {"languages": ["en", "fr"], "email": "a@b.c"}
    assert http.patch(address, json.dumps(sent), content_type=MERGE).json()["languages"] == ["en", "fr"]
    after = http.patch(address, '{"languages":["de"],"email":null}', content_type=MERGE).json()
    assert (after["languages"], after["email"], after["given_name"]) == (["de"], None, "A")


@pytest.mark.parametrize(
    ("patch", "reason", "field"),
    [
        ("[]", "not_an_object", None),
        ("null", "not_an_object", None),
        ('"x"', "not_an_object", None),
        ("{", "not_json", None),
        ('{"given_name":null}', "missing_field", "given_name"),
        ('{"person_id":null}', "missing_field", "person_id"),
        ('{"email":{"a":1}}', "wrong_type", "email"),
        ('{"preferences":[1]}', "wrong_type", "preferences"),
        ('{"nothing":{"a":null}}', "unknown_field", "nothing"),
        ('{"preferences":' + '{"a":' * 1500 + "1" + "}" * 1502, "not_json", None),
    ],
)
def test_a_merge_patch_that_does_not_fit_is_refused_by_name(
    http: Http, patch: str, reason: str, field: str | None
) -> None:
    address = made(http, '{"a":1}')
    refused = http.patch(address, patch, content_type=MERGE)
    assert refused.status_code == 422
    assert refused.json()["reason"] == reason
    assert field is None or refused.json()["field"] == field
    assert http.get(address)["ETag"] == '"1"'


def test_unknown_fields_that_are_kept_are_merged_too(station: Station, connect: Connect) -> None:
    key = prop("k", primaryKey=True, primaryKeyPosition=1, required=True)
    station.apply(document("open", [key], mode="upsert", apiWrites=True, unknownFields="keep"))
    http = connect(GrantRequest("open", may_write=True, columns=("k", "_extra")))
    path = "/api/v1/datasets/open/records"
    address = http.post(path, '{"k":"a","x":{"p":1,"q":2},"y":1.10}', content_type=JSON)["Location"]
    patched = http.patch(address, '{"_extra":{"x":{"p":null},"y":null,"z":3}}', content_type=MERGE)
    assert (patched.status_code, patched.json()["_extra"]) == (200, {"x": {"q": 2}, "z": 3})


def test_merges_at_the_same_moment_all_count(http: Http) -> None:
    address = made(http, "null")

    def patch(number: int) -> Any:
        sent = json.dumps({"preferences": {"all": {f"m{number}": number}}})
        return lambda: http.patch(address, sent, content_type=MERGE)

    assert {answer.status_code for answer in at_once([patch(number) for number in range(20)])} == {200}
    assert http.get(address).json()["preferences"] == {"all": {f"m{number}": number for number in range(20)}}


def test_a_merge_of_a_stale_revision_is_refused(http: Http) -> None:
    address = made(http, '{"a":1}')
    assert (
        http.patch(address, '{"preferences":{"b":2}}', content_type=MERGE, headers={"If-Match": '"1"'}).status_code
        == 200
    )
    stale = http.patch(address, '{"preferences":{"c":3}}', content_type=MERGE, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert http.get(address).json()["preferences"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("method", "kind", "status"),
    [
        ("patch", "application/json-patch+json", 415),
        ("patch", "Application/Merge-Patch+JSON;charset=utf-8", 200),
        ("patch", "application/merge-patch+json; charset=iso-8859-1", 415),
        ("patch", "application/vnd.api+json", 415),
        ("patch", "text/plain", 415),
        ("patch", "application/jsonx", 415),
        ("put", "APPLICATION/JSON ; charset=UTF-8", 200),
        ("put", MERGE, 415),
        ("put", "application/json; charset=utf-16", 415),
        ("put", "application/x-www-form-urlencoded", 415),
        ("post", MERGE, 415),
        ("post", "application/xml", 415),
    ],
)
def test_a_body_is_taken_for_the_type_that_it_names(http: Http, method: str, kind: str, status: int) -> None:
    address = made(http, "null")
    body = '{"given_name":"A","family_name":"C"}'
    answer = getattr(http, method)(PATH if method == "post" else address, body, content_type=kind)
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["type"] == "/api/problems#body-not-json"
        header, types = ("Accept-Patch", f"{MERGE}, {JSON}") if method == "patch" else ("Accept", JSON)
        assert answer[header] == types


def test_a_compressed_body_is_refused_with_what_is_taken(http: Http) -> None:
    refused = http.post(PATH, b"\x1f\x8b", content_type=JSON, headers={"Content-Encoding": "gzip"})
    assert (refused.status_code, refused["Accept-Encoding"]) == (415, "identity")
    assert refused.json()["type"] == "/api/problems#body-encoded"
