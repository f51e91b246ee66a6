"""The media type of a body decides: a merge patch merges, and unsupported types are rejected."""

import json
import uuid
from typing import Any

import pytest

from apps.api.clients.services import GrantRequest
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.documents import document, prop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.integration.api.test_races import concurrently
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
MERGE = "application/merge-patch+json"


@pytest.fixture
def http(persons: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("persons", may_write=True))


def created(http: Http, preferences: str) -> str:
    body = f'{{"person_id":"{uuid.uuid4()}","given_name":"A","family_name":"B","preferences":{preferences}}}'
    response = http.post(PATH, body, content_type=JSON)
    assert response.status_code == 201, response.content
    return str(response["Location"])


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
def test_a_merge_patch_follows_rfc_7396(http: Http, stored: str, patch: str, after: str) -> None:
    url = created(http, stored)
    response = http.patch(url, f'{{"preferences":{patch}}}', content_type=f"{MERGE}; charset=UTF-8")
    assert response.status_code == 200, response.content
    text = http.get(f"{url}?fields=preferences").content.decode()
    members = text.partition('"preferences":')[2].removesuffix("}")
    assert json.loads(members, parse_float=str, parse_int=str) == json.loads(after, parse_float=str, parse_int=str)


def test_plain_json_replaces_the_field(http: Http) -> None:
    url = created(http, '{"seat":"aisle","meal":"vegan"}')
    response = http.patch(url, '{"preferences":{"meal":null}}', content_type=JSON)
    assert response.json()["preferences"] == {"meal": None}


def test_other_fields_are_replaced_or_set_to_null(http: Http) -> None:
    url = created(http, "null")
    sent = {"languages": ["en", "fr"], "email": "a@b.c"}
    assert http.patch(url, json.dumps(sent), content_type=MERGE).json()["languages"] == ["en", "fr"]
    after = http.patch(url, '{"languages":["de"],"email":null}', content_type=MERGE).json()
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
def test_an_invalid_merge_patch_is_rejected_with_its_field(
    http: Http, patch: str, reason: str, field: str | None
) -> None:
    url = created(http, '{"a":1}')
    refused = http.patch(url, patch, content_type=MERGE)
    assert refused.status_code == 422
    assert refused.json()["reason"] == reason
    assert field is None or refused.json()["field"] == field
    assert http.get(url)["ETag"] == '"1"'


def test_unknown_fields_are_merged_too(station: Station, connect: Connect) -> None:
    key = prop("k", primaryKey=True, primaryKeyPosition=1, required=True)
    station.apply(document("open", [key], mode="upsert", apiWrites=True, unknownFields="keep"))
    http = connect(GrantRequest("open", may_write=True, columns=("k", "_extra")))
    path = "/api/v1/datasets/open/records"
    url = http.post(path, '{"k":"a","x":{"p":1,"q":2},"y":1.10}', content_type=JSON)["Location"]
    patched = http.patch(url, '{"_extra":{"x":{"p":null},"y":null,"z":3}}', content_type=MERGE)
    assert (patched.status_code, patched.json()["_extra"]) == (200, {"x": {"q": 2}, "z": 3})


def test_concurrent_merges_are_all_applied(http: Http) -> None:
    url = created(http, "null")

    def patch(number: int) -> Any:
        sent = json.dumps({"preferences": {"all": {f"m{number}": number}}})
        return lambda: http.patch(url, sent, content_type=MERGE)

    assert {response.status_code for response in concurrently([patch(number) for number in range(20)])} == {200}
    assert http.get(url).json()["preferences"] == {"all": {f"m{number}": number for number in range(20)}}


