"""What somebody changed in Grafana since the last synchronisation."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.monitoring.core.grafana.differences import Difference
from apps.monitoring.core.grafana.objects import Body, GrafanaObject, Key, Kind, Manifest, State, rules_of
from apps.monitoring.core.grafana.ownership import MARKS, owned
from apps.monitoring.core.grafana.plan import Sealing, actual_body, compare


@dataclass(frozen=True, slots=True)
class Drift:
    """One object that was edited by hand: `what` in words where it is no matter of paths."""

    key: Key
    title: str
    changes: tuple[Difference, ...] = ()
    what: str = ""
    body: Body | None = None


def drifts(applied: Manifest, state: State) -> tuple[Drift, ...]:
    """Every object of the applied manifest that stands otherwise than it was sent.

    Secrets that Grafana does not give back are trusted: a hand can have changed them without a trace.
    """
    return tuple(drift for item in applied.objects for drift in _of(item, state))


def _of(item: GrafanaObject, state: State) -> Iterator[Drift]:
    actual = actual_body(item, state)
    if actual is None:
        yield Drift(item.key, item.title, what="was deleted")
        return
    changes = compare(item, actual, Sealing(trusting=True))
    if changes:
        yield Drift(item.key, item.title, changes, body=item.body)
    found = state.listed_by_key().get(item.key)
    if found and not found.owned and not changes:
        yield Drift(item.key, item.title, what=f"lost our mark ({MARKS[item.key.kind]})")
    yield from _strangers(item, state)


def _strangers(item: GrafanaObject, state: State) -> Iterator[Drift]:
    """Rules that somebody put into a group of ours."""
    wanted = {rule["uid"] for rule in rules_of(item)}
    for rule in state.rules if wanted else ():
        inside = (rule["folderUID"], rule["ruleGroup"]) == (item.body["folderUid"], item.body["title"])
        if inside and rule["uid"] not in wanted and not owned(Kind.RULE, rule["uid"], rule):
            yield Drift(Key(Kind.RULE, rule["uid"]), str(rule.get("title")), what=f"was put into {item.key}")
