"""What is somebody else's and stands in the way of the manifest."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from apps.monitoring.grafana.sync.objects import (
    GrafanaObject,
    GrafanaState,
    ObjectKey,
    ObjectKind,
    ObjectSummary,
    keys_of,
    rules_of,
)
from apps.monitoring.grafana.sync.ownership import MARKS, owned

UNIQUE_TITLES: Final = {
    ObjectKind.FOLDER: "its parent",
    ObjectKind.DASHBOARD: "its folder",
    ObjectKind.DATA_SOURCE: "the organisation",
    ObjectKind.CONTACT_POINT: "the organisation",
    ObjectKind.RULE: "its folder",
}
"""Kinds whose titles may not occur twice, and where."""


class ObjectIndex:
    """What stands in Grafana, found by uid, by title and by group; `wanted` are the keys of the manifest."""

    def __init__(self, state: GrafanaState, wanted: frozenset[ObjectKey]) -> None:
        self._wanted = wanted
        self._by_key = state.listed_by_key()
        self._by_title: dict[tuple[ObjectKind, str, str], list[ObjectSummary]] = defaultdict(list)
        for listed in state.listed:
            self._by_title[listed.key.kind, listed.title, listed.place].append(listed)
        self._strangers: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for rule in state.rules:
            if not owned(ObjectKind.RULE, rule["uid"], rule):
                self._strangers[rule["folderUID"], rule["ruleGroup"]].append((rule["uid"], str(rule.get("title"))))

    def unmarked(self, item: GrafanaObject) -> list[str]:
        """What has a uid of this object but not our mark: somebody else's, or ours that lost it."""
        return [
            f'{key} "{found.title}" stands in Grafana without our mark ({MARKS[key.kind]}): it may be somebody '
            "else's; rename or delete it, or say --adopt"
            for key in keys_of(item)
            if (found := self._by_key.get(key)) and not found.owned
        ]

    def conflicts(self, item: GrafanaObject) -> Iterator[str]:
        """Titles that are taken, and rules of others in our group, which writing it would delete."""
        yield from self._intruders(item)
        yield from self.title_conflicts(item)

    def _intruders(self, item: GrafanaObject) -> Iterator[str]:
        """Rules of others in our group."""
        wanted = {rule["uid"] for rule in rules_of(item)}
        if wanted:
            for uid, title in self._strangers[item.body["folderUid"], item.body["title"]]:
                if uid not in wanted:
                    yield f'{item.key} holds the rule {uid} "{title}", which is not Andén\'s: move it away'

    def title_conflicts(self, item: GrafanaObject) -> Iterator[str]:
        """Titles of the object that something else has, where Grafana takes each but once."""
        for title, key, place in _titles(item):
            for other in self._by_title.get((key.kind, title, place), ()):
                taken = f'{key}: the title "{title}" is taken in {UNIQUE_TITLES[key.kind]} by {other.key}'
                if other.key != key and not other.owned:
                    yield f"{taken}, which is not Andén's: rename it"
                elif other.key not in self._wanted:
                    yield f"{taken}, which the code no longer has: run `manage.py dashboards prune` first"


def _titles(item: GrafanaObject) -> Iterator[tuple[str, ObjectKey, str]]:
    """The titles that the object needs for itself, and where."""
    if item.key.kind is ObjectKind.RULE_GROUP:
        for rule in rules_of(item):
            yield rule["title"], ObjectKey(ObjectKind.RULE, rule["uid"]), item.body["folderUid"]
    elif item.key.kind in UNIQUE_TITLES:
        yield item.title, item.key, item.body.get("folderUid") or item.body.get("parentUid") or ""
