"""Bad records: the reason, the field and all faults of each kind of input, and what the message explains."""

import bz2
import gzip
import json
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader, json_reader
from apps.datasets.core.record.record_errors import MAX_FAULTS, MORE
from tests.documents import document, prop

FIELDS = [
    prop("n", "integer", "smallint", required=True, logicalTypeOptions={"minimum": -5}),
    prop("price", "number", "numeric(6,2)"),
    prop("ratio", "number", "double precision"),
    prop("ratios", "array", "double precision[]"),
    prop("at", "timestamp"),
    prop("local", "timestamp", "timestamp"),
    prop("day", "date"),
    prop("clock", "time"),
    prop("kind", "string", enum=[{"value": "a"}]),
    prop("code", "string", "varchar(3)"),
    prop("tags", "array", "text[]"),
    prop("nums", "array", "integer[]"),
    prop("doc", "object"),
    prop("flag", "boolean"),
    prop("raw", "string", "bytea"),
    prop("uid", "string", "uuid"),
    prop("note"),
]
GOOD = b'{"n":1}'


def contract(**custom: Any) -> Contract:
    return contract_from_odcs(document("things", FIELDS, **custom))


READER = JsonReader(contract())


def rejected(value: bytes, reader: JsonReader = READER) -> BadRecord:
    with pytest.raises(BadRecord) as error:
        reader.decode(value)
    return error.value


def snappy(text: bytes) -> bytes:
    """Snappy's raw format: the length, then all of the text as one short literal."""
    return bytes([len(text), (len(text) - 1) << 2]) + text


FRAME = "schema registry header, schema id"
DOCUMENTS: list[tuple[bytes, str, str]] = [
    (b"", "not_json", "empty: 0 bytes"),
    (b" \n", "not_json", "white space"),
    (b'{"n":1,"note":"x', "not_json", "ends in the middle, after 16 bytes"),
    (b'{"n":1', "not_json", "ends in the middle"),
    (GOOD + GOOD, "not_json", "a second document follows"),
    (GOOD + b"\n" + GOOD + b"\n", "not_json", "a second document follows"),
    (GOOD + b"x", "not_json", "trailing characters"),
    (b"{'n':1}", "not_json", "single quotes"),
    (b"// c\n{}", "not_json", "a comment"),
    (b'{"n":+1}', "not_json", "a plus sign"),
    (b'{"n":1,}', "not_json", "trailing comma"),
    (b'{"n\xe9":1}', "not_json", "not UTF-8: byte"),
    (b'{"\xed\xa0\x80":1}', "not_json", "half of a surrogate pair"),
    (b"[" * 100_000, "not_json", "nested too deep"),
    (b"[" + GOOD + b"]", "not_an_object", "an array: send each element"),
    (b"7", "not_an_object", "a number"),
    (b"null", "not_an_object", "it is null"),
    (b"true", "not_an_object", "a boolean"),
    (b'"text"', "not_an_object", "a string"),
    (json.dumps(GOOD.decode()).encode(), "not_an_object", "a string that holds JSON, serialized twice"),
    (b"\xef\xbb\xbf" + GOOD, "undecodable", "a byte order mark"),
    (GOOD.decode().encode("utf-16"), "undecodable", "the byte order mark of UTF-16"),
    (GOOD.decode().encode("utf-16-le"), "undecodable", "UTF-16 without byte order mark"),
    (GOOD.decode().encode("utf-16-be"), "undecodable", "UTF-16 without byte order mark"),
    (GOOD.decode().encode("utf-32"), "undecodable", "the byte order mark of UTF-32"),
    (GOOD.decode().encode("utf-32-be"), "undecodable", "UTF-32 without byte order mark"),
    (GOOD.decode().encode("utf-32-le"), "undecodable", "UTF-32 without byte order mark"),
    (gzip.compress(GOOD, mtime=0), "undecodable", "gzip"),
    (zlib.compress(GOOD), "undecodable", "zlib"),
    (bz2.compress(GOOD), "undecodable", "bzip2"),
    (b"\x28\xb5\x2f\xfd" + GOOD, "undecodable", "zstd"),
    (b"\x04\x22\x4d\x18" + GOOD, "undecodable", "lz4"),
    (b"\x82SNAPPY\0" + GOOD, "undecodable", "snappy"),
    (snappy(GOOD), "undecodable", "snappy"),
    (snappy(b'{"n":1,"note":"xxxxxxxxxxxxxxxxx"}'), "undecodable", "snappy"),
    (b"\0\0\0\0\x07" + GOOD, "undecodable", f"{FRAME} 7, and JSON follows"),
    (b"\0\0\0\0\x07{", "undecodable", f"{FRAME} 7, and JSON follows"),
    (b"\0\x01\0\0\x07" + GOOD, "undecodable", f"{FRAME} 16777223, and JSON follows"),
    (b"\0\xff\xff\xff\xff" + GOOD, "undecodable", f"{FRAME} 4294967295, and JSON follows"),
    (b'\0{\0"a' + GOOD, "undecodable", f"{FRAME} 2063606369, and JSON follows"),
    (b"\0\0\0\0\x07\x02\x06abc", "undecodable", f"{FRAME} 7, and Avro or Protobuf follows"),
    (b"\0\0\0\0\x07", "undecodable", f"{FRAME} 7, and nothing follows"),
    (b"\0" + (9).to_bytes(8, "big") + GOOD, "undecodable", f"{FRAME} 9, and JSON follows"),
    (b"\x03\0" + uuid.UUID(int=7).bytes + GOOD, "undecodable", "AWS Glue"),
    (msgspec.msgpack.encode({"n": 1}), "undecodable", "a byte that JSON cannot start with"),
    (b"<n>1</n>", "undecodable", "XML"),
]


