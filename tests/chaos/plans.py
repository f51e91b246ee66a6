"""The datasets of a run: their topics, contracts and rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.documents import document, prop

EARLIEST, LATEST = "2026-01", "2026-06"
PATTERN: Final = r"^(\w+\s?)*$"
"""Backtracks without end in most engines."""

KEYS: Final = 400
"""Distinct keys of an upsert dataset."""

SMALL: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """A dataset and its topic. Datasets with the same topic share its records.

    `rate` is in records per second. `uses` names what only this dataset is there for: a fault that changes its topic
    for good, or a producer of its own.
    """

    name: str
    topic: str
    rate: float
    partitions: int = 1
    upsert: bool = False
    wide: bool = True
    monthly: bool = False
    drops_late: bool = False
    pattern: bool = False
    uses: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The properties of the first version of the contract."""
        return ("id", "seq", "name", "amount", "payload", "at") if self.wide else ("id", "seq", "name")

    def contract(self, *, added: Sequence[str] = ()) -> dict[str, Any]:
        """The contract, with these optional text properties added."""
        key = {"primaryKey": True, "primaryKeyPosition": 1} if self.upsert else {"required": True}
        checked = {"logicalTypeOptions": {"pattern": PATTERN}} if self.pattern else {}
        properties = [
            prop("id", "integer", "bigint", **key),
            prop("seq", "integer", "bigint", required=True),
            prop("name", "string", "text", **checked),
        ]
        if self.wide:
            month = {"partitioned": True, "required": True} if self.monthly else {}
            properties += [
                prop("amount", "number", "numeric(12,2)"),
                prop("payload", "object", "jsonb"),
                prop("at", "timestamp", "timestamptz", **month),
            ]
        properties += [prop(name, "string", "text") for name in added]
        custom: dict[str, Any] = {"mode": "upsert" if self.upsert else "append"}
        if self.monthly:
            custom |= {"earliest": EARLIEST, "latest": LATEST, "late": "drop" if self.drops_late else "quarantine"}
        return document(self.name, properties, physical_name=self.topic, **custom)


PLANS: Final = (
    Plan("events", "events", 120, partitions=3),
    Plan("events_latest", "events", 0, partitions=3, upsert=True),
    Plan("accounts", "accounts", 100, partitions=3, upsert=True),
    Plan("payments", "payments", 60, partitions=2, uses="transactions"),
    Plan("months", "months", 40, partitions=2, monthly=True),
    Plan("months_in_time", "months", 0, partitions=2, monthly=True, drops_late=True),
    Plan("texts", "texts", 20, pattern=True, uses="pattern"),
    Plan("growing", "growing", 20, uses="growth"),
    Plan("replaced", "replaced", 10, partitions=2, uses="recreation"),
    Plan("truncated", "truncated", 10, uses="truncation"),
    *(Plan(f"small_{number:02}", f"small_{number:02}", 8, wide=False) for number in range(SMALL)),
)


def topics(plans: Sequence[Plan]) -> dict[str, Plan]:
    """The plan that produces each topic: the first that names it."""
    found: dict[str, Plan] = {}
    for plan in plans:
        found.setdefault(plan.topic, plan)
    return found
