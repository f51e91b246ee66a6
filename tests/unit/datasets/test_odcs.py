"""Contracts are read from ODCS documents, and rejected with path, rule and remedy."""

import datetime
from typing import Any

import pytest

from apps.datasets.core.contract.contract import LatePolicy, OrderColumn, UnknownFieldsPolicy, WriteMode
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import ContractInvalid
from tests.documents import document, prop

TIME = prop("at", "timestamp", partitioned=True)
KEY = prop("id", "integer", primaryKey=True)


def refused(broken: object) -> str:
    with pytest.raises(ContractInvalid) as error:
        contract_from_odcs(broken)
    return str(error.value)


def test_every_property_of_a_contract_is_read() -> None:
    contract = contract_from_odcs(
        document(
            "sales",
            [
                prop("id", "integer", "int", primaryKey=True, primaryKeyPosition=2, description="the number"),
                {**TIME, "primaryKey": True, "primaryKeyPosition": 1},
                prop("amount", "number", "numeric(12,2)", logicalTypeOptions={"minimum": 0}, required=True),
                prop("card", "string", classification="restricted"),
            ],
            physical_name="shop.sales",
            sla=[
                {"property": "retention", "value": 2, "unit": "y"},
                {"property": "latency", "value": 5, "unit": "min"},
            ],
            mode="upsert",
            unknownFields="keep",
            apiWrites=True,
            orders=["-amount,id"],
            filters=["amount"],
            late="drop",
            earliest="2013-01",
            latest="2014-01",
            format="json",
            topic={"partitions": 6, "retentionHours": 24, "cleanupPolicy": "compact"},
        )
    )
    assert (contract.name, contract.topic, contract.mode) == ("sales", "shop.sales", WriteMode.UPSERT)
    assert contract.key == contract.primary_key == ("at", "id")
    assert contract.event_time == "at"
    assert [field.type.sql for field in contract.fields] == ["integer", "timestamptz", "numeric(12,2)", "text"]
    assert [field.required for field in contract.fields] == [True, True, True, False]
    assert contract.field("card").restricted
    assert contract.orders == ((OrderColumn("amount", descending=True), OrderColumn("id")),)
    assert contract.unknown_fields is UnknownFieldsPolicy.KEEP
    assert contract.late is LatePolicy.DROP
    assert (contract.earliest, contract.latest) == (datetime.date(2013, 1, 1), datetime.date(2014, 1, 1))
    assert contract.format == "json"
    assert (contract.retention_days, contract.latency_s) == (730, 300.0)
    assert (contract.topic_spec.partitions, contract.topic_spec.retention_hours) == (6, 24)


