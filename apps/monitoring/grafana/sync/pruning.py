"""What may be deleted: what carries prefix and mark, is not in the code, and takes nothing foreign with it."""

from collections.abc import Iterator
from typing import Final

from apps.monitoring.errors import PruneRefused
from apps.monitoring.grafana.sync.objects import GrafanaState, Manifest, ObjectKind, ObjectSummary
from apps.monitoring.grafana.sync.plan import PlannedAction, SyncPlan, leftovers

MOST_RATIO: Final = 0.1
"""Of what is ours: more is deleted only when somebody says so."""


def prune_plan(manifest: Manifest, state: GrafanaState) -> SyncPlan:
    """The deletions, dependents first; `refusals` names the folders that stay because something lies in them."""
    doomed: list[ObjectSummary] = []
    kept: list[str] = []
    for item in leftovers(manifest, state):
        inside = [held for held in _inside(item, state) if held not in doomed]
        if inside:
            kept.append(f'{item.key} "{item.title}" stays: {inside[0].key} "{inside[0].title}" lies in it')
        else:
            doomed.append(item)
    return SyncPlan(tuple(PlannedAction("delete", item.key, item.title) for item in doomed), tuple(kept))


def _inside(item: ObjectSummary, state: GrafanaState) -> Iterator[ObjectSummary]:
    """What lies in the folder; nothing for other kinds."""
    if item.key.kind is ObjectKind.FOLDER:
        placed = (ObjectKind.FOLDER, ObjectKind.DASHBOARD, ObjectKind.RULE)
        yield from (held for held in state.listed if held.key.kind in placed and held.place == item.key.uid)


def check_bounds(plan: SyncPlan, state: GrafanaState) -> None:
    """Nothing, if the plan deletes few enough of what is ours. Raises PruneRefused."""
    ours = sum(item.owned for item in state.listed)
    if len(plan.actions) > MOST_RATIO * ours:
        raise PruneRefused(
            f"{len(plan.actions)} of {ours} objects would be deleted, more than {MOST_RATIO:.0%}: "
            "look at the list, then say --force"
        )
