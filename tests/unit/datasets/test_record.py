"""Records against a contract: valid ones become values, invalid ones report field and reason."""

import datetime
import decimal
import gzip
import json
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader, json_reader
from apps.datasets.core.record.row_checks import MAX_BYTES
from tests.bulk_rows import bulk_outcomes, outcome, suspects
from tests.documents import document, prop

FIELDS = [
    prop("n", "integer", "smallint", required=True, logicalTypeOptions={"minimum": -5}),
    prop("price", "number", "numeric(6,2)", logicalTypeOptions={"exclusiveMaximum": 1000}),
    prop("any", "number", "numeric"),
    prop("ratio", "number", "real", logicalTypeOptions={"exclusiveMinimum": 0}),
    prop("at", "timestamp"),
    prop("local", "timestamp", "timestamp"),
    prop("kind", "string", enum=[{"value": "a"}, {"value": "b"}]),
    prop("code", "string", "varchar(3)", logicalTypeOptions={"pattern": "^[A-Z]+$"}),
    prop("tags", "array", "text[]", logicalTypeOptions={"maxItems": 2}),
    prop("doc", "object"),
    prop("big", "integer"),
    prop("flag", "boolean"),
    prop("raw", "string", "bytea"),
    prop("uid", "string", "uuid"),
    prop("note"),
]


@cache
def contract(**custom: Any) -> Contract:
    return contract_from_odcs(document("things", FIELDS, **custom))


@cache
def plain() -> Contract:
    return contract_from_odcs(document("things", PLAIN))


def why(value: bytes, reader: JsonReader | None = None) -> tuple[str, str]:
    reader = reader or json_reader(contract())
    with pytest.raises(BadRecord) as error:
        reader.decode(value)
    assert suspects(reader, [value]) == [0]
    return error.value.reason, error.value.field


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        ("", "not_json", ""),
        ("{", "not_json", ""),
        ("[]", "not_an_object", ""),
        ("null", "not_an_object", ""),
        ("{}", "missing_field", "n"),
        ('{"n":null}', "missing_field", "n"),
        ('{"n":"1"}', "wrong_type", "n"),
        ('{"n":true}', "wrong_type", "n"),
        ('{"n":1.5}', "wrong_type", "n"),
        ('{"n":-6}', "out_of_range", "n"),
        ('{"n":32768}', "out_of_range", "n"),
        ('{"n":1,"zzz":1}', "unknown_field", "zzz"),
        ('{"n":1,"price":1.234}', "out_of_range", "price"),
        ('{"n":1,"price":12345.6}', "out_of_range", "price"),
        ('{"n":1,"price":1000}', "out_of_range", "price"),
        ('{"n":1,"price":"NaN"}', "out_of_range", "price"),
        ('{"n":1,"price":"Infinity"}', "out_of_range", "price"),
        ('{"n":1,"any":1e999999}', "out_of_range", "any"),
        ('{"n":1,"ratio":0}', "out_of_range", "ratio"),
        ('{"n":1,"ratio":1e39}', "out_of_range", "ratio"),
        ('{"n":1,"ratio":3.4028236e38}', "out_of_range", "ratio"),
        ('{"n":1,"ratio":1e400}', "out_of_range", "ratio"),
        ('{"n":1,"ratio":"1e400"}', "wrong_type", "ratio"),
        ('{"n":1,"at":"2013-01-01T00:00:00"}', "out_of_range", "at"),
        ('{"n":1,"at":"yesterday"}', "wrong_type", "at"),
        ('{"n":1,"at":"0001-01-01T00:00:00+14:00"}', "out_of_range", "at"),
        ('{"n":1,"local":"2013-01-01T00:00:00Z"}', "out_of_range", "local"),
        ('{"n":1,"kind":"c"}', "not_allowed", "kind"),
        ('{"n":1,"code":"ABCD"}', "out_of_range", "code"),
        ('{"n":1,"code":"a"}', "out_of_range", "code"),
        ('{"n":1,"note":"A\\u0000"}', "nul", "note"),
        ('{"n":1,"tags":["a","b","c"]}', "out_of_range", "tags"),
        ('{"n":1,"tags":["\\u0000"]}', "nul", "tags"),
        ('{"n":1,"doc":[]}', "wrong_type", "doc"),
        ('{"n":1,"doc":{"a":{"\\u0000":1}}}', "nul", "doc"),
        ('{"n":1,"big":9223372036854775808}', "out_of_range", "big"),
        ('{"n":1,"big":99999999999999999999999999}', "out_of_range", "big"),
        ('{"n":1,"code":"\\ud800"}', "not_json", ""),
        ('{"n":1,"uid":"no"}', "wrong_type", "uid"),
        ('{"n":1,"raw":"%%"}', "wrong_type", "raw"),
        ("[" * 100_000, "not_json", ""),
        ("[1e400]", "not_an_object", ""),
        ("9" * 5_000, "not_an_object", ""),
        ('["\\ud800"]', "not_json", ""),
        ('{"n":"x","n":1}', "duplicate_field", "n"),
        ('{"n":-6,"n":1}', "duplicate_field", "n"),
        ('{"n":1,"n":1}', "duplicate_field", "n"),
        ('{"n":1,"note":"keep","note" :null}', "duplicate_field", "note"),
    ],
)
def test_a_bad_record_raises_with_field_and_reason(text: str, reason: str, field: str) -> None:
    found = why(text.encode())
    if found == ("not_json", "code"):  # both hold for a lone surrogate
        found = ("not_json", "")
    assert found == (reason, field)


