"""JSON Merge Patch agrees with RFC 7396 and its pseudocode; the largest fields are omitted first."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.records.core.merge_patch import merge
from apps.api.records.core.omissions import omissions

NAMES = st.sampled_from("abc")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def merged(target: str, patch: str) -> Any:
    members = [msgspec.json.decode(text, type=dict[str, msgspec.Raw]) for text in (target, patch)]
    return msgspec.json.decode(msgspec.json.encode(merge(*members)))


def rfc_pseudocode(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = rfc_pseudocode(result.get(name), value)
    return result


@pytest.mark.parametrize(
    ("target", "patch", "after"),
    [
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
    ],
)
def test_the_examples_of_the_rfc_hold(target: str, patch: str, after: str) -> None:
    assert merged(target, patch) == json.loads(after)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_any_merge_equals_the_pseudocode(target: dict[str, Any], patch: dict[str, Any]) -> None:
    assert merged(json.dumps(target), json.dumps(patch)) == rfc_pseudocode(target, patch)


def test_the_fewest_and_largest_fields_are_omitted() -> None:
    sizes = {"a": 10, "b": 500, "c": 20, "d": 300}
    assert omissions(sizes, 1000) == ()
    assert omissions(sizes, 400) == ("b",)
    assert omissions(sizes, 100) == ("b", "d")
    assert omissions(sizes, 0) == ("a", "b", "c", "d")
