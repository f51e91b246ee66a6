"""Every type round-trips over HTTP: value, filter, order, id, CSV."""

import base64
import csv
import datetime
import decimal
import io
import json
import struct
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.api.clients.services import GrantRequest
from apps.api.records.core.literals import literal
from apps.datasets.core.column_types.types import TYPES, ColumnType
from tests.documents import document, prop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.station import Station
from tests.unit.api.shapes import every_type

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/types/records"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
moments = st.datetimes(datetime.datetime(2, 1, 1), datetime.datetime(9998, 1, 1))  # noqa: DTZ001

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "numeric": st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(str),
    "real": st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    "double precision": st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    "boolean": st.booleans(),
    "text": texts,
    "varchar": texts,
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=99).map(lambda value: base64.b64encode(value).decode()),
    "date": st.dates(datetime.date(1, 1, 1)).map(str),
    "time": st.times().map(str),
    "timestamptz": moments.map(lambda value: value.replace(tzinfo=datetime.UTC).isoformat()),
    "timestamp": moments.map(lambda value: value.isoformat()),
    "jsonb": st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(st.integers())),
}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for spec in TYPES:
        values = VALUES[spec.name]
        record[spec.name] = draw(st.none() | values)
        if spec.arrayable:
            record[f"{spec.name} list"] = draw(st.none() | st.lists(st.none() | values, max_size=3))
    return record


def plain(name: str, value: Any) -> Any:
    """The value in a comparable form: a timestamp is equal in any notation."""
    if isinstance(value, list):
        return [plain(name, item) for item in value]
    if value is None:
        return None
    kind = name.removesuffix(" list")
    if kind in {"timestamptz", "timestamp"}:
        return datetime.datetime.fromisoformat(value)
    if kind == "time":
        return datetime.time.fromisoformat(value)
    if kind == "real":  # PostgreSQL outputs the shortest decimal with the same four bytes
        return struct.pack("<f", value)
    return decimal.Decimal(str(value)) if kind == "numeric" else value


def read(body: bytes) -> Any:
    return json.loads(body, parse_float=float)


@pytest.fixture
def http(station: Station, connect: Connect) -> Http:
    station.apply(every_type())
    return connect(GrantRequest("types", may_write=True))