def test_invalid_utf8_and_too_large_records_are_bad() -> None:
    assert why(b'{"n":1,"kind":"\xff"}')[0] == "not_json"
    assert why(b'{"n":1,"code":null,"doc":{"a":"' + b"x" * MAX_BYTES + b'"}}')[0] == "too_large"


@pytest.mark.parametrize(
    ("value", "opening"),
    [
        (b"\xef\xbb\xbf" + b'{"n":1}', "a byte order mark"),
        ('{"n":1}'.encode("utf-16"), "UTF-16"),
        (gzip.compress(b'{"n":1}', mtime=0), "gzip"),
        (b"\0\0\0\0\x07" + b'{"n":1}', "a schema registry header, schema id 7, and JSON follows"),
        (b"\0", "a byte that JSON cannot start with"),
        (msgspec.msgpack.encode({"n": 1}), "a byte that JSON cannot start with"),
    ],
)
def test_bytes_that_are_not_text_are_undecodable_and_named(value: bytes, opening: str) -> None:
    for unknown in ("reject", "keep", "ignore"):
        with pytest.raises(BadRecord, match=f"the record is not JSON: it starts with .*{opening}") as error:
            json_reader(contract(unknownFields=unknown)).decode(value)
        assert (error.value.reason, error.value.field) == ("undecodable", "")


def test_a_duplicate_field_is_not_an_unknown_one() -> None:
    reader = json_reader(contract(unknownFields="ignore"))
    assert why(b'{"other":1,"n":"x","n":1}', reader) == ("duplicate_field", "n")


def test_a_message_never_repeats_the_value() -> None:
    secret = "4111111111111111"
    for text in (f'{{"n":"{secret}"}}', f'{{"n":1,"kind":"{secret}"}}', f'{{"n":1,"price":{secret}}}'):
        with pytest.raises(BadRecord) as error:
            json_reader(contract()).decode(text.encode())
        assert secret not in str(error.value)


def test_values_have_the_contracts_order_and_types() -> None:
    reader = json_reader(contract())
    row = reader.decode(b'{"doc":{"a":1},"price":12.5,"n":3,"at":"2013-01-01T05:00:00-05:00","tags":["x",null]}')
    found = dict(zip(reader.columns, row, strict=True))
    assert found["n"] == 3
    assert found["price"] == decimal.Decimal("12.5")
    assert found["at"] == datetime.datetime(2013, 1, 1, 10, tzinfo=datetime.UTC)
    assert found["tags"] == ["x", None]
    assert bytes(found["doc"]) == b'{"a":1}'
    assert found["flag"] is None
    assert len(reader.wires) == len(reader.columns)


def test_unknown_fields_are_kept_or_ignored_by_contract() -> None:
    value = b'{"n":1,"b":[2],"a":{"c":3}}'
    kept = json_reader(contract(unknownFields="keep"))
    assert kept.columns[-1] == "_extra"
    assert json.loads(bytes(kept.decode(value)[-1])) == {"b": [2], "a": {"c": 3}}
    assert kept.decode(b'{"n":1}')[-1] is None
    ignored = json_reader(contract(unknownFields="ignore"))
    assert ignored.decode(value) == ignored.decode(b'{"n":1}')
    assert why(b'{"n":1,"b":"\\u0000"}', kept)[0] == "nul"


