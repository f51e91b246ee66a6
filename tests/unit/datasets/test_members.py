"""A name that occurs twice in a record is found, among any other records, and nothing else is taken for one."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader
from apps.datasets.core.record.members import count_quotes, object_members
from tests.bulk_rows import bulk_outcomes, outcome, suspects
from tests.documents import document, prop

FIELDS = [
    prop("n", "integer", required=True),
    prop("t"),
    prop("s", required=True),
    prop("m", "number", "numeric(6,2)"),
    prop("at", "timestamp"),
    prop("doc", "object"),
    prop("texts", "array", "text[]"),
    prop("sums", "array", "numeric(6,2)[]"),
]
VALUES = {
    "n": ["1", "-7"],
    "t": ['"a"', '""', "null", r'"\""', r'"\u0022x"', '"null"', '"\\\\"', '"a\\u00e9"'],
    "s": ['"b"', r'"\"\""', '"{\\"n\\":1}"'],
    "m": ["1.50", '"2.25"', "null", "0"],
    "at": ['"2013-01-01T00:00:00Z"', "null", '"2013-01-01T00:00:00.1234567Z"'],
    "doc": ['{"n":1,"n":2}', "{}", "null", '{"a":"\\"","n":[{"t":"x","t":null}]}'],
    "texts": ["[]", '["a",null,"\\""]', "null", "[null]"],
    "sums": ["[1.5,null]", '["1.25"]', "null"],
    "other": ["1", '"x"', "null", '{"n":"1"}'],
    'q"': ["1", '"\\""'],
}
ESCAPED = {"n": '"\\u006e"', "t": '"\\u0074"', "other": '"othe\\u0072"', 'q"': '"q\\u0022"'}
SPACE = st.sampled_from(["", "", "", " ", "\n\t"])


@st.composite
def members(draw: st.DrawFn, *, names: list[str]) -> str:
    name = draw(st.sampled_from(names))
    written = draw(st.sampled_from([json.dumps(name), ESCAPED.get(name, json.dumps(name))]))
    return f"{draw(SPACE)}{written}{draw(SPACE)}:{draw(SPACE)}{draw(st.sampled_from(VALUES[name]))}{draw(SPACE)}"


def records(names: list[str]) -> st.SearchStrategy[bytes]:
    some = st.lists(members(names=names), max_size=6)
    required = st.just(['"n":1', '"s":"b"'])
    return st.builds(lambda first, more: f"{{{','.join(first + more)}}}".encode(), required, some)


@cache
def reader(unknown: str) -> JsonReader:
    return JsonReader(contract_from_odcs(document("things", FIELDS, unknownFields=unknown)))


def repeats(value: bytes) -> bool:
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> None:
        # The outermost object ends last.
        pairs[:] = found

    json.loads(value, object_pairs_hook=keep)
    return len({name for name, _ in pairs}) < len(pairs)


@pytest.mark.parametrize("unknown", ["reject", "ignore", "keep"])
@given(st.data())
def test_a_repeated_name_is_a_duplicate_field_in_every_chunk(unknown: str, data: st.DataObject) -> None:
    names = list(VALUES) if unknown != "reject" else [*(field["name"] for field in FIELDS), "other"]
    values = data.draw(st.lists(records(names), min_size=1, max_size=6))
    alone = [outcome(reader(unknown), value) for value in values]
    assert bulk_outcomes(reader(unknown), values) == alone
    for value, found in zip(values, alone, strict=True):
        assert (found[0] == "duplicate_field") is repeats(value), value


@example([b'{"n":null,"n":1,"s":"b"}', b'{"n":1,"s":"b"}'])
@example([b'{"n":1,"s":"b","t":null,"t":"x"}', b'{"n":1,"s":"b"}', b'{"n":1,"s":"b","t":null}'])
@example([b'{"n":1,"n":2,"s":"b"}', b'{"n":1,"s":"\\u0022"}'])
@given(st.lists(records(list(VALUES)[:3]), min_size=1, max_size=300))
def test_no_other_record_of_a_chunk_makes_up_for_a_repeated_name(values: list[bytes]) -> None:
    found = set(suspects(reader("reject"), values))
    assert {number for number, value in enumerate(values) if repeats(value)} <= found


def test_records_without_repeats_are_decoded_in_bulk() -> None:
    values = [
        b'{"n":1,"s":"a"}',
        b'{"n":2,"s":"\\"b\\"","t":null,"m":"1.50"}',
        b'{"n":3,"s":"c","t":"d","doc":{"x":"y","x":1},"texts":["e",null]}',
        b'{ "s" : "f" , "n" : 4, "at": "2013-01-01T00:00:00.123456Z" }',
    ] * 100
    assert suspects(reader("reject"), values) == []
    with_unknown = [value.replace(b'"n"', b'"more":{"n":1},"n"') for value in values]
    assert suspects(reader("ignore"), with_unknown) == []
    assert suspects(reader("keep"), with_unknown) == []


def test_only_the_records_at_fault_are_left() -> None:
    good, bad = b'{"n":1,"s":"a"}', [b'{"n":1,"s":"a","n":1}', b"{", b'{"n":"x","s":"a"}', b'{"n":1,"s":"\\u0000"}']
    values = [good] * 1_000
    for number, value in zip((0, 255, 256, 999), bad, strict=True):
        values[number] = value
    assert suspects(reader("reject"), values) == [0, 255, 256, 999]


@pytest.mark.parametrize("name", ["n", "ä", 'q"', "a\\b"])
def test_a_repeated_name_is_named_however_it_is_escaped(name: str) -> None:
    first, again = json.dumps(name), '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"'
    with pytest.raises(BadRecord) as error:
        object_members(f'{{{first}:{{"x":1,"x":[]}},"other":2, {again} :3}}'.encode())
    assert (error.value.reason, error.value.field) == ("duplicate_field", name)
    assert list(object_members(f"{{{again}:{{{first}:1}}}}".encode())) == [name]


@given(st.binary(max_size=10), st.integers(0, 3_000))
def test_quotes_are_counted_in_short_and_long_texts(part: bytes, times: int) -> None:
    assert count_quotes(part * times) == (part * times).count(b'"')
