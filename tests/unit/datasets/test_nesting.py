"""The nesting limit of a record: the same for every caller, however deep its stack."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader, json_reader
from apps.datasets.core.record.nesting import MAX_DEPTH, depth, is_too_deep
from apps.datasets.core.record.raw_preview import preview_raw
from tests.bulk_rows import suspects
from tests.documents import document, prop

T = TypeVar("T")
FIELDS = [prop("id"), prop("arr", "array", "jsonb"), prop("doc", "object")]
JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\}]'), inner, max_size=3),
)


@cache
def contract(unknown: str) -> Contract:
    return contract_from_odcs(document("deep", FIELDS, unknownFields=unknown))


def reader(unknown: str = "ignore") -> JsonReader:
    return json_reader(contract(unknown))


def arrays(levels: int, inside: str = "") -> str:
    return "[" * levels + inside + "]" * levels


def objects(levels: int, inside: str = "1") -> str:
    return '{"a":' * levels + inside + "}" * levels


def deep_in_the_stack(frames: int, call: Callable[[], T]) -> T:
    return call() if frames == 0 else deep_in_the_stack(frames - 1, call)


def verdict(text: str, unknown: str = "ignore", frames: int = 0) -> tuple[str, str]:
    def decoded() -> tuple[str, str]:
        try:
            reader(unknown).decode(text.encode())
        except BadRecord as error:
            return error.reason, error.field
        return "", ""

    return deep_in_the_stack(frames, decoded)


@pytest.mark.parametrize("frames", [0, 100, 300])
@pytest.mark.parametrize(
    ("text", "unknown", "expected"),
    [
        (f'{{"arr":{arrays(500)}}}', "ignore", ("", "")),
        (f'{{"arr":{arrays(501)}}}', "ignore", ("too_deep", "arr")),
        (f'{{"arr":{arrays(940)}}}', "ignore", ("too_deep", "arr")),
        (f'{{"arr":{arrays(995)}}}', "ignore", ("too_deep", "arr")),
        (f'{{"arr":{arrays(100_000)}}}', "ignore", ("too_deep", "arr")),
        (f'{{"doc":{objects(500)}}}', "ignore", ("", "")),
        (f'{{"doc":{objects(501)}}}', "ignore", ("too_deep", "doc")),
        (f'{{"id":"[[","do\\u0063":{objects(5_000)}}}', "ignore", ("too_deep", "doc")),
        (f'{{"other":{arrays(500)}}}', "keep", ("", "")),
        (f'{{"other":{arrays(501)}}}', "keep", ("too_deep", "other")),
        (f'{{"other":{objects(980)}}}', "keep", ("too_deep", "other")),
        (f'{{"":{objects(3_000)}}}', "keep", ("too_deep", "")),
        (f'{{"other":{arrays(5_000)}}}', "ignore", ("too_deep", "other")),
        (f'{{"arr":{arrays(500, json.dumps(chr(0)))}}}', "ignore", ("nul", "arr")),
        (f'{{"doc":{objects(499, json.dumps({chr(0): 1}))}}}', "ignore", ("nul", "doc")),
        (f'{{"other":{arrays(400, json.dumps(chr(0)))}}}', "keep", ("nul", "_extra")),
        (f'{{"arr":{arrays(980, json.dumps(chr(0)))}}}', "ignore", ("too_deep", "arr")),
        (f'{{"doc":{objects(3_000, json.dumps(chr(0)))}}}', "keep", ("too_deep", "doc")),
        (arrays(5_000), "ignore", ("too_deep", "")),
        (f'{{"arr":{"[" * 5_000}}}', "ignore", ("not_json", "")),
        (f'{{"arr":[{",".join(["[]"] * 2_000)}]}}', "ignore", ("", "")),
        (f'{{"arr":["{"[" * 2_000}"]}}', "ignore", ("", "")),
    ],
)
def test_the_limit_is_the_same_on_any_stack(text: str, unknown: str, expected: tuple[str, str], frames: int) -> None:
    assert verdict(text, unknown, frames) == expected


@pytest.mark.parametrize("levels", [499, 500, 501, 600, 940, 2_000])
@pytest.mark.parametrize("nested", [arrays, lambda levels: f"[{objects(levels - 1)}]"])
def test_bulk_and_single_checks_agree_on_depth(levels: int, nested: Callable[[int], str]) -> None:
    texts = [b'{"arr":[]}', f'{{"arr":{nested(levels)}}}'.encode()]
    assert suspects(reader(), texts) == ([1] if levels > MAX_DEPTH else [])
    assert (verdict(texts[1].decode())[0] == "too_deep") == (levels > MAX_DEPTH)


def test_the_message_names_the_limit_and_the_remedy() -> None:
    with pytest.raises(BadRecord, match="'arr' is nested more than 500 levels deep: flatten it"):
        reader().decode(f'{{"arr":{arrays(501)}}}'.encode())


def test_a_key_that_is_too_deep_is_bad() -> None:
    keyed = document("keyed", [prop("k", primaryKey=True, primaryKeyPosition=1, required=True)], mode="upsert")
    for levels in (501, 5_000):
        with pytest.raises(BadRecord, match="500 levels deep") as error:
            json_reader(contract_from_odcs(keyed)).decode_key(arrays(levels).encode())
        assert error.value.reason == "bad_key"


def counted(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(counted, value.values()), default=0)
    return 1 + max(map(counted, value), default=0) if isinstance(value, list) else 0


@given(JSON)
def test_the_depth_is_that_of_the_document(value: object) -> None:
    assert depth(json.dumps(value).encode()) == counted(value)


@pytest.mark.parametrize("text", ['"' + '\\"' * 1_000_000, "[" * 1_000_000 + '"\\', '"[]' * 1_000_001])
def test_malformed_text_of_megabytes_is_measured_in_one_pass(text: str) -> None:
    assert isinstance(is_too_deep(text.encode()), bool)


@pytest.mark.parametrize("levels", [400, 900, 5_000])
def test_the_preview_of_a_deep_document_does_not_grow_by_indentation(levels: int) -> None:
    raw = arrays(levels, ",".join("1" * 25_000)).encode()
    assert len(preview_raw(raw).text) <= len(raw) + 100
