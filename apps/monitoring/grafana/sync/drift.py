"""What somebody changed in Grafana since the last synchronisation."""

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

ADOPT: Final = "`sync --adopt` takes it back"
MOVE: Final = "`sync` refuses until it is moved to a group of its own"


@dataclass(frozen=True, slots=True)
class Drift:
    """One object that was edited by hand: `what` in words where it is no matter of paths.

    `first` says what has to be done before a plain sync can undo it; "" where nothing has.
    """

    key: ObjectKey
    title: str
    changes: tuple[Difference, ...] = ()
    what: str = ""
    body: Body | None = None
    first: str = ""


def drifts(applied: Manifest, state: GrafanaState) -> tuple[Drift, ...]:
    """Every object of the applied manifest that stands otherwise than it was sent.

    Secrets that Grafana does not give back are trusted: a hand can have changed them without a trace.
    """
    there = ObjectIndex(state, applied.all_keys())
    return tuple(drift for item in applied.objects for drift in _of(item, state, there))


def _of(item: GrafanaObject, state: GrafanaState, there: ObjectIndex) -> Iterator[Drift]:
    actual = actual_body(item, state)
    first = "; ".join((*there.title_conflicts(item), *([ADOPT] if there.unmarked(item) else ())))
    if actual is None:
        yield Drift(item.key, item.title, what="was deleted", first=first)
        return
    changes = compare(item, actual, SecretMatcher(trusting=True))
    if changes:
        yield Drift(item.key, item.title, changes, body=item.body, first=first)
    found = state.listed_by_key().get(item.key)
    if found and not found.owned and not changes:
        yield Drift(item.key, item.title, what=f"lost our mark ({MARKS[item.key.kind]})", first=first)
    yield from _strangers(item, state)


def _strangers(item: GrafanaObject, state: GrafanaState) -> Iterator[Drift]:
    """Rules that somebody put into a group of ours."""
    wanted = {rule["uid"] for rule in rules_of(item)}
    for rule in state.rules if wanted else ():
        inside = (rule["folderUID"], rule["ruleGroup"]) == (item.body["folderUid"], item.body["title"])
        if inside and rule["uid"] not in wanted and not owned(ObjectKind.RULE, rule["uid"], rule):
            yield Drift(
                ObjectKey(ObjectKind.RULE, rule["uid"]),
                str(rule.get("title")),
                what=f"was put into {item.key}",
                first=MOVE,
            )