@pytest.mark.parametrize(("value", "reason", "message"), DOCUMENTS)
@pytest.mark.parametrize("unknown", ["reject", "keep", "ignore"])
def test_a_value_that_is_no_json_object_is_named(value: bytes, reason: str, message: str, unknown: str) -> None:
    error = rejected(value, json_reader(contract(unknownFields=unknown)))
    assert (error.reason, error.field, len(error.faults)) == (reason, "", 1)
    assert message in str(error)


SURROGATE = "contains half of a surrogate pair"
FIELD: list[tuple[str, str, str, str]] = [
    ('"note":"\\ud800"', "note", "not_json", SURROGATE),
    ('"note":"\\uD83Dx"', "note", "not_json", SURROGATE),
    ('"note":"\\ude00\\ud83d"', "note", "not_json", SURROGATE),
    ('"doc":{"a":["\\ud83d"]}', "doc", "not_json", SURROGATE),
    ('"doc":{"\\ud83d":1}', "doc", "not_json", SURROGATE),
    ('"ratio":NaN', "ratio", "not_json", "NaN, which JSON does not have"),
    ('"ratio":-Infinity', "ratio", "not_json", "Infinity, which JSON does not have"),
    ('"flag":True', "flag", "not_json", "send true"),
    ('"note":None', "note", "not_json", "send null"),
    ('"at":"2016-12-31T23:59:60Z"', "at", "out_of_range", "leap second"),
    ('"local":"2016-12-31T23:59:60.5"', "local", "out_of_range", "leap second"),
    ('"clock":"23:59:60"', "clock", "out_of_range", "leap second"),
    ('"at":"2016-12-31T24:00:00Z"', "at", "out_of_range", "the hour 24"),
    ('"clock":"24:00:00"', "clock", "out_of_range", "the hour 24"),
    ('"at":"2016-02-30T00:00:00Z"', "at", "out_of_range", "not a date and time that exists"),
    ('"day":"2016-13-01"', "day", "out_of_range", "not a date and time that exists"),
    ('"at":"2016-12-31T23:59:59"', "at", "out_of_range", "has no UTC offset"),
    ('"local":"2016-12-31T23:59:59Z"', "local", "out_of_range", "has a UTC offset"),
    ('"clock":"12:00:00Z"', "clock", "out_of_range", "has a UTC offset"),
    ('"at":1700000000', "at", "wrong_type", "epoch seconds"),
    ('"at":1700000000.25', "at", "wrong_type", "epoch seconds"),
    ('"at":1700000000000', "at", "wrong_type", "epoch milliseconds"),
    ('"local":1700000000000000', "local", "wrong_type", "epoch microseconds"),
    ('"at":"1700000000000"', "at", "wrong_type", "a number in quotes that looks like epoch milliseconds"),
    ('"day":17000', "day", "wrong_type", "epoch days"),
    ('"day":"2016-12-31T00:00:00Z"', "day", "wrong_type", "a time of day"),
    ('"at":"2016-12-31"', "at", "wrong_type", "a date without a time of day"),
    ('"at":"31.12.2016"', "at", "wrong_type", "not ISO 8601"),
    ('"at":"2016-12-31T23:59Z"', "at", "wrong_type", "not ISO 8601 with all parts"),
    ('"at":""', "at", "wrong_type", "an empty string"),
    ('"clock":"12"', "clock", "wrong_type", "not ISO 8601"),
    ('"n":1.0', "n", "wrong_type", "a decimal point or an exponent"),
    ('"n":1e2', "n", "wrong_type", "a decimal point or an exponent"),
    ('"n":1.5', "n", "wrong_type", "a number with a fraction"),
    ('"n":"1"', "n", "wrong_type", "a number in quotes: send it without"),
    ('"n":true', "n", "wrong_type", "a boolean"),
    ('"n":[1]', "n", "wrong_type", "an array"),
    ('"n":99999', "n", "out_of_range", "<= 32767"),
    ('"ratio":1e400', "ratio", "out_of_range", "cannot represent"),
    ('"ratio":"1.5"', "ratio", "wrong_type", "a number in quotes"),
    ('"price":1e400', "price", "out_of_range", "more digits"),
    ('"price":"abc"', "price", "wrong_type", "a string that is not a number"),
    ('"note":1', "note", "wrong_type", "a number without quotes"),
    ('"note":{"a":1}', "note", "wrong_type", "an object"),
    ('"flag":1', "flag", "wrong_type", "a number"),
    ('"uid":"x"', "uid", "wrong_type", "not a UUID"),
    ('"raw":"%%"', "raw", "wrong_type", "not base64"),
    ('"kind":"b"', "kind", "not_allowed", "allowed values"),
    ('"tags":"x"', "tags", "wrong_type", "a string, not a list"),
    ('"tags":["a",1]', "tags", "wrong_type", "item 2 of 'tags' is not of type text: it is a number"),
    ('"nums":[1,99999999999]', "nums", "out_of_range", "item 2 of 'nums' must be <="),
    ('"doc":"{\\"a\\":1}"', "doc", "wrong_type", "a string that holds JSON, serialized twice"),
    ('"doc":[1]', "doc", "wrong_type", "not a JSON object: it is an array"),
    ('"doc":{"a":"\\u0000"}', "doc", "nul", "U+0000"),
    ('"doc":' + '{"a":' * 600 + "1" + "}" * 600, "doc", "too_deep", "levels deep"),
    ('"ratio":9007199254740993', "ratio", "out_of_range", "a whole number that double precision cannot represent"),
    ('"ratio":4e-325', "ratio", "out_of_range", "is not zero"),
    ('"ratios":[1,4e-325]', "ratios", "out_of_range", "item 2 of 'ratios' is not zero, but double precision"),
    ('"price":"1_000"', "price", "wrong_type", "numeric(6,2): it is a string that is not a number as JSON writes it"),
    ('"price":"\N{ARABIC-INDIC DIGIT ONE}"', "price", "wrong_type", "not a number as JSON writes it"),
    ('"price":\n"1_000" ', "price", "wrong_type", "not a number as JSON writes it"),
    ('"at":"2016-12-31T23:59:60.123456789Z"', "at", "out_of_range", "leap second"),
    ('"at":"2016-12-31T23:59:59.123456789"', "at", "out_of_range", "has no UTC offset"),
    ('"note":"x","note" :"x"', "note", "duplicate_field", "occurs more than once"),
    ('"note":"x","\\u006eote":null', "note", "duplicate_field", "occurs more than once"),
    ('"flag":1,"flag":true', "flag", "duplicate_field", "occurs more than once"),
    ('"zzz":1', "zzz", "unknown_field", "is not in the contract"),
]


