"""Contracts and visible schemas for the API's unit tests."""

from typing import Any

from apps.api.access.visible_schema import VisibleSchema, visible_schema
from apps.datasets.core.column_types.types import TYPES
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from tests.documents import document


def every_type(**custom: Any) -> dict[str, Any]:
    """A document with one field per type, named like the type, and one array field per type that allows it."""
    properties: list[dict[str, Any]] = [
        {"name": "key", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1}
    ]
    for spec in TYPES:
        physical = {"numeric": "numeric(12,2)", "varchar": "varchar(8)"}.get(spec.name, spec.name)
        properties.append({"name": spec.name, "logicalType": spec.logical[0], "physicalType": physical})
        if spec.arrayable:
            properties.append({"name": f"{spec.name} list", "logicalType": "array", "physicalType": f"{spec.name}[]"})
    filters = [
        item["name"] for item in properties if "list" not in item["name"] and item["name"] not in {"jsonb", "key"}
    ]
    return document("types", properties, mode="upsert", apiWrites=True, filters=filters, orders=filters, **custom)


def trains() -> Contract:
    """An append dataset with an event time, orders in both directions, and a restricted field."""
    properties: list[dict[str, Any]] = [
        {"name": "train", "logicalType": "string", "required": True},
        {"name": "at", "logicalType": "timestamp", "partitioned": True},
        {"name": "delay", "logicalType": "integer"},
        {"name": "limit", "logicalType": "integer"},
        {"name": "driver", "logicalType": "string", "classification": "restricted"},
        {"name": "remark", "logicalType": "string"},
    ]
    return contract_from_odcs(
        document("trains", properties, orders=["-delay,train", "driver"], filters=["train", "limit", "driver"])
    )


def visible_to_grant(contract: Contract, *columns: str) -> VisibleSchema:
    """The schema visible through a grant with these columns, or without columns."""
    return visible_schema(contract, columns or None)
