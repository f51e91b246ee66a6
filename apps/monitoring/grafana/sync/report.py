"""Plans and drift in lines that a person reads: what is created, changed, deleted, and where."""

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
    """Each change with the paths that change, old → new, then a summary."""
    for action in plan.actions:
        yield f"  {SIGNS[action.verb]} {action.verb} {object_label(str(action.key), action.title)}"
        yield from (f"      {line}" for line in _changes(action))
    if plan.actions:
        yield ""
    yield summary(plan)
    if plan.leftovers:
        yield f"{len(plan.leftovers)} of ours that the code no longer has; `prune` deletes them:"
        yield from (f"  {object_label(str(item.key), item.title)}" for item in plan.leftovers)


def _changes(action: PlannedAction) -> Iterator[str]:
    body = action.item.body if action.item else None
    for change in action.changes:
        yield f"{_path(change, body)}: {format_change(change.actual, change.expected)}"


def summary(plan: SyncPlan, *, says: str = "the code says") -> str:
    """The plan in one line; `says` is whose word it is held against."""
    if not plan.actions:
        return f"Nothing to do: {plan.unchanged} objects stand as {says}."
    verbs = ", ".join(f"{plan.count(verb)} to {verb}" for verb in ("create", "update", "delete"))
    return f"Plan: {verbs}, {plan.unchanged} unchanged."


def result_line(plan: SyncPlan) -> str:
    """What was done, in one line; kinds of what was deleted, for rules come by the group and go one by one."""
    kinds = Counter(str(action.key.kind) for action in plan.actions if action.verb == "delete")
    deleted = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
    told = f"{plan.count('create')} created, {plan.count('update')} updated, {plan.count('delete')} deleted"
    return f"Done: {told}{f' ({deleted})' if deleted else ''}, {plan.unchanged} unchanged."


def drift_lines(drifts: tuple[Drift, ...]) -> Iterator[str]:
    """Each hand edit: the object, the path, what was sent → what stands there now, and what has to be done first."""
    for drift in drifts:
        name = object_label(str(drift.key), drift.title)
        after = f" ({drift.first})" if drift.first else ""
        if drift.what:
            yield f"{name}: {drift.what}{after}"
        for change in drift.changes:
            yield f"{name}: {_path(change, drift.body)}: {format_change(change.expected, change.actual)}{after}"


def drift_advice(drifts: tuple[Drift, ...]) -> str:
    """What undoes these edits, and what does not."""
    first = {drift.first for drift in drifts} - {""}
    if not first:
        undo = "`manage.py dashboards sync` puts them back"
    elif first == {ADOPT}:
        undo = "`manage.py dashboards sync --adopt` puts them back, those without our mark, too"
    else:
        undo = "`manage.py dashboards sync` refuses until what the lines say in brackets is done"
    return f"edited by hand: {len({drift.key for drift in drifts})}; {undo}; take into the code what shall stay"


def sync_line(synced: SyncRecord, *, stands: bool) -> str:
    """One sync that one can go back to, marked if Grafana stands there."""
    mark = "  ← Grafana stands here" if stands else ""
    return f"{synced.number:>6}  {synced.at:%Y-%m-%d %H:%M}  {synced.revision:<14} {synced.changes} changes{mark}"


def object_label(key: str, title: str) -> str:
    """The object with its title, where the key does not say it already."""
    return key if key.endswith(title) else f'{key} "{title}"'


def _path(change: Difference, body: Body | None) -> str:
    """The path, panels with their titles."""
    found = _PANEL.match(change.path)
    if not found:
        return change.path or "(whole)"
    sides = [*((body or {}).get("panels") or ()), change.expected, change.actual]
    for side in sides:
        fits = side is not ABSENT and isinstance(side, dict) and str(side.get("id")) == found[1]
        if fits and side.get("title"):
            return f'panels["{side["title"]}"]{change.path[found.end() :]}'
    return change.path
