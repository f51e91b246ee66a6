"""Query parameters are validated against the visible schema."""

from pathlib import Path

import pytest

from apps.api.access.visible_schema import SortColumn
from apps.api.errors import ParameterInvalid
from apps.api.records.core.lookups import BY_NAME, LOOKUPS
from apps.api.records.core.query import export_query, item_fields, page_query
from tests.unit.api.shapes import trains, visible_to_grant

TRAINS = trains()
USUAL = visible_to_grant(TRAINS)


def refused(*pairs: tuple[str, str], schema: object = USUAL) -> ParameterInvalid:
    with pytest.raises(ParameterInvalid) as caught:
        page_query(schema, pairs)  # type: ignore[arg-type]
    return caught.value


def test_the_default_is_all_visible_fields_in_primary_key_order() -> None:
    query = page_query(USUAL, [])
    assert [field.name for field in query.fields] == ["train", "at", "delay", "limit", "remark"]
    assert [(column.name, column.descending) for column in query.sort] == [
        ("at", False),
        ("_source", False),
        ("_offset", False),
    ]
    assert (query.limit, query.cursor, query.filters) == (100, "", ())


def test_an_order_ends_with_the_primary_key_in_the_direction_of_its_last_column() -> None:
    assert page_query(USUAL, [("order", "-delay,train")]).sort == (
        SortColumn("delay", descending=True, nullable=True),
        SortColumn("train", descending=False, nullable=False),
        SortColumn("at", descending=False, nullable=False),
        SortColumn("_source", descending=False, nullable=False),
        SortColumn("_offset", descending=False, nullable=False),
    )


def test_the_exact_reverse_of_an_order_reverses_every_column() -> None:
    forth = page_query(USUAL, [("order", "-delay,train")]).sort
    back = page_query(USUAL, [("order", "delay,-train")]).sort
    assert [(column.name, not column.descending) for column in back] == [(c.name, c.descending) for c in forth]


@pytest.mark.parametrize("order", ["delay,train", "-delay", "driver", "remark", "", "-", "at,at", "_offset"])
def test_other_orders_are_rejected_with_a_list_of_the_valid_ones(order: str) -> None:
    error = refused(("order", order))
    assert error.parameter == "order"
    assert "'_id', '-delay,train', 'at'" in str(error)
    assert "driver" not in str(error)


def test_a_field_named_like_a_parameter_is_filtered_with_a_lookup() -> None:
    query = page_query(USUAL, [("limit", "5"), ("limit[eq]", "7")])
    assert query.limit == 5
    assert [(item.field.name, item.lookup.name, item.values) for item in query.filters] == [("limit", "eq", ("7",))]


def test_every_lookup_is_parsed() -> None:
    for lookup in LOOKUPS:
        text = "true" if lookup.flag else 'a,"b,c",""' if lookup.many else "a"
        found = page_query(USUAL, [(f"train[{lookup.name}]", text)]).filters[0]
        assert found.lookup is BY_NAME[lookup.name]
        assert found.values == (("a", "b,c", "") if lookup.many else (text,))


@pytest.mark.parametrize("name", ["driver", "nothing", "_source", "_deleted", "DRIVER", "driver[gte]"])
def test_a_hidden_field_is_rejected_like_an_unknown_one(name: str) -> None:
    bare = name.partition("[")[0]
    assert str(refused((name, "x"))).replace(bare, "…") == str(refused(("zzz", "x"))).replace("zzz", "…")


def test_a_grant_that_names_a_restricted_field_makes_it_visible() -> None:
    schema = visible_to_grant(TRAINS, "driver", "train")
    query = page_query(schema, [("driver[gte]", "M"), ("order", "-driver"), ("fields", "driver")])
    assert query.filters[0].values == ("M",)
    assert [field.name for field in query.fields] == ["driver"]
    assert not schema.has_plaintext_id
    assert not schema.is_complete


def test_a_cursor_is_bound_to_filters_and_order() -> None:
    one = page_query(USUAL, [("train", "A"), ("limit[gte]", "3"), ("order", "at")])
    same = page_query(USUAL, [("limit[gte]", "3"), ("order", "at"), ("train", "A"), ("limit", "9"), ("fields", "at")])
    assert one.fingerprint == same.fingerprint
    for other in ([("train", "B"), ("limit[gte]", "3")], [("train", "A")], [("train[ne]", "A"), ("limit[gte]", "3")]):
        assert page_query(USUAL, [*other, ("order", "at")]).fingerprint != one.fingerprint
    assert page_query(USUAL, [("train", "A"), ("limit[gte]", "3"), ("order", "-at")]).fingerprint != one.fingerprint


def test_the_guide_names_every_lookup() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "api.md").read_text()
    line = next(line for line in guide.splitlines() if line.startswith("| `field=value`, `field[lookup]=value` |"))
    assert [lookup.name for lookup in LOOKUPS if f"`{lookup.name}`" not in line] == []


def test_an_export_is_sorted_only_on_request_and_has_no_pages() -> None:
    assert export_query(USUAL, []).sort == ()
    assert export_query(USUAL, [("order", "at")]).sort[0].name == "at"
    for pair in (("limit", "5"), ("cursor", "x"), ("fields", "_id")):
        with pytest.raises(ParameterInvalid):
            export_query(USUAL, [pair])


def test_a_single_record_accepts_only_fields() -> None:
    assert [field.name for field in item_fields(USUAL, [("fields", "at,_id")])] == ["at"]
    for pairs in ([("train", "A")], [("fields", "at"), ("fields", "at")], [("fields", "at,at")]):
        with pytest.raises(ParameterInvalid):
            item_fields(USUAL, pairs)


def test_too_many_or_malformed_choices_are_rejected() -> None:
    assert "more than 1000" in str(refused(("train[in]", ",".join(["a"] * 1001))))
    assert "unbalanced quotes" in str(refused(("train[in]", '"a')))
