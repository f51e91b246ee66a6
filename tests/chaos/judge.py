"""What must become of a record, decided from its bytes alone. Shares no code with ingest."""

import datetime
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from tests.chaos.plans import EARLIEST, LATEST, Plan

BIGINT: Final = range(-(2**63), 2**63)
LINEAR: Final = re.compile(r"(?:\w(?:\s?\w)*\s?)?")
"""The names that the contract's pattern allows, in a form that does not backtrack."""


class Outcome(StrEnum):
    """What a record becomes."""

    ROW = "row"
    TOMBSTONE = "tombstone"
    REJECT = "reject"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a record, and the values of its row, or of a tombstone's key."""

    outcome: Outcome
    values: Mapping[str, Any]


REJECT: Final = Verdict(Outcome.REJECT, {})
DROP: Final = Verdict(Outcome.DROP, {})


class _Bad(Exception):
    """The record must not become a row."""


def judge(plan: Plan, key: bytes | None, value: bytes | None, columns: Collection[str]) -> Verdict:
    """What the record must become under a version of the contract with these columns."""
    try:
        if value is None:
            return Verdict(Outcome.TOMBSTONE, {"id": _key(plan, key)})
        values = _row(plan, value, columns)
    except _Bad:
        return REJECT
    if plan.monthly and not EARLIEST <= f"{values['at']:%Y-%m}" <= LATEST:
        return DROP if plan.drops_late else REJECT
    return Verdict(Outcome.ROW, values)


def _key(plan: Plan, key: bytes | None) -> int:
    if not plan.upsert or key is None:
        raise _Bad
    found = _parsed(key)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    elif isinstance(found, dict) and found.keys() == {"id"}:
        found = found["id"]
    return _integer(found)


def _row(plan: Plan, value: bytes, columns: Collection[str]) -> dict[str, Any]:
    found = _parsed(value)
    if not isinstance(found, dict) or not found.keys() <= set(columns):
        raise _Bad
    row: dict[str, Any] = dict.fromkeys(columns)
    row |= {"id": _integer(found.get("id")), "seq": _integer(found.get("seq"))}
    for name in row.keys() - {"id", "seq", "amount", "payload", "at"}:
        row[name] = _text(found.get(name))
    if plan.pattern and row["name"] is not None and not LINEAR.fullmatch(row["name"]):
        raise _Bad
    if plan.wide:
        row["amount"] = None if found.get("amount") is None else Decimal(found["amount"])
        row["payload"] = found.get("payload")
        row["at"] = None if found.get("at") is None else datetime.datetime.fromisoformat(found["at"])
    if plan.monthly:
        if row["at"] is None:
            raise _Bad
        row["at"] = row["at"].astimezone(datetime.UTC)
    return row


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise _Bad from error


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in BIGINT:
        raise _Bad
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _Bad
    return value
