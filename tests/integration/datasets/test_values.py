"""Every type goes from JSON through binary COPY into its column and back unchanged."""

import base64
import decimal
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.types.json import set_json_dumps

from apps.datasets.core.column_types.number_length import digits, written_length
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.table.ddl import column_list, table_sql
from tests.documents import document, prop
from tests.station import Station

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)

FIELDS: dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]] = {
    "small": (prop("small", "integer", "smallint"), st.integers(-(2**15), 2**15 - 1)),
    "int": (prop("int", "integer", "integer"), st.integers(-(2**31), 2**31 - 1)),
    "big": (prop("big", "integer", "bigint"), st.integers(-(2**63), 2**63 - 1)),
    "money": (
        prop("money", "number", "numeric(12,2)"),
        st.decimals(-(10**10) + 1, 10**10 - 1, places=2, allow_nan=False).map(str),
    ),
    "any": (prop("any", "number", "numeric"), st.decimals(allow_nan=False, allow_infinity=False).map(str)),
    "float": (prop("float", "number", "double precision"), st.floats(allow_nan=False, allow_infinity=False)),
    "real": (prop("real", "number", "real"), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "flag": (prop("flag", "boolean"), st.booleans()),
    "text": (prop("text"), TEXT),
    "code": (prop("code", "string", "varchar(20)"), TEXT),
    "uid": (prop("uid", "string", "uuid"), st.uuids().map(str)),
    "raw": (prop("raw", "string", "bytea"), st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode())),
    "day": (prop("day", "date"), st.dates().map(str)),
    "clock": (prop("clock", "time"), st.times().map(str)),
    "at": (prop("at", "timestamp"), st.datetimes().map(lambda at: f"{at.isoformat()}Z")),
    "local": (prop("local", "timestamp", "timestamp"), st.datetimes().map(lambda at: at.isoformat())),
    "doc": (prop("doc", "object"), st.dictionaries(TEXT, JSON, max_size=3)),
    "list": (prop("list", "array"), st.lists(JSON, max_size=3)),
    "texts": (prop("texts", "array", "text[]"), st.lists(st.none() | TEXT, max_size=3)),
    "ints": (prop("ints", "array", "integer[]"), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3)),
}


def store(connection: Connection[Any], dataset: AppliedDataset, value: bytes, offset: int) -> None:
    reader = json_reader(dataset.contract)
    columns = (*reader.columns, "_source", "_offset", "_batch")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table_sql(dataset.contract)} ({column_list(columns)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types((*reader.wires, "int4", "int8", "int8"))
        copy.write_row((*reader.decode(value), 1, offset, 1))


@pytest.mark.parametrize("kind", FIELDS)
def test_a_value_comes_back_unchanged(station: Station, kind: str) -> None:
    definition, values = FIELDS[kind]
    dataset = station.apply(document("things", [definition]))
    column = f'"{kind}"'
    with station.connect("ingest") as writing, station.connect("ingest") as plain:
        set_json_dumps(msgspec.json.encode, writing)
        offsets = iter(range(10**9))

        @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(value=values)
        def check(value: Any) -> None:
            if kind == "at" and value.startswith(("0001-01-01", "9999-12-31")):
                return
            offset = next(offsets)
            store(writing, dataset, json.dumps({kind: value}).encode(), offset)
            writing.commit()
            record = f"jsonb_populate_record(NULL::data.things, jsonb_build_object('{kind}', %s::jsonb))"
            same = {
                "money": f"{column} = %s::numeric",
                "any": f"{column} = %s::numeric",
                "raw": f"{column} = decode(%s, 'base64')",
            }.get(kind, f"{column} = ({record}).{column}")
            given_value = value if kind in {"money", "any", "raw"} else json.dumps(value)
            row = plain.execute(
                f"SELECT {same}, {column}::text FROM data.things WHERE _offset = %s".encode(),
                (given_value, offset),
            ).fetchone()
            plain.rollback()
            assert row is not None
            assert row[0] is True, (value, row[1])

        check()


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-7",
        "1.50",
        "1e3",
        "1.500e1",
        "12e-1",
        "1e-5",
        "0.00012e-1",
        "0e500",
        "0e-500",
        "0.0e3",
        "1e4299",
        "9.9e-99",
    ],
)
def test_the_computed_length_of_a_number_is_exact(station: Station, text: str) -> None:
    """In `numeric`, by binary COPY, and in `jsonb`."""
    dataset = station.apply(document("things", [prop("any", "number", "numeric"), prop("doc", "object")]))
    with station.connect("ingest") as connection:
        set_json_dumps(msgspec.json.encode, connection)
        store(connection, dataset, f'{{"any":{text},"doc":{{"a":{text}}}}}'.encode(), 1)
        lengths = connection.execute(
            "SELECT length(translate(\"any\"::text, '-.', '')), length(translate(doc->>'a', '-.', ''))"
            " FROM data.things"
        ).fetchone()
    assert lengths == (digits(decimal.Decimal(text)), written_length(msgspec.Raw(text.encode())).total)
