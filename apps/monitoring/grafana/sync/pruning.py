"""Which objects may be deleted: Andén's, no longer in the code, without foreign content."""

from collections.abc import Iterator
from typing import Final

from apps.monitoring.errors import PruneRefused
from apps.monitoring.grafana.sync.objects import GrafanaState, Manifest, ObjectKind, ObjectSummary
from apps.monitoring.grafana.sync.plan import PlannedAction, SyncPlan, leftovers

MAX_RATIO: Final = 0.1
"""The share of Andén's objects above which a deletion needs `force`."""


def prune_plan(manifest: Manifest, state: GrafanaState) -> SyncPlan:
    """The deletions, dependents first; `refusals` names folders that are kept because they are not empty."""
    deleted: list[ObjectSummary] = []
    kept: list[str] = []
    for item in leftovers(manifest, state):
        inside = [child for child in _children(item, state) if child not in deleted]
        if inside:
            kept.append(f'{item.key} "{item.title}" is kept: it contains {inside[0].key} "{inside[0].title}"')
        else:
            deleted.append(item)
    return SyncPlan(tuple(PlannedAction("delete", item.key, item.title) for item in deleted), tuple(kept))


def _children(item: ObjectSummary, state: GrafanaState) -> Iterator[ObjectSummary]:
    """The contents of a folder; empty for other kinds."""
    if item.key.kind is ObjectKind.FOLDER:
        kinds = (ObjectKind.FOLDER, ObjectKind.DASHBOARD, ObjectKind.RULE)
        yield from (child for child in state.listed if child.key.kind in kinds and child.parent_uid == item.key.uid)


def check_bounds(plan: SyncPlan, state: GrafanaState) -> None:
    """Raises PruneRefused: the plan deletes too many of Andén's objects."""
    total = sum(item.owned for item in state.listed)
    if len(plan.actions) > MAX_RATIO * total:
        raise PruneRefused(
            f"{len(plan.actions)} of {total} objects would be deleted, more than {MAX_RATIO:.0%}: "
            "check the list, then use --force"
        )
