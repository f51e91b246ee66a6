"""Foreign objects that conflict with the manifest."""

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
"""Kinds with unique titles, and the scope."""


class ObjectIndex:
    """Existing objects by uid, title and group; `wanted` are the keys of the manifest."""

    def __init__(self, state: GrafanaState, wanted: frozenset[ObjectKey]) -> None:
        self._wanted = wanted
        self._by_key = state.listed_by_key()
        self._by_title: dict[tuple[ObjectKind, str, str], list[ObjectSummary]] = defaultdict(list)
        for listed in state.listed:
            self._by_title[listed.key.kind, listed.title, listed.parent_uid].append(listed)
        self._foreign_rules: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for rule in state.rules:
            if not owned(ObjectKind.RULE, rule["uid"], rule):
                self._foreign_rules[rule["folderUID"], rule["ruleGroup"]].append((rule["uid"], str(rule.get("title"))))

    def unmarked(self, item: GrafanaObject) -> list[str]:
        """Conflicts with objects that have this uid but not Andén's mark: foreign, or the mark was removed."""
        return [
            f'{key} "{found.title}" exists in Grafana without Andén\'s mark ({MARKS[key.kind]}): '
            "use --adopt if it is Andén's, otherwise rename or delete it"
            for key in keys_of(item)
            if (found := self._by_key.get(key)) and not found.owned
        ]

    def conflicts(self, item: GrafanaObject) -> Iterator[str]:
        """Titles that are taken, and foreign rules in the group, which replacing it would delete."""
        yield from self._foreign_rule_conflicts(item)
        yield from self.title_conflicts(item)

    def _foreign_rule_conflicts(self, item: GrafanaObject) -> Iterator[str]:
        wanted = {rule["uid"] for rule in rules_of(item)}
        if wanted:
            for uid, title in self._foreign_rules[item.body["folderUid"], item.body["title"]]:
                if uid not in wanted:
                    rule = f'the rule {uid} "{title}"'
                    yield f"{item.key} contains {rule}, which is not Andén's: move it to another group"

    def title_conflicts(self, item: GrafanaObject) -> Iterator[str]:
        """Titles of the object that another object has."""
        for title, key, parent_uid in _titles(item):
            for other in self._by_title.get((key.kind, title, parent_uid), ()):
                taken = f'{key}: the title "{title}" is taken in {UNIQUE_TITLES[key.kind]} by {other.key}'
                if other.key != key and not other.owned:
                    yield f"{taken}, which is not Andén's: rename it"
                elif other.key not in self._wanted:
                    yield f"{taken}, which is no longer in the code: run `manage.py dashboards prune` first"


def _titles(item: GrafanaObject) -> Iterator[tuple[str, ObjectKey, str]]:
    """The unique titles of the object: title, key and parent."""
    if item.key.kind is ObjectKind.RULE_GROUP:
        for rule in rules_of(item):
            yield rule["title"], ObjectKey(ObjectKind.RULE, rule["uid"]), item.body["folderUid"]
    elif item.key.kind in UNIQUE_TITLES:
        yield item.title, item.key, item.body.get("folderUid") or item.body.get("parentUid") or ""