def test_json_null_in_a_json_field_is_null() -> None:
    reader = json_reader(contract())
    assert reader.decode(b'{"n":1,"doc":null}') == reader.decode(b'{"n":1}')


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    reader = json_reader(contract())
    row = reader.decode(b'{"n":1,"doc":{"a":"\\\\u0000"}}')
    assert json.loads(bytes(dict(zip(reader.columns, row, strict=True))["doc"])) == {"a": "\\u0000"}


PLAIN = [item for item in FIELDS if item["name"] != "doc"]
GOOD = st.fixed_dictionaries(
    {"n": st.integers(-5, 9)},
    optional={
        "price": st.sampled_from([0, 12.5, "99.99", None]),
        "any": st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
        "at": st.datetimes(datetime.datetime(2, 1, 1), timezones=st.just(datetime.UTC)).map(str),  # noqa: DTZ001
        "code": st.sampled_from(["A", "ABC"]),
        "tags": st.lists(st.sampled_from(["x", None]), max_size=2),
    },
)
BAD: list[dict[str, Any]] = [
    {"n": -6},
    {"price": 1.234},
    {"price": 1000},
    {"any": "NaN"},
    {"any": 1e999},
    {"at": "2013-01-01 00:00:00"},
    {"at": "0001-01-01T00:00:00+14:00"},
    {"code": "a"},
    {"tags": ["x"] * 3},
    {"tags": ["\0"]},
    {"more": 1},
]
SOME = st.lists(GOOD, max_size=2)
ONE_BAD = st.builds(dict.__or__, GOOD, st.sampled_from(BAD)).map(lambda record: [record])
RECORDS = st.tuples(SOME, SOME | ONE_BAD, SOME).map(lambda parts: [record for part in parts for record in part])


@given(RECORDS.map(lambda records: [json.dumps(record).encode() for record in records]))
def test_bulk_decoding_agrees_with_single_decoding(values: list[bytes]) -> None:
    reader = json_reader(plain())
    assert bulk_outcomes(reader, values) == [outcome(reader, value) for value in values]


def test_valid_records_decode_in_bulk() -> None:
    values = [b'{"n":1,"at":"2013-01-01T00:00:00Z","price":1.5}', b'{"n":2}']
    rows, left = json_reader(plain()).decode_all(values, [("a",), ("b",)])
    assert left == []
    assert [(row[0], row[-1]) for row in rows] == [(1, "a"), (2, "b")]


KEYED = [
    prop("origin", primaryKey=True, primaryKeyPosition=1),
    prop("n", "integer", primaryKey=True, primaryKeyPosition=2),
]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('"n": -6', "'n' must be >= -5"),
        ('"n": 99999', "'n' must be <= 32767"),
        ('"n": 1, "ratio": 0', "'ratio' must be > 0.0"),
        ('"n": 1, "code": "ABCD"', "'code' must have at most 3 characters"),
        ('"n": 1, "tags": ["a", "b", "c"]', "'tags' must have at most 2 items"),
    ],
)
def test_a_violated_bound_is_named_in_the_contracts_words(field: str, message: str) -> None:
    with pytest.raises(BadRecord) as error:
        json_reader(contract()).decode(f"{{{field}}}".encode())
    assert str(error.value) == message


@pytest.mark.parametrize("key", [b'{"n":7,"origin":"EWR"}', b'["EWR",7]', b'{"origin":"EWR","n":7,"more":1}'])
def test_a_key_of_two_fields_is_an_object_or_an_array(key: bytes) -> None:
    reader = json_reader(contract_from_odcs(document(properties=KEYED, mode="upsert")))
    assert reader.decode_key(key) == ("EWR", 7)


@pytest.mark.parametrize("key", [None, b"", b"EWR", b'["EWR"]', b'{"origin":"EWR"}', b'["EWR",null]', b'["EWR","x"]'])
def test_a_key_that_names_no_row_is_bad(key: bytes | None) -> None:
    reader = json_reader(contract_from_odcs(document(properties=KEYED, mode="upsert")))
    with pytest.raises(BadRecord) as error:
        reader.decode_key(key)
    assert error.value.reason == "bad_key"


