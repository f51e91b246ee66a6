"""Numbers are limited by their printed length, anywhere in a record."""

import decimal
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.column_types.number_length import (
    MAX_DIGITS,
    MAX_GROWTH,
    SPARE_BYTES,
    digits,
    may_exceed,
    written_length,
)
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader
from tests.bulk_rows import bulk_outcomes, comparable, suspects
from tests.documents import document, prop

FIELDS = [
    prop("k", "number", "numeric", primaryKey=True),
    prop("num", "number", "numeric"),
    prop("money", "number", "numeric(12,2)"),
    prop("wide", "number", "numeric(1000,500)"),
    prop("nums", "array", "numeric[]"),
    prop("obj", "object"),
    prop("list", "array"),
    prop("far", "number", "double precision"),
    prop("fars", "array", "double precision[]"),
    prop("note"),
]
READER = JsonReader(contract_from_odcs(document("things", FIELDS, mode="upsert", unknownFields="keep")))
APPEND = JsonReader(
    contract_from_odcs(document("things", [{**FIELDS[0], "primaryKey": False, "required": True}, *FIELDS[1:]]))
)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0", 1),
        ("-7", 1),
        ("1.50", 3),
        ("0.001", 4),
        ("1e3", 4),
        ("1E+3", 4),
        ("1.5e3", 4),
        ("1.500e1", 4),
        ("12e-1", 2),
        ("1e-5", 6),
        ("0.00012e-1", 7),
        ("0.00012e5", 2),
        ("0e500", 1),
        ("0e-500", 501),
        ("0.0e3", 1),
        ("1e4299", 4300),
        ("9" * 50 + "." + "9" * 50, 100),
    ],
)
def test_the_length_of_a_number_is_what_postgresql_prints(text: str, length: int) -> None:
    assert digits(decimal.Decimal(text)) == length
    assert written_length(decimal.Decimal(text)) == (length, length)
    assert written_length(msgspec.Raw(f"[{text}]".encode())) == (length, length)


NUMBERS = st.tuples(
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "12", "9" * 40, "9" * 120]),
    st.sampled_from(["", ".0", ".001", "." + "0" * 110 + "1"]),
    st.sampled_from(["", "e5", "E+7", "e-9", "e99", "e-99", "e00000001", "e100", "e-999", "e4200", "e99999999999"]),
).map("".join)
STRINGS = st.sampled_from(["", "1e999999", "9" * 200, 'a"1e5000', "\\", '\\"1e5000', "é1e5000", "\x00"]).map(
    json.dumps
)
JSON = st.recursive(
    st.one_of(NUMBERS, STRINGS, st.just("null"), st.just("true")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(STRINGS, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{name} : {value}" for name, value in pairs) + "}"
        ),
    ),
    max_leaves=8,
)


def read_number(text: str) -> decimal.Decimal:
    """The number; one that is too long if PostgreSQL rejects its exponent, even of zero."""
    return decimal.Decimal("1e5000" if "e99999999999" in text else text)


def every_number(value: Any) -> list[decimal.Decimal]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in every_number(item)]
    if isinstance(value, list):
        return [number for item in value for number in every_number(item)]
    return [value] if isinstance(value, decimal.Decimal) else []


