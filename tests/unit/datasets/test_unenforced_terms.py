"""What a document says and nobody enforces is told, word by word."""

from typing import Any

import pytest

from apps.datasets.core.contract.unenforced_terms import DOCUMENT, INSIDE, PROPERTY, SCHEMA, unenforced_terms
from tests.documents import document, prop

INNER = {
    "logicalType": "integer",
    "physicalType": "bigint",
    "required": True,
    "unique": True,
    "enum": [{"value": 1}],
    "logicalTypeOptions": {"minimum": 0},
    "quality": [{"type": "text", "description": "whole"}],
}


def test_a_plain_contract_has_nothing_to_tell() -> None:
    properties = [prop("id", "integer", required=True, unique=True, logicalTypeOptions={"minimum": 1})]
    assert unenforced_terms(document(properties=properties, sla=[{"property": "latency", "value": 1}])) == ()


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        ({"property": "retention", "value": 1, "unit": "d"}, "retention: no row is deleted because of its age"),
        ({"property": "retention", "value": 3, "unit": "y", "element": "other.at"}, "retention: no row is deleted"),
        ({"property": "availability", "value": "99.9 %"}, "availability: not measured"),
        ({"property": "Retention", "value": 9, "unit": "d"}, "Retention: not measured"),
    ],
)
def test_agreements_are_told(sla: dict[str, Any], said: str) -> None:
    assert unenforced_terms(document(sla=[sla]))[0].startswith(said)


@pytest.mark.parametrize("word", INSIDE)
@pytest.mark.parametrize(
    "nest",
    [
        lambda inner: prop("c", "object", properties=[{"name": "a", **inner}]),
        lambda inner: prop("c", "array", items=inner),
        lambda inner: prop("c", "array", items={"properties": [{"name": "a", **inner}]}),
        lambda inner: prop("c", "object", properties=[{"name": "a", "items": {"items": inner}}]),
        lambda inner: prop("c", "map", map={"key": {}, "value": inner}),
    ],
)
def test_each_word_inside_of_an_object_or_array_is_told(word: str, nest: Any) -> None:
    assert unenforced_terms(document(properties=[nest({word: INNER[word]})])) == (f"c, nested {word}: not checked",)


def test_the_type_of_a_typed_array_is_checked_and_not_told() -> None:
    typed = prop("c", "array", "bigint[]", items={"logicalType": "integer"})
    assert unenforced_terms(document(properties=[typed])) == ()
    typed["items"]["logicalTypeOptions"] = {"minimum": 0}
    assert unenforced_terms(document(properties=[typed])) == ("c, nested logicalTypeOptions: not checked",)


@pytest.mark.parametrize("status", ["draft", "retired", "Deprecated", "proposed"])
def test_a_status_that_stops_nothing_is_told(status: str) -> None:
    assert unenforced_terms({**document(), "status": status}) == (
        f"status {status}: has no effect, the table is created and its topic is read",
    )


@pytest.mark.parametrize("status", ["active", "Active", "production", ""])
def test_another_status_promises_nothing(status: str) -> None:
    assert unenforced_terms({**document(), "status": status}) == ()


def test_every_word_of_the_tables_is_told_at_its_place() -> None:
    whole = document(properties=[prop("a", **dict.fromkeys(PROPERTY, "x"))])
    whole.update(dict.fromkeys(DOCUMENT, "x"))
    whole["schema"][0].update(dict.fromkeys(SCHEMA, "x"))
    assert [sentence.split(":")[0] for sentence in unenforced_terms(whole)] == [
        *DOCUMENT,
        *SCHEMA,
        *(f"a, {word}" for word in PROPERTY),
    ]
