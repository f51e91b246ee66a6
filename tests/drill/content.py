"""The datasets of the drill and their records: each record knows what must become of it."""

import datetime
import json
import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.documents import document, prop

Fate = Literal["row", "tombstone", "quarantine"]
"""What must become of a record."""

FIRST_MONTH: Final = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
MONTHS: Final = 240
"""Months that `readings` accepts."""
PLACES: Final = ("north", "east", "south", "west")
LATE_MS: Final = 4_000
"""How much earlier than its production the timestamp of an upsert may be."""


@dataclass(frozen=True, slots=True)
class Load:
    """A record to send. `after`: send it to the partition of the previous one, so that it arrives later."""

    value: bytes | None
    fate: Fate
    key: bytes | None = None
    age_ms: int = 0
    after: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A dataset, its rate of records and their generator. `columns` are compared by the audit."""

    name: str
    columns: tuple[str, ...]
    properties: tuple[Mapping[str, Any], ...]
    custom: Mapping[str, Any]
    per_second: int
    partitions: int
    make: Callable[[random.Random, int], Iterator[Load]]

    @property
    def topic(self) -> str:
        return f"drill.{self.name}"

    @property
    def upsert(self) -> bool:
        return bool(self.custom["mode"] == "upsert")

    def contract(self, *more: Mapping[str, Any]) -> dict[str, Any]:
        """The contract, with additional properties."""
        custom = {**self.custom, "topic": {"partitions": self.partitions}}
        return document(self.name, (*self.properties, *more), physical_name=self.topic, **custom)


def checksum(*parts: object) -> int:
    """A checksum of a record's other fields, by which a client recognises a wrong body."""
    return zlib.crc32("|".join(map(str, parts)).encode())


def encoded(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members).encode()


def _readings(chance: random.Random, number: int) -> Iterator[Load]:
    month = number // 400 % MONTHS
    moment = FIRST_MONTH + datetime.timedelta(days=30.4 * month + 1, seconds=number % 86_400)
    place, amount = chance.choice(PLACES), f"{chance.randrange(1_000_000) / 100:.2f}"
    members: dict[str, Any] = {
        "number": number,
        "moment": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "place": place,
        "amount": amount,
        "check": checksum(number, place),
    }
    fault = number % 50
    if fault == 7:
        yield Load(encoded({**members, "place": "nowhere"}), "quarantine")
    elif fault == 23:
        yield Load(encoded({**members, "moment": "2031-05-05T00:00:00Z"}), "quarantine")
    elif fault == 41:
        yield Load(b'{"number": ', "quarantine")
    else:
        yield Load(encoded(members), "row")


def _states(chance: random.Random, number: int) -> Iterator[Load]:
    yield from _upserts(chance, number, f"s-{chance.randrange(400)}", tombstones=True)


def _accounts(chance: random.Random, number: int) -> Iterator[Load]:
    # Clients write the keys that begin with m, too.
    tombstones = bool(number % 3)
    yield from _upserts(chance, number, f"{'km'[not tombstones]}-{chance.randrange(30)}", tombstones=tombstones)


def _upserts(chance: random.Random, number: int, name: str, *, tombstones: bool) -> Iterator[Load]:
    age, key = chance.randrange(LATE_MS), encoded({"id": name})
    fault = number % 40
    if tombstones and fault in {3, 17, 31}:
        yield Load(None, "tombstone", key, age)
    elif fault == 5:
        yield Load(None, "quarantine", age_ms=age)  # a tombstone without a key
    elif fault == 19:
        yield Load(encoded({"id": name, "amount": "much", "check": 0}), "quarantine", key, age)
    else:
        yield Load(encoded({"id": name, "amount": number, "check": checksum(name, number)}), "row", key, age)


def _events(chance: random.Random, number: int) -> Iterator[Load]:
    detail = {"list": [chance.random() for _ in range(3)], "text": "é" * chance.randrange(40)}
    value = encoded({"number": number, "code": f"c{number}", "detail": detail})
    yield Load(value, "row")
    if number % 120 == 60:  # violates the unique constraint: only PostgreSQL can find that out
        yield Load(value, "quarantine", after=True)
    if number % 90 == 45:
        yield Load(encoded({"number": number, "code": f"d{number}\u0000", "detail": {}}), "quarantine")


def _visits(chance: random.Random, number: int) -> Iterator[Load]:
    yield Load(encoded({"number": number, "place": chance.choice(PLACES)}), "row")


_AMOUNTS: Final = (
    prop("id", required=True, primaryKey=True, primaryKeyPosition=1),
    prop("amount", "integer", "bigint", required=True),
    prop("check", "integer", "bigint", required=True),
)

READINGS: Final = Feed(
    "readings",
    ("number", "moment", "place", "amount", "check"),
    (
        prop("number", "integer", "bigint", required=True),
        prop("moment", "timestamp", "timestamptz", required=True, partitioned=True),
        prop("place", required=True, enum=[{"value": place} for place in PLACES]),
        prop("amount", "number", "numeric(12,2)", required=True),
        prop("check", "integer", "bigint", required=True),
    ),
    {"mode": "append", "filters": ["place"], "orders": ["number"], "earliest": "2000-01", "latest": "2019-12"},
    per_second=150,
    partitions=4,
    make=_readings,
)
STATES: Final = Feed(
    "states", ("id", "amount", "check"), _AMOUNTS, {"mode": "upsert"}, per_second=80, partitions=3, make=_states
)
ACCOUNTS: Final = Feed(
    "accounts",
    ("id", "amount", "check"),
    _AMOUNTS,
    {"mode": "upsert", "apiWrites": True},
    per_second=30,
    partitions=2,
    make=_accounts,
)
EVENTS: Final = Feed(
    "events",
    ("number", "code", "detail"),
    (
        prop("number", "integer", "bigint", required=True),
        prop("code", unique=True),
        prop("detail", "object", "jsonb"),
    ),
    {"mode": "append"},
    per_second=80,
    partitions=3,
    make=_events,
)
VISITS: Final = Feed(
    "visits",
    ("number", "place"),
    (prop("number", "integer", "bigint", required=True), prop("place")),
    {"mode": "append"},
    per_second=40,
    partitions=2,
    make=_visits,
)

FIRST_FEEDS: Final = (READINGS, STATES, ACCOUNTS, EVENTS)
"""What both releases read from the beginning; `visits` is applied while both run."""
FEEDS: Final = (*FIRST_FEEDS, VISITS)
NEW_COLUMN: Final = prop("origin", description="Added while both releases run.")
"""A column that `events` gets while both releases run."""