def test_a_merge_with_a_stale_etag_is_rejected(http: Http) -> None:
    url = created(http, '{"a":1}')
    assert (
        http.patch(url, '{"preferences":{"b":2}}', content_type=MERGE, headers={"If-Match": '"1"'}).status_code == 200
    )
    stale = http.patch(url, '{"preferences":{"c":3}}', content_type=MERGE, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert http.get(url).json()["preferences"] == {"a": 1, "b": 2}


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
def test_a_body_is_accepted_only_with_a_supported_media_type(http: Http, method: str, kind: str, status: int) -> None:
    url = created(http, "null")
    body = '{"given_name":"A","family_name":"C"}'
    response = getattr(http, method)(PATH if method == "post" else url, body, content_type=kind)
    assert response.status_code == status
    if status == 415:
        assert response.json()["type"] == "/api/problems#unsupported-media-type"
        header, types = ("Accept-Patch", f"{MERGE}, {JSON}") if method == "patch" else ("Accept", JSON)
        assert response[header] == types


def test_a_compressed_body_is_rejected_with_accept_encoding(http: Http) -> None:
    refused = http.post(PATH, b"\x1f\x8b", content_type=JSON, headers={"Content-Encoding": "gzip"})
    assert (refused.status_code, refused["Accept-Encoding"]) == (415, "identity")
    assert refused.json()["type"] == "/api/problems#unsupported-content-encoding"


@pytest.fixture
def open_record(station: Station, connect: Connect) -> tuple[Http, str]:
    """A client that sees unknown fields, and the URL of a record with three of them."""
    key = prop("k", primaryKey=True, primaryKeyPosition=1, required=True)
    station.apply(document("open", [key, prop("a")], mode="upsert", apiWrites=True, unknownFields="keep"))
    http = connect(GrantRequest("open", may_write=True, columns=("k", "a", "_extra")))
    sent = '{"k":"a","a":"b","x":{"p":1,"q":2},"y":1.10,"z":[1]}'
    return http, http.post("/api/v1/datasets/open/records", sent, content_type=JSON)["Location"]


@pytest.mark.parametrize(
    ("kind", "patch", "extra"),
    [
        (MERGE, '{"_extra":null}', None),
        (MERGE, '{"_extra": null ,"new":1}', {"new": 1}),
        (MERGE, '{"_extra":{}}', {"x": {"p": 1, "q": 2}, "y": 1.1, "z": [1]}),
        (MERGE, '{"_extra":{"z":null}}', {"x": {"p": 1, "q": 2}, "y": 1.1}),
        (MERGE, '{"_extra":{"x":null,"y":null,"z":null}}', None),
        (MERGE, '{"_extra":{"x":{"p":null,"r":3}}}', {"x": {"q": 2, "r": 3}, "y": 1.1, "z": [1]}),
        (JSON, '{"_extra":{"z":1}}', {"z": 1}),
        (JSON, '{"_extra":{"z":null}}', {"z": None}),
        (JSON, '{"_extra":{"x":{"r":3}}}', {"x": {"r": 3}}),
        (JSON, '{"_extra":null}', None),
        (JSON, '{"_extra":{}}', None),
        (JSON, '{"a":"c"}', {"x": {"p": 1, "q": 2}, "y": 1.1, "z": [1]}),
        (JSON, '{"z":1}', {"x": {"p": 1, "q": 2}, "y": 1.1, "z": 1}),
    ],
)
def test_unknown_fields_change_like_any_object(
    open_record: tuple[Http, str], kind: str, patch: str, extra: Any
) -> None:
    http, url = open_record
    patched = http.patch(url, patch, content_type=kind)
    assert (patched.status_code, patched.json()["_extra"]) == (200, extra)
    assert http.get(url).json() == patched.json()
    again = http.put(url, http.get(url).content, content_type=JSON)
    assert (again.status_code, again.json()) == (200, patched.json())


@pytest.mark.parametrize("kind", [JSON, MERGE])
@pytest.mark.parametrize(
    ("extra", "reason"),
    [("1", "wrong_type"), ("[]", "wrong_type"), ('"x"', "wrong_type"), ('{"a":1}', "unknown_field")],
)
def test_invalid_unknown_fields_are_rejected(
    open_record: tuple[Http, str], kind: str, extra: str, reason: str
) -> None:
    http, url = open_record
    refused = http.patch(url, f'{{"_extra":{extra}}}', content_type=kind)
    assert (refused.status_code, refused.json()["reason"], refused.json()["field"]) == (422, reason, "_extra")
    assert http.get(url)["ETag"] == '"1"'


def test_a_restricted_key_can_put_back_what_it_read(
    open_record: tuple[Http, str], station: Station, connect: Connect
) -> None:
    _, url = open_record
    narrow = connect(GrantRequest("open", may_write=True, columns=("k", "_extra")))
    read = narrow.get(f"/api/v1/datasets/open/records/{url.rpartition('/')[2]}")
    put = narrow.put(url, read.content, content_type=JSON)
    assert (put.status_code, put.json()) == (200, read.json())
    for kind, patch, extra in (
        (MERGE, '{"_extra":{"z":null,"y":2}}', {"x": {"p": 1, "q": 2}, "y": 2}),
        (JSON, '{"_extra":{"y":3}}', {"y": 3}),
        (MERGE, '{"_extra":null}', None),
    ):
        patched = narrow.patch(url, patch, content_type=kind)
        assert (patched.status_code, patched.json()["_extra"]) == (200, extra)
    with station.connect("reader") as connection:
        assert connection.execute("SELECT a FROM data.open").fetchone() == ("b",)


def test_a_hidden_field_behaves_like_an_unknown_one(
    open_record: tuple[Http, str], station: Station, connect: Connect
) -> None:
    _, url = open_record
    with station.admin() as connection:
        # Stored before the contract defined the field.
        connection.execute("""UPDATE data.open SET _extra = '{"a": "old", "y": 1}'""")
    narrow = connect(GrantRequest("open", may_write=True, columns=("k", "_extra")))
    for kind in (JSON, MERGE):
        for name in ("a", "nothing"):
            refused = narrow.patch(url, json.dumps({"_extra": {name: "c"}}), content_type=kind)
            assert (refused.status_code, refused.json()["field"]) == (422, name)
            assert refused.json()["detail"] == f"{name!r} is not in the contract"
    new = narrow.post("/api/v1/datasets/open/records", '{"k":"n","_extra":{"a":"c"}}', content_type=JSON)
    assert (new.status_code, new.json()["field"]) == (422, "a")
    assert narrow.put(url, '{"_extra":{"a":"c"}}', content_type=JSON).status_code == 422
    with station.connect("reader") as connection:
        assert connection.execute("SELECT a FROM data.open").fetchall() == [("b",)]
