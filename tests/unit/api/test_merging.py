"""JSON Merge Patch against its RFC, and against the RFC's own pseudocode; what is omitted where not all fits."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.records.core.merge_patch import merged
from apps.api.records.core.omissions import omissions

NAMES = st.sampled_from("abc")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def merge(target: str, patch: str) -> Any:
    parts = [msgspec.json.decode(text, type=dict[str, msgspec.Raw]) for text in (target, patch)]
    return msgspec.json.decode(msgspec.json.encode(merged(*parts)))


def by_the_rfc(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = by_the_rfc(result.get(name), value)
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
    assert merge(target, patch) == json.loads(after)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_any_merge_is_that_of_the_rfc(target: dict[str, Any], patch: dict[str, Any]) -> None:
    assert merge(json.dumps(target), json.dumps(patch)) == by_the_rfc(target, patch)


def test_the_largest_fields_are_omitted_and_no_more_than_it_takes() -> None:
    sizes = {"a": 10, "b": 500, "c": 20, "d": 300}
    assert omissions(sizes, 1000) == ()
    assert omissions(sizes, 400) == ("b",)
    assert omissions(sizes, 100) == ("b", "d")
    assert omissions(sizes, 0) == ("a", "b", "c", "d")
