"""The records that producers send: good ones, and bad ones of every kind."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.chaos.plans import KEYS, Plan

IN_MONTHS: Final = ("2026-01-31T23:59:59.999999Z", "2026-02-01T00:00:00Z", "2026-03-15T12:00:00+05:30")
LATE: Final = ("2025-12-31T23:59:59.999999Z", "2026-07-01T00:00:00Z")
LATE_SHARE: Final = 0.02
TOMBSTONES: Final = 0.1
MIB: Final = 1024 * 1024

Content = tuple[bytes | None, bytes | None]
"""Key and value."""


def good(plan: Plan, number: int, chance: random.Random, *, added: Sequence[str] = ()) -> Content:
    """An ordinary record of the topic: some of them late, or tombstones, where the dataset knows such."""
    key = chance.randrange(KEYS)
    if plan.upsert and chance.random() < TOMBSTONES:
        return chance.choice((b"%d" % key, b"[%d]" % key, b'{"id":%d}' % key)), None
    more = {name: f"{name} of {number}" for name in added if chance.random() < 0.5}
    return b"%d" % key, json.dumps(fields(plan, key, number, chance) | more).encode()


def fields(plan: Plan, key: int, number: int, chance: random.Random) -> dict[str, Any]:
    """The fields of an ordinary record."""
    found: dict[str, Any] = {"id": key, "seq": number, "name": f"record {number} of {plan.topic}"}
    if plan.wide:
        found |= {
            "amount": f"{chance.randrange(-(10**9), 10**9)}.{chance.randrange(100):02}",
            "payload": {"k": [number, {"é": "ü"}, None], "b": chance.random() < 0.5},
            "at": _moment(plan, chance),
        }
    if chance.random() < 0.1:
        del found["name"]
    return found


def _moment(plan: Plan, chance: random.Random) -> str:
    if plan.monthly and chance.random() < LATE_SHARE:
        return chance.choice(LATE)
    if plan.monthly and chance.random() < 0.1:
        return chance.choice(IN_MONTHS)
    return f"2026-0{chance.randint(1, 6)}-{chance.randint(1, 28):02}T{chance.randrange(24):02}:00:00.123456Z"


def _spoiled(key: int, number: int, **changed: Any) -> Content:
    return b"%d" % key, json.dumps({"id": key, "seq": number, "name": "bad"} | changed).encode()


POISONS: Final[tuple[Callable[[int, int], Content], ...]] = (
    lambda key, number: _spoiled(key, number, seq="a text"),
    lambda key, number: _spoiled(key, number, seq=2**63),
    lambda key, number: _spoiled(key, number, name="before\x00after"),
    lambda key, number: _spoiled(key, number, name="\ud800"),
    lambda key, number: _spoiled(key, number, unexpected=1),
    lambda key, number: _spoiled(key, number, seq=None),
    lambda key, _number: (b"%d" % key, b'\x00\x00\x00\x00\x07{"id":1,"seq":1}'),
    lambda key, _number: (b"%d" % key, b"\xff\xfe{\x00}\x00"),
    lambda key, _number: (b"%d" % key, b'{"id":1,"seq":'),
    lambda key, _number: (b"%d" % key, b"[1,2]"),
    lambda key, _number: (b"%d" % key, b""),
    lambda _key, _number: (b"\xff\xff", None),
    lambda _key, _number: (None, None),
    lambda _key, _number: (b'{"other":1}', None),
)
"""Records that no dataset may store, each different."""


def poison(number: int, chance: random.Random) -> Content:
    """A bad record."""
    return chance.choice(POISONS)(chance.randrange(KEYS), number)


def backtracking(plan: Plan, number: int, chance: random.Random) -> Content:
    """A record whose name a backtracking engine needs forever for."""
    bad = fields(plan, chance.randrange(KEYS), number, chance) | {"name": "a" * chance.choice((40, 60_000)) + "!"}
    return None, json.dumps(bad).encode()


def large(plan: Plan, number: int, chance: random.Random) -> Content:
    """A good record of five to nine MiB."""
    size = chance.randint(5, 9) * MIB
    return b"1", json.dumps(fields(plan, 1, number, chance) | {"name": "x" * size}).encode()