@pytest.mark.parametrize(
    ("broken", "path", "rule"),
    [
        ("text", "$:", "not a mapping"),
        ({}, "$", "required property"),
        ({**document(), "extra": 1}, "$", "extra"),
        ({**document(), "schema": []}, "$.schema", "exactly one schema"),
        (document(properties=()), "$.schema[0].properties", "1 to 500"),
        (document(physical_name="a b"), "$.schema[0].physicalName", "topic"),
        (document(properties=[prop("a", physicalType="money")]), "properties[0].physicalType", "money"),
        (
            document(properties=[prop("a", physicalType="a" + " " * 9_999 + "!")]),
            "properties[0].physicalType",
            "not one of",
        ),
        (document(properties=[prop("a", physicalType="a b " * 99_999)]), "properties[0].physicalType", "not one of"),
        (document(properties=[prop("a", "integer", "text")]), "properties[0].physicalType", "does not fit"),
        (document(properties=[prop("a"), prop("a")]), "$.schema[0].properties", "duplicate"),
        (
            document(properties=[prop("a", logicalTypeOptions={"format": "email"})]),
            "logicalTypeOptions.format",
            "check",
        ),
        (
            document(properties=[prop("a", logicalTypeOptions={"minLength": -1})]),
            "logicalTypeOptions.minLength",
            "minimum of 0",
        ),
        (
            document(properties=[prop("a", logicalTypeOptions={"pattern": "("})]),
            "logicalTypeOptions.pattern",
            "not a regular expression: missing )",
        ),
        (
            document(properties=[prop("a", "number", logicalTypeOptions={"minimum": float("nan")})]),
            "logicalTypeOptions.minimum",
            "not a number",
        ),
        (
            document(properties=[prop("a", "number", logicalTypeOptions={"maximum": 10**400})]),
            "logicalTypeOptions.maximum",
            "not a number",
        ),
        (document(properties=[prop("a", enum=[{"value": 1}])]), "properties[0].enum", "type"),
        (document(properties=[prop("a", enum=[{"value": None}])]), "properties[0].enum", "type"),
        (document(properties=[prop("a", "integer", enum=[{"value": 2**63}])]), "properties[0].enum", "type"),
        (
            document(properties=[prop("a", physicalName="b")]),
            "properties[0].physicalName",
            "same name as its property",
        ),
        (document(unkownFields="keep"), "customProperties[0].property", "unkownFields"),
        (document(mode="merge"), "customProperties[0].value", "append, upsert"),
        (document(mode=["append"]), "customProperties[0].value", "append, upsert"),
        (document(mode="upsert"), "$.schema[0].properties", "needs a key"),
        (document(properties=[KEY]), "$.schema[0].properties", "append"),
        (document(apiWrites=True), "customProperties", "requires mode: upsert"),
        (document(earliest="2013-13"), "customProperties[0].value", "month"),
        (document(earliest="2013-01"), "customProperties", "no property is partitioned"),
        (document(properties=[TIME], earliest="2014-01", latest="2013-01"), "customProperties", "after latest"),
        (document(properties=[KEY, TIME], mode="upsert"), "properties", "must include it"),
        (document(properties=[TIME, prop("b", unique=True)]), "properties", "cannot enforce 'b' as unique"),
        (document(properties=[prop("at", partitioned=True)]), "properties", "not a timestamp"),
        (document(orders=["nothing"]), "customProperties", "names an unknown field 'nothing'"),
        (document(properties=[prop("j", "object")], orders=["j"]), "customProperties", "no order"),
        (document(filters=["nothing"]), "customProperties", "filters names an unknown field"),
        (document(topic={"partitions": 0}), "customProperties[0].value.partitions", "1 to 100000"),
        (document(sla=[{"property": "latency", "value": -1, "unit": "s"}]), "$.slaProperties[0]", "above 0"),
        (document(sla=[{"property": "retention", "value": float("inf")}]), "$.slaProperties[0]", "above 0"),
        (document(sla=[{"property": "latency", "value": 10**400, "unit": "y"}]), "$.slaProperties[0]", "above 0"),
        (
            document(properties=[prop("f", "number", "real", primaryKey=True)], mode="upsert"),
            "$.schema[0].properties",
            "cannot be part of a key",
        ),
    ],
)
def test_a_violated_rule_is_reported_with_its_path(broken: Any, path: str, rule: str) -> None:
    message = refused(broken)
    assert path in message
    assert rule in message


def test_all_problems_are_reported_together() -> None:
    message = refused(document("a%", [prop('b"'), prop("c", "integer", "money")]))
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize(
    "name",
    [
        "Mixed Case",
        "select",
        "id",
        "naïve",
        "🛩️ flights",
        "a;b",
        "x' OR '1'='1",
        "data",
        "a.b",
        "a:b",
        "limit",
        "x" * 63,
    ],
)
def test_unusual_names_are_accepted_unchanged(name: str) -> None:
    contract = contract_from_odcs(document(name, [prop(name)]))
    assert contract.name == name
    assert contract.fields[0].name == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ('a"b', "double quote"),
        ("50%", "percent"),
        ("x" * 64, "64 bytes"),
        ("é" * 32, "64 bytes"),
        ("_offset", "starts with '_'"),
        ("-a", "starts with '-'"),
        ("xmin", "system column"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        (" a", "space"),
        ("e\u0301", "normalization form"),
        ("a,b", "comma"),
        ("a[b]", "bracket"),
        ("a/b", "slash"),
        ("a$b", "dollar"),
        ("", "empty"),
        ("\ud800", "control character"),
    ],
)
def test_invalid_names_are_rejected_by_name(name: str, why: str) -> None:
    for broken in (document(name), document(properties=[prop(name)])):
        message = refused(broken)
        assert why in message
        assert repr(name) in message