@pytest.mark.parametrize(("members", "field", "reason", "message"), FIELD)
def test_a_fault_names_field_reason_and_what_is_there_instead(
    members: str, field: str, reason: str, message: str
) -> None:
    start = "" if field == "n" else '"n":1,'
    error = rejected(f"{{{start}{members}}}".encode())
    assert (error.field, error.reason) == (field, reason)
    assert message in str(error)
    assert [tuple(fault) for fault in error.faults] == [(field, reason, str(error))]


@pytest.mark.parametrize("text", [b'"\xed\xa0\x80"', b'"caf\xe9"'])
@pytest.mark.parametrize("name", ["note", "code"])
def test_bytes_that_are_not_utf8_are_found_in_their_field(text: bytes, name: str) -> None:
    error = rejected(b'{"n":1,"' + name.encode() + b'":' + text + b"}")
    assert (error.reason, error.field) == ("not_json", name)
    assert (SURROGATE in str(error)) is (b"\xed" in text)


def test_all_faults_are_listed_in_the_contracts_order_and_unknown_fields_last() -> None:
    error = rejected(
        b'{"zz":1,"note":"\\ud800","at":5,"doc":{"a":"\xff"},"price":"y","code":"ABCD","aa":2,"flag":nan}'
    )
    assert [(fault.field, fault.reason) for fault in error.faults] == [
        ("n", "missing_field"),
        ("price", "wrong_type"),
        ("at", "wrong_type"),
        ("code", "out_of_range"),
        ("doc", "not_json"),
        ("flag", "not_json"),
        ("note", "not_json"),
        ("zz", "unknown_field"),
        ("aa", "unknown_field"),
    ]
    assert (error.field, error.reason, str(error)) == error.faults[0]


