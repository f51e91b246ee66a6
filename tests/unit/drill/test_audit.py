"""The drill's audit finds every kind of difference between Kafka and PostgreSQL."""

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.drill.audit import BATCHES, QUARANTINE, SOURCES, Audit, Sent
from tests.drill.clients import Written
from tests.drill.content import ACCOUNTS, EVENTS, READINGS, STATES, VISITS

READING = {"number": 1, "moment": "2000-01-02T00:00:00Z", "place": "east", "amount": "1.50", "check": 5}


def sent(
    topic: str, partition: int, offset: int, at_ms: int, members: Any, *, fate: str = "row", key: str = ""
) -> Sent:
    value = None if members is None else json.dumps(members).encode()
    return Sent((topic, partition, offset), at_ms, json.dumps({"id": key}).encode() if key else None, value, fate)


def amount(name: str, number: int) -> dict[str, Any]:
    return {"id": name, "amount": number, "check": 0}


KAFKA = [
    sent(READINGS.topic, 0, 0, 0, READING),
    sent(READINGS.topic, 0, 1, 0, {"number": "x"}, fate="quarantine"),
    sent(READINGS.topic, 0, 2, 0, {**READING, "number": 2}),
    sent(STATES.topic, 0, 0, 5_000, amount("s-1", 1)),
    # Raised to the running maximum of its partition, it wins over the next one.
    sent(STATES.topic, 0, 1, 1_000, amount("s-1", 2)),
    sent(STATES.topic, 1, 0, 4_000, amount("s-1", 3)),
    sent(STATES.topic, 1, 1, 6_000, amount("s-2", 4)),
    sent(STATES.topic, 1, 2, 6_000, None, fate="tombstone", key="s-2"),
    sent(ACCOUNTS.topic, 0, 0, 2_000, amount("m-1", 5)),
    sent(ACCOUNTS.topic, 0, 1, 9_000, amount("m-2", 6)),
    sent(EVENTS.topic, 0, 0, 0, {"number": 1, "code": "c1", "detail": {"a": [1]}}),
    sent(VISITS.topic, 0, 0, 0, {"number": 1, "place": "east"}),
]
WRITTEN = {"m-1": Written(50, 3.0, 3.1), "m-2": Written(60, 3.0, 3.1), "a-1": Written(None, 3.0, 3.1)}


def at(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


class Tables:
    """What PostgreSQL would hold: the answers to the audit's queries, which a test changes."""

    def __init__(self) -> None:
        self.sources = [
            [1, READINGS.topic, 0, 3, "", ""],
            [2, STATES.topic, 0, 2, "", ""],
            [3, STATES.topic, 1, 3, "", ""],
            [4, ACCOUNTS.topic, 0, 2, "", ""],
            [5, EVENTS.topic, 0, 1, "", ""],
            [6, VISITS.topic, 0, 1, "", ""],
        ]
        self.quarantine = [[1, 1, b'{"number": "x"}', None]]
        self.batches = [
            [1, 0, 0, 1],
            [1, 1, 2, 2],
            [2, 0, 1, 2],
            [3, 0, 2, 3],
            [4, 0, 1, 2],
            [5, 0, 0, 1],
            [6, 0, 0, 1],
        ]
        stored = {**READING, "moment": "2000-01-02T00:00:00+00:00", "amount": 1.5}
        self.readings: list[list[Any]] = [[1, 0, stored], [1, 2, {**stored, "number": 2}]]
        self.states: list[list[Any]] = [["s-1", 2, False, 2, 1, at(5)], ["s-2", None, True, 3, 2, at(6)]]
        self.accounts: list[list[Any]] = [
            ["m-1", 50, False, 0, 7, at(3)],
            ["m-2", 6, False, 4, 1, at(9)],
            ["a-1", None, True, 0, 9, at(3)],
        ]
        self.events: list[list[Any]] = [[5, 0, {"number": 1, "code": "c1", "detail": {"a": [1]}}]]
        self.visits: list[list[Any]] = [[6, 0, {"number": 1, "place": "east"}]]

    def ask(self, query: str) -> list[Any]:
        known: Mapping[str, Any] = {SOURCES: self.sources, QUARANTINE: self.quarantine, BATCHES: self.batches}
        if query in known:
            return [tuple(row) for row in known[query]]
        for feed in (READINGS, STATES, ACCOUNTS, EVENTS, VISITS):
            if f"'{feed.name}'" in query:
                return [(name,) for name in feed.columns]
            if f"data.{feed.name}" in query:
                return [tuple(row) for row in getattr(self, feed.name)]
        raise AssertionError(query)


def differences(tables: Tables) -> list[str]:
    return list(Audit(tables.ask, KAFKA, WRITTEN).run().differences)


def test_equal_contents_have_no_difference() -> None:
    assert differences(Tables()) == []


def change(rows: str, index: int, column: int, value: Any) -> Callable[[Tables], None]:
    def apply(tables: Tables) -> None:
        getattr(tables, rows)[index][column] = value

    return apply


def drop(rows: str, index: int) -> Callable[[Tables], None]:
    return lambda tables: getattr(tables, rows).pop(index)


def add(rows: str, *row: Any) -> Callable[[Tables], None]:
    return lambda tables: getattr(tables, rows).append(list(row))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (drop("readings", 1), "1 records of readings lost"),
        (add("readings", 1, 0, READING), "1 records of readings stored twice"),
        (add("readings", 1, 1, READING), "1 rows of readings without a record"),
        (change("readings", 0, 2, {**READING, "amount": 1.51}), "1 rows of readings with other values"),
        (drop("quarantine", 0), "1 bad records lost"),
        (add("quarantine", 1, 1, b'{"number": "x"}', None), "1 records quarantined twice"),
        (add("quarantine", 1, 2, b"", None), "1 good records quarantined"),
        (change("quarantine", 0, 2, b"{}"), "1 changed in quarantine"),
        (change("sources", 0, 3, 2), "1 positions not at the end"),
        (change("sources", 0, 5, "stopped"), "1 positions with an error"),
        (add("sources", 7, VISITS.topic, 0, 1, "", ""), "1 partitions with several positions"),
        (drop("sources", 5), "1 partitions without a position"),
        (drop("batches", 0), "1 gaps or overlaps in the ledger"),
        (change("batches", 1, 3, 3), "1 wrong sums in the ledger"),
        (change("states", 0, 1, 3), "1 wrong winners in states"),
        (change("states", 0, 4, 0), "1 wrong winners in states"),
        (change("states", 1, 2, False), "1 wrong winners in states"),
        (drop("states", 0), "1 keys of states that differ"),
        (change("accounts", 0, 1, 49), "1 wrong winners in accounts"),
        (lambda tables: tables.accounts.__setitem__(0, ["m-1", 5, False, 4, 0, at(2)]), "1 wrong winners in accounts"),
        (
            lambda tables: tables.accounts.__setitem__(1, ["m-2", 60, False, 0, 8, at(3)]),
            "1 wrong winners in accounts",
        ),
        (change("accounts", 2, 2, False), "1 wrong winners in accounts"),
    ],
)
def test_each_difference_is_found(spoil: Callable[[Tables], None], wanted: str) -> None:
    tables = Tables()
    spoil(tables)
    assert any(found.startswith(wanted) for found in differences(tables)), differences(tables)
