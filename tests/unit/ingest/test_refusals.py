"""PostgreSQL's rejections in the contract's terms: fields and rule, without the value."""

from typing import Any

import msgspec
import pytest

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.table.ddl import constraint_name, indexed_columns, indexes
from apps.ingest.core.errors import RecordRefused
from apps.ingest.core.refusals import refused_record, without_values
from tests.documents import document, prop

ID = 7
FIELDS = [
    prop("code", required=True, unique=True),
    prop("town"),
    prop("street"),
    prop("doc", "object"),
]


def contract() -> Contract:
    return contract_from_odcs(document("things", FIELDS, filters=["town"]))


def constraint(kind: str, field: str) -> str:
    return constraint_name(ID, kind, contract().field(field))


def found(values: dict[str, Any] | None = None, **refused: Any) -> list[tuple[str, ...]]:
    error = RecordRefused(refused.pop("message", 'no: "secret"'), **refused)
    return [tuple(fault) for fault in refused_record(contract(), ID, error, values).faults]


def test_a_unique_field_is_named_without_its_value() -> None:
    rule = "'code' must be unique, and another row already has this value"
    assert found(sqlstate="23505", constraint=constraint("unique", "code")) == [("code", "refused_by_database", rule)]


def test_a_required_field_is_named() -> None:
    rule = ("code", "refused_by_database", "'code' is required but null")
    assert found(sqlstate="23502", column="code") == [rule]
    assert found(sqlstate="23514", constraint=constraint("required", "code")) == [rule]


def test_a_rejected_value_names_the_column_of_the_copy() -> None:
    rule = "PostgreSQL cannot store 'town': value too long for type character varying(3)"
    message = "value too long for type character varying(3)"
    assert found(sqlstate="22001", column="town", message=message) == [("town", "refused_by_database", rule)]
    assert found(sqlstate="22000", message="no")[0][0] == ""


def test_json_that_is_not_utf8_names_its_field() -> None:
    values = {"code": "x", "doc": msgspec.Raw(b'{"a":"\xed\xa0\x80"}')}
    assert found(values, sqlstate="22021") == [
        ("doc", "refused_by_database", "'doc' contains half of a surrogate pair, which is no character")
    ]


def test_a_value_too_long_for_its_index_is_named() -> None:
    index = next(iter(indexes(contract(), ID)))
    values = {"code": "x", "town": "x" * 9_000, "street": "x" * 9_000}
    for name in (index, "a_partitions_own_index"):
        faults = found(values, sqlstate="54000", constraint=name)
        assert [fault[:2] for fault in faults] == [("town", "too_large")]
    message = "index row requires 9016 bytes, maximum size is 8191"
    assert [fault[:2] for fault in found(values, sqlstate="54000", message=message)] == [("town", "too_large")]
    assert found(values, sqlstate="54000")[0][:2] == ("", "too_large")


def test_the_columns_of_an_index_are_those_of_its_statement() -> None:
    for name, statement in indexes(contract(), ID).items():
        assert all(f'"{column}"' in statement for column in indexed_columns(contract(), ID, name))
    assert indexed_columns(contract(), ID, constraint("unique", "code")) == ("code",)
    assert indexed_columns(contract(), ID, "unknown") == ("town", "code")


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ('invalid input syntax for type integer: "secret"', "invalid input syntax for type integer"),
        ('value "secret" is out of range for type integer', "value … is out of range for type integer"),
        ('value "se"cret" is out of range', "value … is out of range"),
        ('value "se: cret" is out of range', "value …"),
        ("numeric field overflow", "numeric field overflow"),
    ],
)
def test_what_postgresql_quotes_is_left_out(message: str, kept: str) -> None:
    assert without_values(message) == kept
