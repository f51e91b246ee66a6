"""Small ODCS documents for tests."""

from collections.abc import Mapping, Sequence
from typing import Any


def document(
    name: str = "things",
    properties: Sequence[Mapping[str, Any]] = ({"name": "id", "logicalType": "integer"},),
    *,
    physical_name: str = "things",
    sla: Sequence[Mapping[str, Any]] = (),
    **custom: Any,
) -> dict[str, Any]:
    """A document with one schema. Keywords become customProperties."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "urn:anden:test",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            {
                "name": name,
                "physicalName": physical_name,
                "properties": [dict(item) for item in properties],
                "customProperties": [{"property": word, "value": value} for word, value in custom.items()],
            }
        ],
        **({"slaProperties": [dict(item) for item in sla]} if sla else {}),
    }


def prop(name: str, logical: str = "string", physical: str | None = None, **more: Any) -> dict[str, Any]:
    """One property. Keywords are ODCS names."""
    return {"name": name, "logicalType": logical, **({"physicalType": physical} if physical else {}), **more}