@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(record=records(), key=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_written_record_is_read_and_found_by_filters(http: Http, record: dict[str, Any], key: str) -> None:
    key += str(uuid.uuid4())  # hypothesis may retry an example that failed halfway
    created = http.post(PATH, json.dumps({"key": key, **record}), content_type="application/json")
    assert created.status_code == 201, created.content
    url = f"{PATH}/{read(created.content)['_id']}"
    body = read(http.get(url).content)
    assert {name: plain(name, body[name]) for name in record} == {name: plain(name, record[name]) for name in record}
    for spec in TYPES:
        value = record[spec.name]
        if not spec.ordered or value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        for lookup in ("eq", "gte", "lte"):
            found = http.get(PATH, {"key": key, f"{spec.name}[{lookup}]": text})
            assert found.status_code == 200, found.content
            assert [item["key"] for item in read(found.content)["records"]] == [key], (spec.name, lookup, value)
        for lookup in ("gt", "lt", "ne"):
            assert read(http.get(PATH, {"key": key, f"{spec.name}[{lookup}]": text}).content)["records"] == []
    rows = list(csv.DictReader(io.StringIO(http.get(f"{PATH}.csv", {"key": key}).getvalue().decode(), newline="")))
    assert [row["key"] for row in rows] == [key]
    for spec in TYPES:
        cell = rows[0][spec.name]
        if spec.ordered and record[spec.name] is not None:
            parsed = read(spec.as_json(literal(ColumnType(spec), cell)))
            assert plain(spec.name, parsed) == plain(spec.name, record[spec.name]), spec.name
        else:
            assert plain(spec.name, json.loads(cell or "null")) == plain(spec.name, record[spec.name]), spec.name
    assert http.delete(url).status_code == 204


def test_the_smallest_and_largest_integers_round_trip(http: Http) -> None:
    for name, bits in (("smallint", 15), ("integer", 31), ("bigint", 63)):
        for value in (-(2**bits), 2**bits - 1):
            record = {"key": f"{name} {value}", name: value, f"{name} list": [value]}
            created = http.post(PATH, json.dumps(record), content_type="application/json")
            assert created.status_code == 201, created.content
            found = read(http.get(PATH, {f"{name}[eq]": str(value)}).content)["records"]
            assert [(item[name], item[f"{name} list"]) for item in found] == [(value, [value])]


@pytest.mark.parametrize("largest", ["3.4028235e38", "3.4028234663852886e38", "3.40282347e38"])
def test_the_largest_real_is_accepted_in_common_notations(http: Http, largest: str) -> None:
    body = f'{{"key":"a","real":{largest},"real list":[-{largest}]}}'
    created = http.post(PATH, body, content_type="application/json")
    assert created.status_code == 201, created.content
    again = http.put(created["Location"], created.content, content_type="application/json")
    assert (again.status_code, again.content) == (200, created.content)
    assert read(http.get(PATH, {"real[gte]": "3.4028235e38"}).content)["records"] == [read(created.content)]


def test_pagination_by_any_type_returns_each_record_once(http: Http) -> None:
    kinds = [spec.name for spec in TYPES if spec.ordered]
    for number in range(30):
        record = {name: None if number % 3 == 0 else _value(name, number % 4) for name in kinds}
        body = json.dumps({"key": f"{number:02}", **record})
        assert http.post(PATH, body, content_type="application/json").status_code == 201
    for name in kinds:
        for sign in ("", "-"):
            keys: list[str] = []
            url = f"{PATH}?order={sign}{name}&limit=4&fields=key".replace(" ", "%20")
            while url:
                response = http.get(url)
                assert response.status_code == 200, response.content
                keys += [record["key"] for record in response.json()["records"]]
                assert len(keys) <= 30, (name, sign, keys)
                url = response.json()["next"]
            assert sorted(keys) == [f"{number:02}" for number in range(30)], (name, sign)


def _value(name: str, number: int) -> Any:
    samples: dict[str, Any] = {
        "boolean": number % 2 == 0,
        "real": number / 10,
        "double precision": number / 10,
        "numeric": f"{number}.25",
        "uuid": f"00000000-0000-0000-0000-00000000000{number}",
        "bytea": base64.b64encode(bytes([255, number])).decode(),
        "date": f"2013-01-0{number + 1}",
        "time": f"05:0{number}:00.5",
        "timestamptz": f"2013-01-01T05:00:0{number}.25+02:00",
        "timestamp": f"2013-01-01T05:00:0{number}.25",
    }
    return samples.get(name, str(number) if name in {"text", "varchar"} else number)


@pytest.mark.parametrize("spec", [spec.name for spec in TYPES if spec.ordered and spec.exact])
def test_a_key_of_any_type_yields_an_id_that_finds_its_record(station: Station, connect: Connect, spec: str) -> None:
    logical = next(item.logical[0] for item in TYPES if item.name == spec)
    key = prop("key", logical, spec, primaryKey=True, primaryKeyPosition=1)
    station.apply(document("keyed", [key, prop("note")], mode="upsert", apiWrites=True))
    http = connect(GrantRequest("keyed", may_write=True))
    path = "/api/v1/datasets/keyed/records"
    created = http.post(path, json.dumps({"key": _value(spec, 1)}), content_type="application/json")
    assert created.status_code == 201, created.content
    url = f"{path}/{created.json()['_id']}"
    assert http.get(url).content == created.content
    assert http.get(path).json()["records"] == [created.json()]
    changed = http.put(url, '{"note": "x"}', content_type="application/json")
    assert (changed.status_code, changed.json()) == (200, {**created.json(), "note": "x"})
    assert http.patch(url, '{"note": null}', content_type="application/json").json() == created.json()
    assert http.delete(url).status_code == 204
    assert http.put(url, '{"note": "y"}', content_type="application/json").status_code == 201


def test_unknown_fields_are_visible_only_with_a_grant(station: Station, connect: Connect) -> None:
    key = prop("key", primaryKey=True, primaryKeyPosition=1)
    station.apply(document("loose", [key, prop("note")], mode="upsert", apiWrites=True, unknownFields="keep"))
    path = "/api/v1/datasets/loose/records"
    usual = connect(GrantRequest("loose", may_write=True))
    unrestricted = connect(GrantRequest("loose", may_write=True, columns=("key", "note", "_extra")))
    created = usual.post(path, '{"key": "a", "colour": "red", "n": 1.50}', content_type="application/json")
    assert created.json() == {"_id": created.json()["_id"], "key": "a", "note": None}
    url = f"{path}/{created.json()['_id']}"
    assert unrestricted.get(url).json()["_extra"] == {"colour": "red", "n": 1.5}
    usual.put(url, '{"note": "x"}', content_type="application/json")
    assert unrestricted.get(url).json()["_extra"] == {"colour": "red", "n": 1.5}
    back = unrestricted.put(
        url, json.dumps({**unrestricted.get(url).json(), "note": "y"}), content_type="application/json"
    )
    assert (back.json()["note"], back.json()["_extra"]) == ("y", {"colour": "red", "n": 1.5})
    assert unrestricted.put(url, '{"note": "z"}', content_type="application/json").json()["_extra"] is None
    none = unrestricted.get(url).json()
    assert unrestricted.put(url, json.dumps(none), content_type="application/json").json() == none
    clash = unrestricted.patch(url, '{"_extra": {"note": "w"}}', content_type="application/json")
    assert (clash.status_code, clash.json()["field"]) == (422, "_extra")
    assert usual.patch(url, '{"_extra": {}}', content_type="application/json").status_code == 422
