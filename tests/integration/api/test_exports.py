"""Exports in every format contain exactly the records of the pages, for all types."""

import json
import uuid
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.api.clients.services import GrantRequest
from apps.api.exports.formats import EXPORT_FORMATS, ExportFormat
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.integration.api.exported import READERS
from tests.integration.api.test_types import plain, read, records
from tests.station import Station
from tests.unit.api.shapes import every_type

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/types/records"
EDGES: Final[list[dict[str, Any]]] = [
    {"text": "", "varchar": "", "jsonb": {}, "text list": []},
    {"text": 'a"b,c\\d\t\\N', "text list": ["", None, 'a"b', "\\", "\n"], "jsonb": {"é": ['"', "\n", None, 1.5]}},
    {"text": "one\r\ntwo\x01\x02\x1f\x7f\u2028\U0001f600", "numeric": "10.50", "numeric list": ["1.10", None]},
    {"bytea": "/wA=", "boolean": False, "boolean list": [True, None], "bigint": 2**63 - 1, "real": 1.1},
    {"timestamptz": "2013-01-01T05:00:00.25+02:00", "timestamp": "2013-01-01T05:00:00", "time": "05:00:00.5"},
    {"varchar": "\\."},
]

each_format = pytest.mark.parametrize("export_format", EXPORT_FORMATS, ids=lambda one: one.suffix)


def by_key(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records by key, with comparable values."""
    return {record["key"]: {name: plain(name, record[name]) for name in record if name != "_id"} for record in found}


@pytest.fixture
def http(station: Station, connect: Connect) -> Http:
    station.apply(every_type())
    return connect(GrantRequest("types", may_write=True))


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.lists(records(), min_size=1, max_size=5))
def test_a_file_contains_the_same_records_as_the_pages(http: Http, drawn: list[dict[str, Any]]) -> None:
    for record in (*EDGES, *drawn):
        created = http.post(PATH, json.dumps({"key": str(uuid.uuid4()), **record}), content_type="application/json")
        assert created.status_code == 201, created.content
    pages = read(http.get(PATH, {"limit": "1000"}).content)["records"]
    values = {name for record in pages for name in record if not isinstance(record[name], str | None)}
    for export_format in EXPORT_FORMATS:
        response = http.get(f"{PATH}.{export_format.suffix}")
        assert response.status_code == 200
        file = READERS[export_format.suffix](response.getvalue(), values)
        assert by_key(file) == by_key(pages), export_format.suffix


@each_format
def test_an_export_without_records_is_a_valid_file(http: Http, export_format: ExportFormat) -> None:
    response = http.get(f"{PATH}.{export_format.suffix}?key=unknown")
    assert response.status_code == 200
    assert READERS[export_format.suffix](response.getvalue(), ()) == []


@each_format
def test_a_file_respects_fields_filters_and_order(http: Http, export_format: ExportFormat) -> None:
    for number in (2, 1, 3):
        body = json.dumps({"key": str(number), "integer": number, "numeric list": ["1.5"], "jsonb": {"a": number}})
        assert http.post(PATH, body, content_type="application/json").status_code == 201
    query = "fields=key,jsonb,numeric%20list&order=-integer&integer[gt]=1"
    response = http.get(f"{PATH}.{export_format.suffix}?{query}")
    assert READERS[export_format.suffix](response.getvalue(), {"jsonb", "numeric list"}) == [
        {"key": str(number), "jsonb": {"a": number}, "numeric list": [1.5]} for number in (3, 2)
    ]


@each_format
def test_the_content_type_is_the_formats_whatever_the_request_accepts(http: Http, export_format: ExportFormat) -> None:
    http.post(PATH, '{"key": "a"}', content_type="application/json")
    url = f"{PATH}.{export_format.suffix}"
    bodies = set()
    for accept in ("*/*", "application/json", export_format.media_type, "x", ""):
        for ask in (http.get, http.head):
            response = ask(url, headers={"Accept": accept})
            assert response.status_code == 200
            assert response["Content-Type"] == export_format.content_type
            assert response["Content-Disposition"] == f'attachment; filename="types.{export_format.suffix}"'
            assert response["Cache-Control"] == "private, no-store"
            if ask == http.get:
                bodies.add(response.getvalue())
    assert [READERS[export_format.suffix](body, ())[0]["key"] for body in bodies] == ["a"]
    refused = http.post(url, "{}", content_type="application/json")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
