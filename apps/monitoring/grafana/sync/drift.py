"""Manual edits in Grafana since the last sync."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.diff import Difference
from apps.monitoring.grafana.sync.conflicts import ObjectIndex
from apps.monitoring.grafana.sync.objects import (
    Body,
    GrafanaObject,
    GrafanaState,
    Manifest,
    ObjectKey,
    ObjectKind,
    rules_of,
)
from apps.monitoring.grafana.sync.ownership import MARKS, owned
from apps.monitoring.grafana.sync.plan import SecretMatcher, actual_body, compare

ADOPT: Final = "needs `sync --adopt`"
MOVE: Final = "move it to another group first"


@dataclass(frozen=True, slots=True)
class Drift:
    """One manually edited object: `changes` by path, or `description` in words.

    `precondition` is what you must do before a plain sync can revert it, or "".
    """

    key: ObjectKey
    title: str
    changes: tuple[Difference, ...] = ()
    description: str = ""
    body: Body | None = None
    precondition: str = ""


def find_drift(applied: Manifest, state: GrafanaState) -> tuple[Drift, ...]:
    """Every object that differs from the applied manifest.

    Secrets are assumed unchanged: Grafana does not return them, so an edit cannot be detected.
    """
    index = ObjectIndex(state, applied.all_keys())
    return tuple(drift for item in applied.objects for drift in _of(item, state, index))


def _of(item: GrafanaObject, state: GrafanaState, index: ObjectIndex) -> Iterator[Drift]:
    actual = actual_body(item, state)
    precondition = "; ".join((*index.title_conflicts(item), *([ADOPT] if index.unmarked(item) else ())))
    if actual is None:
        yield Drift(item.key, item.title, description="deleted", precondition=precondition)
        return
    changes = compare(item, actual, SecretMatcher(trusting=True))
    if changes:
        yield Drift(item.key, item.title, changes, body=item.body, precondition=precondition)
    found = state.listed_by_key().get(item.key)
    if found and not found.owned and not changes:
        yield Drift(
            item.key, item.title, description=f"lost Andén's mark ({MARKS[item.key.kind]})", precondition=precondition
        )
    yield from _foreign_rules(item, state)


def _foreign_rules(item: GrafanaObject, state: GrafanaState) -> Iterator[Drift]:
    """Foreign rules in a group of Andén's."""
    wanted = {rule["uid"] for rule in rules_of(item)}
    for rule in state.rules if wanted else ():
        inside = (rule["folderUID"], rule["ruleGroup"]) == (item.body["folderUid"], item.body["title"])
        if inside and rule["uid"] not in wanted and not owned(ObjectKind.RULE, rule["uid"], rule):
            yield Drift(
                ObjectKey(ObjectKind.RULE, rule["uid"]),
                str(rule.get("title")),
                description=f"added to {item.key}",
                precondition=MOVE,
            )