@pytest.mark.parametrize("key", [b"\xff", b"a\xff", b'"\xff"'])
def test_a_text_key_that_is_not_utf8_is_bad(key: bytes) -> None:
    reader = json_reader(contract_from_odcs(document(properties=[prop("k", primaryKey=True)], mode="upsert")))
    with pytest.raises(BadRecord, match="the key is not UTF-8 text") as error:
        reader.decode_key(key)
    assert (error.value.reason, error.value.field) == ("bad_key", "k")


@pytest.mark.parametrize(
    "key",
    [b'"\\ud800"', b'{"k":"\\udc00"}', b'["\\ud800x"]', b"\xed\xa0\x80", b'{"k":"\xff"}', b'["\xff"]',
     b'{"k":1,"k":"a"}', b'{"k":"a","\\u006b":"a"}', b'{"k":"a","x":1,"x":1}'],
)  # fmt: skip
def test_a_text_key_that_is_ambiguous_or_no_text_is_bad(key: bytes) -> None:
    reader = json_reader(contract_from_odcs(document(properties=[prop("k", primaryKey=True)], mode="upsert")))
    with pytest.raises(BadRecord) as error:
        reader.decode_key(key)
    assert error.value.reason == "bad_key"


@pytest.mark.parametrize("key", [b"1_000", b'"1_000"', b"+1", b'{"k":" 12 "}', b'["\xd9\xa3"]', b"0x1", b"NaN", b".5"])
def test_a_numeric_key_is_a_number_as_json_writes_it(key: bytes) -> None:
    field = prop("k", "number", "numeric", primaryKey=True)
    reader = json_reader(contract_from_odcs(document(properties=[field], mode="upsert")))
    with pytest.raises(BadRecord) as error:
        reader.decode_key(key)
    assert error.value.reason == "bad_key"
    assert reader.decode_key(b'"12.50"') == reader.decode_key(b'{"k":12.50}') == (decimal.Decimal("12.50"),)


def test_a_time_as_key_is_cut_like_the_same_value_in_a_record() -> None:
    field = prop("k", "timestamp", primaryKey=True)
    reader = json_reader(contract_from_odcs(document(properties=[field], mode="upsert")))
    key = b'"2026-12-31T23:59:59.9999999Z"'
    assert reader.decode_key(key) == reader.decode(b'{"k":' + key + b"}")
    assert reader.decode_key(key)[0].year == 2026


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_text_key_is_plain_text_or_a_json_string(text: str) -> None:
    reader = json_reader(contract_from_odcs(document(properties=[prop("k", primaryKey=True)], mode="upsert")))
    assert reader.decode_key(json.dumps(text).encode()) == (text,)
    assert reader.decode_key(msgspec.json.encode({"k": text})) == (text,)
    if not text.strip().startswith(('"', "[", "{")):
        assert reader.decode_key(text.encode()) == (text,)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (prop("v", "integer", logicalTypeOptions={"minimum": 10**30}), [], ["1", "9223372036854775807"]),
        (prop("v", "integer", logicalTypeOptions={"exclusiveMinimum": 2**63 - 1}), [], ["9223372036854775807"]),
        (prop("v", "integer", logicalTypeOptions={"maximum": -1e30}), [], ["-9223372036854775808"]),
        (prop("v", "integer", "smallint", logicalTypeOptions={"minimum": 5, "maximum": 4}), [], ["4", "5"]),
        (prop("v", "integer", logicalTypeOptions={"minimum": -1e30, "maximum": 1e30}), ["1"], []),
        (prop("v", logicalTypeOptions={"maxLength": 10**30}), ['"a"'], []),
        (prop("v", logicalTypeOptions={"minLength": 10**30}), [], ['"a"']),
        (prop("v", "array", "text[]", logicalTypeOptions={"maxItems": 2**63}), ['["a"]'], []),
    ],
)
def test_bounds_beyond_a_types_range_are_applied_too(field: dict[str, Any], good: list[str], bad: list[str]) -> None:
    reader = JsonReader(contract_from_odcs(document("things", [field])))
    for text in good:
        assert reader.decode(f'{{"v":{text}}}'.encode())
    for text in bad:
        assert why(f'{{"v":{text}}}'.encode(), reader) == ("out_of_range", "v")
