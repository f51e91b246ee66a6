"""Terms of a document without effect are listed, one by one."""

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
    "quality": [{"type": "text", "description": "complete"}],
}


def test_a_plain_contract_has_no_unenforced_terms() -> None:
    properties = [prop("id", "integer", required=True, unique=True, logicalTypeOptions={"minimum": 1})]
    assert unenforced_terms(document(properties=properties, sla=[{"property": "latency", "value": 1}])) == ()


@pytest.mark.parametrize(
    ("sla", "sentence"),
    [
        ({"property": "retention", "value": 1, "unit": "d"}, "retention: no row is deleted because of its age"),
        ({"property": "retention", "value": 3, "unit": "y", "element": "other.at"}, "retention: no row is deleted"),
        ({"property": "availability", "value": "99.9 %"}, "availability: not measured"),
        ({"property": "Retention", "value": 9, "unit": "d"}, "Retention: not measured"),
    ],
)
def test_sla_properties_are_listed(sla: dict[str, Any], sentence: str) -> None:
    assert unenforced_terms(document(sla=[sla]))[0].startswith(sentence)


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
def test_each_nested_term_is_listed(word: str, nest: Any) -> None:
    assert unenforced_terms(document(properties=[nest({word: INNER[word]})])) == (f"c, nested {word}: not checked",)


def test_the_checked_type_of_a_typed_array_is_not_listed() -> None:
    typed = prop("c", "array", "bigint[]", items={"logicalType": "integer"})
    assert unenforced_terms(document(properties=[typed])) == ()
    typed["items"]["logicalTypeOptions"] = {"minimum": 0}
    assert unenforced_terms(document(properties=[typed])) == ("c, nested logicalTypeOptions: not checked",)


@pytest.mark.parametrize("status", ["draft", "retired", "Deprecated", "proposed"])
def test_a_status_without_effect_is_listed(status: str) -> None:
    assert unenforced_terms({**document(), "status": status}) == (
        f"status {status}: has no effect, the table is created and its topic is read",
    )


@pytest.mark.parametrize("status", ["active", "Active", "production", ""])
def test_other_statuses_are_not_listed(status: str) -> None:
    assert unenforced_terms({**document(), "status": status}) == ()


def test_every_unenforced_term_is_listed_at_its_path() -> None:
    contract = document(properties=[prop("a", **dict.fromkeys(PROPERTY, "x"))])
    contract.update(dict.fromkeys(DOCUMENT, "x"))
    contract["schema"][0].update(dict.fromkeys(SCHEMA, "x"))
    assert [sentence.split(":")[0] for sentence in unenforced_terms(contract)] == [
        *DOCUMENT,
        *SCHEMA,
        *(f"a, {word}" for word in PROPERTY),
    ]
