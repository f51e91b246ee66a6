"""Plans and drift in lines that a person reads: what is created, changed, deleted, and where."""

import re
from collections.abc import Iterator
from typing import Final

from apps.monitoring.core.grafana.differences import ABSENT, Difference, shown
from apps.monitoring.core.grafana.drift import Drift
from apps.monitoring.core.grafana.objects import Body, Listed
from apps.monitoring.core.grafana.plan import Action, Plan

SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_PANEL: Final = re.compile(r"^panels\[(\d+)\]")


def plan_lines(plan: Plan) -> Iterator[str]:
    """Each change with the paths that change, old → new, then a summary."""
    for action in plan.actions:
        yield f"  {SIGNS[action.verb]} {action.verb} {titled(str(action.key), action.title)}"
        yield from (f"      {line}" for line in _changes(action))
    if plan.actions:
        yield ""
    yield summary(plan)
    if plan.leftovers:
        yield f"{len(plan.leftovers)} of ours that the code no longer has; `prune` deletes them:"
        yield from (f"  {titled(str(item.key), item.title)}" for item in plan.leftovers)


def _changes(action: Action) -> Iterator[str]:
    body = action.item.body if action.item else None
    for change in action.changes:
        yield f"{_path(change, body)}: {shown(change.theirs, change.ours)}"


def summary(plan: Plan) -> str:
    """The plan in one line."""
    if not plan.actions:
        return f"Nothing to do: {plan.unchanged} objects stand as the code says."
    verbs = ", ".join(f"{plan.count(verb)} to {verb}" for verb in ("create", "update", "delete"))
    return f"Plan: {verbs}, {plan.unchanged} unchanged."


def drift_lines(drifts: tuple[Drift, ...]) -> Iterator[str]:
    """Each hand edit: the object, the path, ours → theirs."""
    for drift in drifts:
        name = titled(str(drift.key), drift.title)
        if drift.what:
            yield f"{name}: {drift.what}"
        for change in drift.changes:
            yield f"{name}: {_path(change, drift.body)}: {shown(change.ours, change.theirs)}"


def listed_lines(items: tuple[Listed, ...]) -> Iterator[str]:
    """What would be deleted."""
    for item in items:
        yield f"  - delete {titled(str(item.key), item.title)}"


def titled(key: str, title: str) -> str:
    """The object with its title, where the key does not say it already."""
    return key if key.endswith(title) else f'{key} "{title}"'


def _path(change: Difference, body: Body | None) -> str:
    """The path, panels with their titles."""
    found = _PANEL.match(change.path)
    if not found:
        return change.path or "(whole)"
    sides = [*((body or {}).get("panels") or ()), change.ours, change.theirs]
    for side in sides:
        fits = side is not ABSENT and isinstance(side, dict) and str(side.get("id")) == found[1]
        if fits and side.get("title"):
            return f'panels["{side["title"]}"]{change.path[found.end() :]}'
    return change.path
