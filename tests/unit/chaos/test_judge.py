"""What the chaos auditor expects of records: bad ones are rejected, good ones become rows."""

import json
import random
from decimal import Decimal

import pytest

from tests.chaos import content
from tests.chaos.judge import Outcome, judge
from tests.chaos.plans import PLANS, Plan

APPEND = Plan("things", "things", 1)
UPSERT = Plan("things", "things", 1, upsert=True)
MONTHS = Plan("things", "things", 1, monthly=True)
DROPS = Plan("things", "things", 1, monthly=True, drops_late=True)


def outcome(plan: Plan, key: bytes | None, value: bytes | None) -> Outcome:
    return judge(plan, key, value, plan.columns).outcome


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_every_poison_is_rejected_by_every_dataset(plan: Plan) -> None:
    for poison in content.POISONS:
        assert outcome(plan, *poison(1, 2)) is Outcome.REJECT


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_ordinary_records_are_never_rejected_except_for_their_month(plan: Plan) -> None:
    chance = random.Random(1)  # noqa: S311 - repeatable, no secret
    for number in range(500):
        key, value = content.good(plan, number, chance)
        late = value is not None and plan.monthly and any(at in value.decode() for at in content.LATE)
        expected = Outcome.TOMBSTONE if value is None else Outcome.REJECT if late else Outcome.ROW
        if late and plan.drops_late:
            expected = Outcome.DROP
        assert outcome(plan, key, value) is expected, value


def test_values_are_those_of_the_record() -> None:
    value = b'{"id":1,"seq":-2,"name":"\xc3\xa9","amount":"-0.10","payload":{"a":[1]},"at":"2026-01-01T00:00:00Z"}'
    values = judge(APPEND, None, value, APPEND.columns).values
    assert (values["id"], values["seq"], values["name"]) == (1, -2, "é")
    assert values["amount"] == Decimal("-0.10")
    assert values["payload"] == {"a": [1]}
    assert values["at"].isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("key", [b"7", b"[7]", b'{"id":7}'])
def test_a_tombstone_deletes_the_row_of_its_key(key: bytes) -> None:
    verdict = judge(UPSERT, key, None, UPSERT.columns)
    assert (verdict.outcome, verdict.values) == (Outcome.TOMBSTONE, {"id": 7})
    assert outcome(APPEND, key, None) is Outcome.REJECT


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"[7,8]", b'"7"', b"true", b"null", b'{"id":7,"x":1}'])
def test_a_tombstone_without_a_readable_key_is_rejected(key: bytes | None) -> None:
    assert outcome(UPSERT, key, None) is Outcome.REJECT


@pytest.mark.parametrize(("plan", "expected"), [(MONTHS, Outcome.REJECT), (DROPS, Outcome.DROP)])
def test_late_records_are_rejected_or_dropped(plan: Plan, expected: Outcome) -> None:
    for at in content.LATE:
        value = json.dumps({"id": 1, "seq": 1, "at": at}).encode()
        assert outcome(plan, None, value) is expected
    for at in content.IN_MONTHS:
        value = json.dumps({"id": 1, "seq": 1, "at": at}).encode()
        assert outcome(plan, None, value) is Outcome.ROW


def test_an_added_property_is_good_only_from_its_version_on() -> None:
    value = b'{"id":1,"seq":1,"added_0":"x"}'
    assert outcome(APPEND, None, value) is Outcome.REJECT
    later = judge(APPEND, None, value, (*APPEND.columns, "added_0"))
    assert (later.outcome, later.values["added_0"]) == (Outcome.ROW, "x")


@pytest.mark.parametrize(("name", "good"), [("a b c", True), ("a ", True), ("", True), ("a  b", False), (" a", False)])
def test_the_pattern_is_judged_without_backtracking(name: str, good: bool) -> None:
    plan = Plan("things", "things", 1, pattern=True)
    for text in (name, "a" * 100_000 + "!"):
        value = json.dumps({"id": 1, "seq": 1, "name": text}).encode()
        assert outcome(plan, None, value) is (Outcome.ROW if good and text == name else Outcome.REJECT)
