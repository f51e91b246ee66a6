"""Which columns a contract hides: every classification in every nesting, and those of the document."""

import copy
from collections.abc import Callable
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.conf import DatasetsSettings
from apps.datasets.core.contract.classification import STRICT, ClassificationPolicy, column_restrictions, nested
from apps.datasets.core.contract.descriptions import describe_visibility
from apps.datasets.core.document.odcs import contract_from_odcs
from tests.documents import document, prop

Mark = dict[str, Any]

HIDDEN: Final[list[Any]] = [
    "restricted",
    "Restricted",
    "confidential",
    "PII",
    "5",
    "",
    " ",
    "publ\u0131c",
    "public\u200b",
    5,
    True,
    [],
    {},
]
PUBLIC: Final[list[Any]] = ["public", "Public", " PUBLIC\t", None]
NESTINGS: Final[dict[str, Callable[[Mark], Mark]]] = {
    "plain": lambda mark: mark,
    "object": lambda mark: {"properties": [prop("a"), prop("b", **mark)]},
    "object of objects": lambda mark: {"properties": [prop("a", "object", properties=[prop("b", **mark)])]},
    "middle": lambda mark: {"properties": [prop("a", "object", properties=[prop("b")], **mark)]},
    "items": lambda mark: {"items": mark},
    "items of items": lambda mark: {"items": {"items": mark}},
    "objects in an array": lambda mark: {"items": {"properties": [prop("a", **mark)]}},
    "deep": lambda mark: {"items": {"properties": [prop("a", items={"items": {"properties": [prop("b", **mark)]}})]}},
    "keys of a map": lambda mark: {"map": {"key": mark, "value": {}}},
    "values of a map": lambda mark: {"map": {"key": {}, "value": {"properties": [prop("a", **mark)]}}},
    "a list of items": lambda mark: {"items": [{}, mark]},
    "properties by name": lambda mark: {"properties": {"a": {}, "b": mark}},
}


def hidden(element: Mark, policy: ClassificationPolicy = STRICT) -> bool:
    return bool(column_restrictions(document(properties=[{"name": "c", **element}]), policy)["c"])


def those_with(words: list[Any], *, hides: bool) -> str:
    """A line for each nesting and word for which this is true."""
    found = [
        f"{name}: {word!r}"
        for name, within in NESTINGS.items()
        for word in words
        if hidden(within({"classification": word})) is hides
    ]
    return "\n".join(found)


def test_a_non_public_classification_hides_its_column_in_each_nesting() -> None:
    shown = those_with(HIDDEN, hides=False)
    assert not shown, shown


def test_a_public_classification_hides_nothing() -> None:
    lost = those_with(PUBLIC, hides=True)
    assert not lost, lost


def elements() -> st.SearchStrategy[Mark]:
    """Any element, with a public or no classification, and with any nested elements."""
    plain = st.fixed_dictionaries(
        {}, optional={"classification": st.sampled_from(PUBLIC), "tags": st.just(["finance"])}
    )

    def around(inner: st.SearchStrategy[Mark]) -> st.SearchStrategy[Mark]:
        return st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda found: {"properties": found}),
            inner.map(lambda found: {"items": found}),
            st.tuples(inner, inner).map(lambda pair: {"map": {"key": pair[0], "value": pair[1]}}),
        )

    return st.recursive(plain, around, max_leaves=12)


def all_of(element: Mark) -> list[Mark]:
    """The element and all nested elements."""
    return [element, *(found for _, child in nested(element, "") for found in all_of(cast("Mark", child)))]


@given(elements(), st.data())
def test_one_non_public_element_hides_its_column_at_any_depth(element: Mark, data: st.DataObject) -> None:
    element = copy.deepcopy(element)
    assert not hidden(element)
    data.draw(st.sampled_from(all_of(element)))["classification"] = data.draw(st.sampled_from(HIDDEN))
    assert hidden(element)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ({"tags": ["PII"]}, True),
        ({"tags": ["finance", "gdpr:pii"]}, True),
        ({"tags": "sensitive"}, True),
        ({"tags": ["finance", "rapid", "pii2"]}, False),
        ({"customProperties": [{"property": "pii", "value": "true"}]}, True),
        ({"customProperties": [{"property": "PII", "value": "No"}]}, False),
        ({"customProperties": [{"property": "pii", "value": None}]}, True),
        ({"customProperties": [{"property": "pii", "value": " "}]}, True),
        ({"customProperties": [{"property": "pii"}]}, True),
        ({"customProperties": [{"property": "isPii", "value": True}]}, True),
        ({"customProperties": [{"property": "isPii", "value": False}]}, False),
        ({"customProperties": [{"property": "dataClassification", "value": "restricted"}]}, True),
        ({"customProperties": [{"property": "data_classification", "value": "public"}]}, False),
        ({"tags": ["containsPII"]}, True),
        ({"tags": ["PIIData"]}, True),
        ({"tags": ["ＰＩＩ"]}, True),  # noqa: RUF001  full-width letters
        ({"tags": ["SPIIN", "privately"]}, False),
        ({"customProperties": [{"property": "Classification", "value": "internal", "vendor": "other"}]}, True),
        ({"customProperties": [{"property": "classification", "value": "Public"}]}, False),
        ({"classification": "public", "tags": ["confidential"]}, True),
    ],
)
def test_tags_and_custom_properties_hide_in_each_nesting(mark: Mark, *, expected: bool) -> None:
    wrong = [name for name, within in NESTINGS.items() if hidden(within(mark)) is not expected]
    assert not wrong, ", ".join(wrong)