def pairs_as_list(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [value for _, value in pairs]


@given(JSON)
def test_numbers_in_json_are_measured_like_decimals_and_strings_are_skipped(text: str) -> None:
    raw = msgspec.Raw(text.encode())
    parsed = json.loads(text, parse_float=read_number, parse_int=decimal.Decimal, object_pairs_hook=pairs_as_list)
    sizes = [digits(number) for number in every_number(parsed)]
    found = written_length(raw)
    if max(sizes, default=0) > MAX_DIGITS:
        assert found.longest > MAX_DIGITS
        assert may_exceed(bytes(raw), len(text))
    else:
        assert found == (max(sizes, default=0), sum(sizes))


@given(st.lists(st.one_of(NUMBERS, STRINGS), max_size=5), st.integers(1, 900))
def test_records_that_skip_the_full_check_are_within_bounds(items: list[str], repeat: int) -> None:
    text = f"[{','.join(items * repeat)}]".encode()
    if not may_exceed(text, len(text)):
        found = written_length(msgspec.Raw(text))
        assert found.longest <= MAX_DIGITS
        assert found.total <= SPARE_BYTES + MAX_GROWTH * len(text)


MANY = ",".join(["1e300"] * 1_000)
BOMBS = [
    ('"num":1e131000', "num"),
    ('"num":1e-16383', "num"),
    ('"num":-1E+4300', "num"),
    ('"num":0e-4300', "num"),
    ('"num":1' + "0" * 5_000, "num"),
    ('"num":"1e131000"', "num"),
    ('"num":"1\\u0065131000"', "num"),
    ('"num":0.' + "1" * 4_300, "num"),
    ('"nums":[1,null,1e4300]', "nums"),
    (f'"nums":[{MANY}]', "nums"),
    ('"nums":[' + ",".join(['"1\\u0065300"'] * 1_000) + "]", "nums"),
    ('"obj":{"a":1e131000}', "obj"),
    ('"obj":{"a":{"b":[[1e-16383]]}}', "obj"),
    ('"obj":{"a":1' + "0" * 5_000 + "}", "obj"),
    ('"obj":{"a":1e99999999999999999999}', "obj"),
    ('"obj":{"a":1e' + "0" * 5_000 + "5000}", "obj"),
    ('"obj":{"\\"a\\\\":1e5000}', "obj"),
    (f'"obj":{{"a":[{MANY}]}}', "obj"),
    ('"obj":{"a":[' + ",".join(["1e99"] * 4_000) + "]}", "obj"),
    ('"list":[[1e9999]]', "list"),
    ('"obj":{"a":[' + ",".join(["1e999"] * 39) + ']},"list":[' + ",".join(["1e999"] * 40) + "]", "list"),
]


@pytest.mark.parametrize(("members", "field"), BOMBS)
def test_a_number_that_prints_far_longer_is_out_of_range(members: str, field: str) -> None:
    value = f'{{"k":1,{members}}}'.encode()
    for reader in (READER, APPEND):
        with pytest.raises(BadRecord, match="print") as error:
            reader.decode(value)
        assert (error.value.reason, error.value.field) == ("out_of_range", field)
    assert suspects(APPEND, [b'{"k":1}', value]) == [1]


@pytest.mark.parametrize("extra", ["1e131000", "[1e-16383]", "1" + "0" * 5_000, f"[{MANY}]"])
def test_kept_unknown_fields_are_limited_too(extra: str) -> None:
    with pytest.raises(BadRecord) as error:
        READER.decode(f'{{"k":1,"more":{extra}}}'.encode())
    assert (error.value.reason, error.value.field) == ("out_of_range", "_extra")


@pytest.mark.parametrize("key", ["1e131000", '{"k":1e4300}', "[1e-16383]", '"1e5000"', "1" + "0" * 5_000])
def test_a_key_is_limited_too(key: str) -> None:
    with pytest.raises(BadRecord) as error:
        READER.decode_key(key.encode())
    assert (error.value.reason, error.value.field) == ("bad_key", "k")


@pytest.mark.parametrize(
    "members",
    [
        '"num":1e4299,"nums":[1e300,1.5e-20]',
        '"num":' + "9" * 4_300,
        '"wide":1e499,"money":1e9',
        '"far":1e-300,"fars":[' + ",".join(["1e300"] * 1_000) + "]",
        '"obj":{"a":1e4299}',
        '"obj":{"a":"1e131000","b":"' + "9" * 9_000 + '"}',
        '"obj":{"a":"\\"","b":"1e131000"}',
        '"list":["1e131000","\\\\","1e131000\\""]',
        '"list":[' + ",".join(["1e300"] * 200) + "]",
        '"list":[' + ",".join(["1.2345678e-30"] * 20_000) + "]",
        '"note":"1e131000 ' + "9" * 9_000 + '"',
    ],
)
def test_numbers_that_clients_can_parse_are_valid_and_strings_do_not_count(members: str) -> None:
    value = f'{{"k":1,{members}}}'.encode()
    expected = APPEND.decode(value)
    assert READER.decode(value)[-1] is None
    assert bulk_outcomes(APPEND, [value]) == [comparable(APPEND, expected)]


@pytest.mark.parametrize(
    "members",
    [
        '"obj":{"a":1e400,"b":"\\\\u0000"}',
        '"list":[1e400,' + "9" * 4_000 + ',"\\\\u0000"]',
        '"more":{"a":1e400,"b":"\\\\u0000"}',
    ],
)
def test_a_number_beyond_a_double_next_to_an_escaped_nul_is_valid(members: str) -> None:
    assert READER.decode(f'{{"k":1,{members}}}'.encode())


def test_json_columns_decode_in_bulk_and_their_null_becomes_none() -> None:
    values = [b'{"k":1,"obj":{"a":1.5e-05}}', b'{"k":2,"obj":null,"list":[1]}', b'{"k":3}']
    rows, left = APPEND.decode_all(values, [(index,) for index in range(3)])
    assert left == []
    shown = [comparable(APPEND, row) for row in rows]
    assert [row[5] for row in shown] == [b'{"a":1.5e-05}', None, None]
    assert [row[6] for row in shown] == [None, b"[1]", None]
    assert [row[-1] for row in shown] == [0, 1, 2]
    assert suspects(APPEND, [b'{"k":1,"obj":[]}']) == [0]
