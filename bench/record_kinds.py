"""Kinds of records that the measurements send: their contracts, and the values of record number N. Pure."""

import datetime
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

Fields = Mapping[str, Any]

PATTERN: Final = r"^[A-Z]{3}-[0-9]{4,6}$"
CITIES: Final = ("Madrid", "Sevilla", "Bilbao", "Valencia", "Zaragoza", "Málaga", "Vigo")
KINDS: Final = ("search", "view", "basket", "payment", "refund")
START: Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """Records of one shape: ODCS properties, and the fields of record number N in their order."""

    properties: Sequence[dict[str, Any]]
    fields: Callable[[int], Fields]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(item["name"] for item in self.properties)

    def document(self, name: str, *, topic: str = "", **custom: Any) -> dict[str, Any]:
        """The contract of a dataset of this kind; keywords are customProperties."""
        words = [{"property": word, "value": value} for word, value in custom.items()]
        schema = {
            "name": name,
            "physicalName": topic or name,
            "properties": [dict(item) for item in self.properties],
            "customProperties": words,
        }
        return {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": f"urn:anden:bench:{name}",
            "version": "1.0.0",
            "status": "active",
            "schema": [schema],
        }

    def value(self, number: int) -> bytes:
        """The record's value."""
        return msgspec.json.encode(self.fields(number))


def event_fields(number: int) -> Fields:
    """The fields of an event."""
    return {
        "id": str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128)),
        "at": _time(number),
        "amount": number % 1_000_003 / 100,
        "kind": KINDS[number % len(KINDS)],
        "reference": f"{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}A-{1000 + number % 900_000}",
        "confirmed": number % 3 == 0,
        "details": {"city": CITIES[number % len(CITIES)], "items": number % 9, "channel": {"app": True, "v": [1, 2]}},
    }


def order_fields(number: int) -> Fields:
    """The fields of an order."""
    return {
        "id": number,
        "at": _time(number),
        "customer": f"customer {number % 5_003}",
        "city": CITIES[number % len(CITIES)],
        "amount": number % 1_000_003 / 100,
        "paid": number % 3 == 0,
    }


def _time(number: int) -> str:
    moment = START + datetime.timedelta(milliseconds=number)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _property(name: str, logical: str, physical: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": logical, "physicalType": physical, **more}


def _events(**checks: Any) -> RecordKind:
    reference = _property("reference", "string", "text", required=True)
    return RecordKind(
        (
            _property("id", "string", "uuid", required=True),
            _property("at", "timestamp", "timestamptz", required=True),
            _property("amount", "number", "numeric(12,2)"),
            _property("kind", "string", "text", required=True),
            reference | ({"logicalTypeOptions": checks} if checks else {}),
            _property("confirmed", "boolean", "boolean"),
            _property("details", "object", "jsonb"),
        ),
        event_fields,
    )


def _orders(**identity: Any) -> RecordKind:
    return RecordKind(
        (
            _property("id", "integer", "bigint", required=True, **identity),
            _property("at", "timestamp", "timestamptz", required=True),
            _property("customer", "string", "text"),
            _property("city", "string", "text"),
            _property("amount", "number", "numeric(12,2)"),
            _property("paid", "boolean", "boolean"),
        ),
        order_fields,
    )


def _partitioned(kind: RecordKind, event_time: str) -> RecordKind:
    """The kind with one partition per month of this field."""
    return RecordKind(
        tuple(item | {"partitioned": True} if item["name"] == event_time else item for item in kind.properties),
        kind.fields,
    )


EVENTS: Final = _events()
EVENTS_WITH_PATTERN: Final = _events(pattern=PATTERN)
ORDERS: Final = _orders()
UNIQUE_ORDERS: Final = _orders(unique=True)
KEYED_ORDERS: Final = _orders(primaryKey=True, primaryKeyPosition=1)
DATED_ORDERS: Final = _partitioned(ORDERS, "at")