@pytest.mark.parametrize("mark", [{"classification": "internal"}, {"tags": ["pii"]}])
@pytest.mark.parametrize("place", ["schema", "document"])
def test_tags_of_document_and_schema_hide_every_column(place: str, mark: Mark) -> None:
    contract = document(properties=[prop("a", classification="public"), prop("b")])
    (contract if place == "document" else contract["schema"][0]).update(mark)
    found = column_restrictions(contract, STRICT)
    assert [len(reasons) for reasons in found.values()] == [1, 1]
    assert place in str(found["a"][0])


def test_a_property_of_the_description_counts_for_the_document() -> None:
    contract = {**document(), "description": {"usage": "x", "customProperties": [{"property": "pii", "value": True}]}}
    assert list(describe_visibility(None, contract_from_odcs(contract))) == [
        "hidden: id (the document: customProperty pii: True)"
    ]
    assert not contract_from_odcs({**document(), "description": {"usage": "pii"}}).restricted


def test_a_tag_of_the_document_hides_every_column_of_its_contract() -> None:
    contract = contract_from_odcs({**document(properties=[prop("a"), prop("b")]), "tags": ["PII"]})
    assert list(describe_visibility(None, contract)) == [
        "hidden: a (the document: tag 'PII')",
        "hidden: b (the document: tag 'PII')",
    ]


def test_the_setting_of_public_classifications_ignores_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS", "Public, internal ,1")
    monkeypatch.setenv("ANDEN_DATASETS_HIDDEN_TAGS", "vertraulich")
    policy = DatasetsSettings().classification_policy
    assert [hidden({"classification": word}, policy) for word in ("INTERNAL", "1", "public", "2")] == [
        False,
        False,
        False,
        True,
    ]
    assert [hidden({"tags": [tag]}, policy) for tag in ("Vertraulich", "pii")] == [True, False]


@pytest.mark.parametrize(
    ("setting", "tag", "hides"),
    [
        ("personal data", "personal data", True),
        ("personal data", "gdpr:PersonalData", True),
        ("Personal-Data", "personal_data.level2", True),
        ("PersonalData", "personal-data", True),
        ("personaldata", "Personal Data", True),
        ("personal data", "personaldata", True),
        ("dados sens\u00edveis", "dados-sensi\u0301veis", True),
        ("\uff30\uff29\uff29", "pii", True),
        ("c3", "class:C3", True),
        ("finance, personal data ,", "of personal data", True),
        ("personal data", "data personal", False),
        ("personal data", "impersonal data", False),
        ("personal data", "personal", False),
        ("c3", "c31", False),
        ("a.b", "axb", False),
        ("*", "finance", False),
    ],
)
def test_several_words_in_the_setting_hide_however_they_are_separated(
    setting: str, tag: str, hides: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDEN_DATASETS_HIDDEN_TAGS", setting)
    policy = DatasetsSettings().classification_policy
    assert hidden({"tags": [tag]}, policy) is hides
    assert hidden({"customProperties": [{"property": tag, "value": True}]}, policy) is hides


def test_a_setting_of_only_commas_makes_nothing_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_DATASETS_PUBLIC_CLASSIFICATIONS", " , ")
    assert hidden({"classification": "public"}, DatasetsSettings().classification_policy)


def test_the_default_settings_equal_the_strict_policy() -> None:
    assert DatasetsSettings().classification_policy == STRICT


def test_hidden_columns_are_listed_with_their_leaf_and_changes() -> None:
    leaf = NESTINGS["object"]({"classification": "Secret"})
    before = contract_from_odcs(
        document(properties=[prop("a", classification="x"), prop("b"), prop("c", "object", **leaf)])
    )
    now = [prop("a"), prop("b", tags=["pii"]), prop("c", "object", **leaf), prop("d", classification="x")]
    after = contract_from_odcs(document(properties=now))
    assert list(describe_visibility(before, after)) == [
        "now hidden: b (tag 'pii')",
        "hidden: c (c.b: classification 'Secret')",
        "hidden: d (classification 'x')",
        "no longer hidden: a",
    ]


def test_three_of_many_reasons_are_listed() -> None:
    leaves = [prop(f"l{number}", classification="x") for number in range(50)]
    contract = contract_from_odcs(document(properties=[prop("a", "object", properties=leaves)]))
    assert next(describe_visibility(None, contract)).endswith("a.l2: classification 'x'; 47 more)")
