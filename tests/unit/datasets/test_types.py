"""The table of types: each row has its facets, and they agree with each other."""

import dataclasses
import datetime
import fractions
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format

from apps.api.records.core.literals import literal
from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.column_types.type_spec import COLUMN, TypeSpec
from apps.datasets.core.column_types.types import BY_NAME, DEFAULT_PHYSICAL, TYPES, ColumnType
from apps.datasets.core.contract.contract import Contract, ContractField, WriteMode
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record import value_checks
from apps.datasets.core.record.json_reader import JsonReader
from tests.bulk_rows import bulk_outcomes, comparable, suspects

each_type = pytest.mark.parametrize("spec", TYPES, ids=lambda spec: spec.name)


def reader(spec: TypeSpec, *, array: bool = False) -> JsonReader:
    field = ContractField("value", ColumnType(spec, array=array), spec.logical[0])
    return JsonReader(Contract("things", "things", "1", (field,), WriteMode.APPEND))


def decoded(spec: TypeSpec, text: str, *, array: bool = False) -> Any:
    """The value of this JSON in a record, identical alone and in bulk."""
    one = reader(spec, array=array)
    record = f'{{"value":{text}}}'.encode()
    row = one.decode(record)
    assert bulk_outcomes(one, [record, record]) == [comparable(one, row)] * 2
    assert suspects(one, [record, record]) == []
    return row[0]


def url_text(json_text: str) -> str:
    """The JSON value as a client writes it in a URL."""
    value = msgspec.json.decode(json_text)
    return value if isinstance(value, str) else json_text


def dumped(value: Any, wire: str) -> bytes:
    """The value as a binary COPY sends it."""
    driver = Transformer()
    driver.set_dumper_types([psycopg.adapters.types.get_oid(wire)], Format.BINARY)
    return bytes(driver.dump_sequence([value], [PyFormat.BINARY])[0] or b"")


def test_a_name_belongs_to_one_type() -> None:
    assert len(BY_NAME) == sum(1 + len(spec.aliases) for spec in TYPES)
    assert all(logical in BY_NAME[name].logical for logical, name in DEFAULT_PHYSICAL.items())


@each_type
def test_the_example_is_valid_and_other_values_are_not(spec: TypeSpec) -> None:
    assert isinstance(decoded(spec, spec.example), spec.python)
    with pytest.raises(BadRecord, match=r"^'value' is not ") as error:
        decoded(spec, "[[]]")
    assert (error.value.reason, error.value.field) == ("wrong_type", "value")


@each_type
def test_msgspec_or_the_type_decodes_the_class(spec: TypeSpec) -> None:
    known = not isinstance(msgspec.inspect.type_info(spec.python), msgspec.inspect.CustomType)
    assert known is (spec.decode is None)


@each_type
def test_a_value_equals_the_literal_of_its_text(spec: TypeSpec) -> None:
    if spec.literal is None:
        assert spec.document, "only a document cannot be compared: set literal"
        return
    text = literal(ColumnType(spec), url_text(spec.example))
    assert decoded(spec, spec.as_json(text).decode()) == decoded(spec, spec.example)


@each_type
def test_the_driver_sends_the_value_and_its_array(spec: TypeSpec) -> None:
    if not spec.document:
        assert dumped(decoded(spec, spec.example), spec.wire)
    if spec.arrayable:
        many = decoded(spec, f"[{spec.example},null,{spec.example}]", array=True)
        assert [type(item) for item in many] == [type(many[0]), type(None), type(many[0])]
        assert dumped(many, f"{spec.wire}[]")


@each_type
def test_each_sql_form_uses_the_column(spec: TypeSpec) -> None:
    for facet in ("json_sql", "csv_sql", "text_sql", "beginning_sql"):
        assert '"a{b}"' in getattr(spec, facet).format('"a{b}"', 61), facet
    # PostgreSQL formats the elements of an array.
    assert spec.json_sql == COLUMN or not spec.arrayable, "arrayable"


@each_type
def test_the_size_of_a_value_comes_from_its_type_or_its_value(spec: TypeSpec) -> None:
    widest = spec.width(())
    if widest is not None:
        assert len(spec.example.encode()) <= widest, "width"
    elif not spec.document:
        assert "x" in spec.size_sql.format("x"), "size_sql"
    assert widest is None or not spec.grows, "grows"


@each_type
def test_a_type_lists_its_supported_options(spec: TypeSpec) -> None:
    assert set(spec.options.values()) <= {field.name for field in dataclasses.fields(FieldChecks)}, "options"
    assert (spec.low is None) is (spec.high is None)
    assert not spec.event_time or issubclass(spec.python, datetime.date), "event_time"
    assert spec.exact or spec.ordered, "exact"
    assert set(spec.widens_to) <= {other.name for other in TYPES}, "widens_to"
    if spec.modifiers:
        assert spec.modifiers.rule.startswith(f"{spec.name}("), "rule"
        assert not spec.modifiers.fit(0), "fit"
        assert spec.modifiers.fit(1), "fit"
        assert spec.modifiers.widen((1,), ()), "widen"
        assert not spec.modifiers.widen((), (1,)), "widen"


def test_a_class_unknown_to_msgspec_is_decoded_from_a_string(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(value_checks.DECODERS, fractions.Fraction, ("fraction", fractions.Fraction))
    spec = TypeSpec(
        "fraction", "text", ("string",), fractions.Fraction, '"1/3"', literal=str, decode=fractions.Fraction
    )
    assert decoded(spec, spec.example) == fractions.Fraction(1, 3)
    assert decoded(spec, '["1/3",null]', array=True) == [fractions.Fraction(1, 3), None]
    assert decoded(spec, "null") is None
    for wrong in ('"one third"', "1", "[]"):
        with pytest.raises(BadRecord, match=r"^'value' is not of type fraction$"):
            decoded(spec, wrong)
    with pytest.raises(BadRecord, match=r"^item 1 of 'value' is not of type fraction$"):
        decoded(spec, '["one third"]', array=True)
