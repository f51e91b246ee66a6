"""The output of `manage.py dashboards`: plans, results, drift and history."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from apps.monitoring.diff import ABSENT, Difference, format_change
from apps.monitoring.grafana.sync.drift import ADOPT, Drift
from apps.monitoring.grafana.sync.history import SyncRecord
from apps.monitoring.grafana.sync.objects import Body
from apps.monitoring.grafana.sync.plan import PlannedAction, SyncPlan

SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_PANEL: Final = re.compile(r"^panels\[(\d+)\]")


def plan_lines(plan: SyncPlan) -> Iterator[str]:
    """Each change with the paths that differ, old → new, then a summary."""
    for action in plan.actions:
        yield f"  {SIGNS[action.verb]} {action.verb} {object_label(str(action.key), action.title)}"
        yield from (f"      {line}" for line in _changes(action))
    if plan.actions:
        yield ""
    yield summary(plan)
    if plan.leftovers:
        yield f"{_objects(len(plan.leftovers))} no longer in the code; `manage.py dashboards prune` deletes them:"
        yield from (f"  {object_label(str(item.key), item.title)}" for item in plan.leftovers)


def _changes(action: PlannedAction) -> Iterator[str]:
    body = action.item.body if action.item else None
    for change in action.changes:
        yield f"{_path(change, body)}: {format_change(change.actual, change.expected)}"


def summary(plan: SyncPlan, *, source: str = "the code") -> str:
    """The plan in one line; `source` is what Grafana is compared with."""
    if not plan.actions:
        return f"No changes. Grafana matches {source} ({_objects(plan.unchanged)})."
    verbs = ", ".join(f"{plan.count(verb)} to {verb}" for verb in ("create", "update", "delete"))
    return f"Plan: {verbs}, {plan.unchanged} unchanged."


def _objects(count: int) -> str:
    return f"{count} object{'' if count == 1 else 's'}"


def result_line(plan: SyncPlan) -> str:
    """The applied plan in one line, with the kinds of deleted objects: groups are created, single rules deleted."""
    kinds = Counter(str(action.key.kind) for action in plan.actions if action.verb == "delete")
    deleted = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
    counts = f"{plan.count('create')} created, {plan.count('update')} updated, {plan.count('delete')} deleted"
    return f"Sync complete: {counts}{f' ({deleted})' if deleted else ''}, {plan.unchanged} unchanged."


def drift_lines(drifts: tuple[Drift, ...]) -> Iterator[str]:
    """Each manual edit: object, path, sent → current value, and what to do first."""
    for drift in drifts:
        name = object_label(str(drift.key), drift.title)
        after = f" ({drift.precondition})" if drift.precondition else ""
        if drift.description:
            yield f"{name}: {drift.description}{after}"
        for change in drift.changes:
            yield f"{name}: {_path(change, drift.body)}: {format_change(change.expected, change.actual)}{after}"


def drift_advice(drifts: tuple[Drift, ...]) -> str:
    """How to revert these edits."""
    conditions = {drift.precondition for drift in drifts} - {""}
    if not conditions:
        undo = "`manage.py dashboards sync` reverts this"
    elif conditions == {ADOPT}:
        undo = "`manage.py dashboards sync --adopt` reverts this"
    else:
        undo = "`manage.py dashboards sync` reverts this, after the steps in brackets"
    edited = _objects(len({drift.key for drift in drifts}))
    return f"{edited} edited by hand; {undo}. To keep an edit, put it into the code."


def sync_line(synced: SyncRecord, *, active: bool) -> str:
    """One sync of the list, marked if it is active."""
    mark = "  ← active" if active else ""
    return f"{synced.number:>6}  {synced.at:%Y-%m-%d %H:%M}  {synced.revision:<14} {synced.changes} changes{mark}"


def object_label(key: str, title: str) -> str:
    """The key, with the title unless the key ends with it."""
    return key if key.endswith(title) else f'{key} "{title}"'


def _path(change: Difference, body: Body | None) -> str:
    """The path, with titles of panels."""
    found = _PANEL.match(change.path)
    if not found:
        return change.path or "(entire object)"
    sides = [*((body or {}).get("panels") or ()), change.expected, change.actual]
    for side in sides:
        fits = side is not ABSENT and isinstance(side, dict) and str(side.get("id")) == found[1]
        if fits and side.get("title"):
            return f'panels["{side["title"]}"]{change.path[found.end() :]}'
    return change.path