@pytest.mark.parametrize("unknown", ["reject", "keep", "ignore"])
def test_every_repeated_name_is_listed_among_the_other_faults(unknown: str) -> None:
    value = b'{"zz":1,"note":"a","price":"1_0","zz":2,"note":"b","n":1,"zz":3,"flag":true,"flag":"x","ratio":NaN}'
    error = rejected(value, json_reader(contract(unknownFields=unknown)))
    assert [(fault.field, fault.reason) for fault in error.faults] == [
        ("price", "wrong_type"),
        ("ratio", "not_json"),
        ("flag", "duplicate_field"),
        ("flag", "wrong_type"),
        ("note", "duplicate_field"),
        ("zz", "duplicate_field"),
        *([("zz", "unknown_field")] if unknown == "reject" else []),
    ]


def test_names_with_defects_are_not_repeated_names() -> None:
    error = rejected(b'{"n":1,"\\ud800":1,"\\udfff":2}', json_reader(contract(unknownFields="ignore")))
    assert {(fault.field, fault.reason) for fault in error.faults} == {("", "not_json")}


def test_many_faults_are_counted() -> None:
    unknown = ",".join(f'"u{number}":1' for number in range(MAX_FAULTS + 10))
    error = rejected(f'{{"n":1,{unknown}}}'.encode())
    assert len(error.faults) == MAX_FAULTS + 1
    assert error.faults[-1] == ("", MORE, "and 10 more")


ENVELOPES: list[tuple[bytes, str, str]] = [
    (b'{"schema":{},"payload":{"n":1}}', "'payload'", "Kafka Connect"),
    (b'{"schema":{},"payload":{"before":null,"after":{"n":1},"op":"c"}}', "'payload.after'", "Kafka Connect"),
    (b'{"before":null,"after":{"n":1},"op":"c"}', "'after'", "Debezium"),
    (b'{"specversion":"1.0","data":{"n":1}}', "'data'", "CloudEvent"),
    (b'{"data":{"n":1}}', "'data'", ""),
]


@pytest.mark.parametrize(("value", "path", "kind"), ENVELOPES)
def test_an_envelope_is_named_with_the_place_of_the_fields(value: bytes, path: str, kind: str) -> None:
    for unknown in ("reject", "keep", "ignore"):
        error = rejected(value, json_reader(contract(unknownFields=unknown)))
        assert (error.reason, error.field) == ("missing_field", "n")
        assert f"the fields are in {path}" in str(error)
        assert kind in str(error)


def test_a_contract_with_the_envelopes_fields_gets_no_hint() -> None:
    fields = [prop("id", required=True), prop("schema", "object"), prop("payload", "object")]
    error = rejected(b'{"schema":{},"payload":{"id":"x"}}', JsonReader(contract_from_odcs(document("raw", fields))))
    assert str(error) == "'id' is required but missing"


def test_a_field_in_another_spelling_is_recognized() -> None:
    assert "another spelling" in str(rejected(b'{"N":1}'))
    assert "another spelling" not in str(rejected(b'{"m":1}'))


SECRET = "4111111111111111"
QUOTING: list[Callable[[str], str]] = [
    lambda secret: f'{{"n":"{secret}"}}',
    lambda secret: f'{{"n":{secret}}}',
    lambda secret: f'{{"n":1,"at":"{secret}","day":{secret},"uid":"{secret}","tags":["{secret}",{secret}]}}',
    lambda secret: f'{{"n":1,"doc":"{{\\"{secret}\\":1}}","kind":"{secret}"}}',
    lambda secret: f'{{"n":1,"doc":{{"{secret}":"\\ud800"}}}}',
    lambda secret: f'{{"data":{{"n":1,"{secret}":2}}}}',
    lambda secret: f'{{"n":1,"note":"{secret}',
    lambda secret: f'"{secret}"',
]


@pytest.mark.parametrize("text", QUOTING)
def test_no_fault_repeats_a_value(text: Callable[[str], str]) -> None:
    error = rejected(text(SECRET).encode())
    assert not [fault for fault in error.faults if SECRET in fault.message]
