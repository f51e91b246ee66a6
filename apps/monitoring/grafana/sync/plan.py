"""The changes that make Grafana match the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from apps.monitoring.diff import ABSENT, Difference, differences
from apps.monitoring.grafana.sync.canonical import canonical
from apps.monitoring.grafana.sync.conflicts import ObjectIndex
from apps.monitoring.grafana.sync.objects import (
    ORDER,
    Body,
    GrafanaObject,
    GrafanaState,
    Manifest,
    ObjectKey,
    ObjectKind,
    ObjectSummary,
    rules_of,
)
from apps.monitoring.grafana.sync.ownership import MARKS, owned_routes
from apps.monitoring.grafana.sync.placeholders import Path, is_hash_of, secret_name

Verb = Literal["create", "update", "delete"]
SECRET: Final = "(secret)"  # noqa: S105 - a substitute
OTHER_SECRET: Final = "(a different or older secret)"  # noqa: S105
REDACTED: Final = "[REDACTED]"
"""What Grafana returns instead of a secret; the adapter uses it for data sources, too."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One change of one object: the desired `item` and the `actual` body."""

    verb: Verb
    key: ObjectKey
    title: str
    changes: tuple[Difference, ...] = ()
    item: GrafanaObject | None = None
    actual: Body | None = None


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """Changes in order of dependency, conflicts that forbid them, and objects no longer in the code."""

    actions: tuple[PlannedAction, ...] = ()
    refusals: tuple[str, ...] = ()
    unchanged: int = 0
    leftovers: tuple[ObjectSummary, ...] = ()

    def count(self, verb: Verb) -> int:
        """The number of changes with this verb."""
        return sum(action.verb == verb for action in self.actions)


@dataclass(frozen=True, slots=True)
class SecretMatcher:
    """Compares secrets with the stored hashes, by name. `trusting` assumes that unreadable secrets are unchanged."""

    hashes: Mapping[str, str] = field(default_factory=dict)
    trusting: bool = False

    def matches(self, key: ObjectKey, path: Path, secret: str, actual: Any) -> bool:
        """Whether Grafana has the secret at this path, as far as this can be determined."""
        if actual != REDACTED:
            return bool(actual == secret)
        stored = self.hashes.get(secret_name(key, path))
        return self.trusting or (stored is not None and is_hash_of(stored, secret))


def plan(manifest: Manifest, state: GrafanaState, secret_matcher: SecretMatcher, *, adopt: bool = False) -> SyncPlan:
    """The changes from the state to the manifest, without deletions; foreign objects become refusals.

    `adopt` takes over objects that have a uid of the manifest but no mark.
    """
    actions: list[PlannedAction] = []
    refusals: list[str] = []
    unchanged = 0
    index = ObjectIndex(state, manifest.all_keys())
    for item in manifest.objects:
        actual = actual_body(item, state)
        unmarked = index.unmarked(item)
        refusals += index.conflicts(item)
        if not adopt:
            refusals += unmarked
        if actual is None:
            actions.append(PlannedAction("create", item.key, item.title, item=item))
            continue
        changes = compare(item, actual, secret_matcher)
        if unmarked and adopt and not changes:
            changes = (Difference("(mark)", MARKS[item.key.kind], ABSENT),)
        if changes:
            actions.append(PlannedAction("update", item.key, item.title, changes, item, actual))
        else:
            unchanged += 1
    return SyncPlan(tuple(actions), tuple(refusals), unchanged, leftovers(manifest, state))


def compare(item: GrafanaObject, actual: Body, secret_matcher: SecretMatcher) -> tuple[Difference, ...]:
    """The differences between the actual and the desired object; secrets are never shown."""
    desired, current = item.body, actual
    for path, secret in item.secrets.items():
        found = _at(actual, path)
        desired = _with(desired, path, SECRET)
        if found is not ABSENT:
            held = secret_matcher.matches(item.key, path, secret, found)
            current = _with(current, path, SECRET if held else OTHER_SECRET)
    kind = item.key.kind
    return tuple(differences(canonical(kind, desired), canonical(kind, current)))


def actual_body(item: GrafanaObject, state: GrafanaState) -> Body | None:
    """The object in Grafana, in the form of the desired one, or None."""
    if item.key.kind is ObjectKind.RULE_GROUP:
        return _actual_group(item, state)
    if item.key.kind is ObjectKind.POLICY:
        routes = owned_routes(state.tree or {})
        return None if not routes else {**routes[0], **({"other_routes": routes[1:]} if routes[1:] else {})}
    return state.found.get(item.key)


def _actual_group(item: GrafanaObject, state: GrafanaState) -> Body | None:
    """The actual group: the rules of the desired one, wherever they are."""
    folder, title = item.body["folderUid"], item.body["title"]
    wanted = {rule["uid"]: position for position, rule in enumerate(rules_of(item))}
    existing = [rule for rule in state.rules if rule["uid"] in wanted]
    if not existing:
        return None
    inside = [rule for rule in existing if (rule["folderUID"], rule["ruleGroup"]) == (folder, title)]
    elsewhere = [rule for rule in existing if rule not in inside]
    rules = list(inside)
    for rule in sorted(elsewhere, key=lambda rule: wanted[rule["uid"]]):
        rules.insert(wanted[rule["uid"]], rule)
    interval = state.intervals.get((folder, title))
    return {"folderUid": folder, "title": title, "interval": interval, "rules": rules}


def leftovers(manifest: Manifest, state: GrafanaState) -> tuple[ObjectSummary, ...]:
    """Andén's objects that are not in the manifest, in the order of deletion."""
    keys = manifest.all_keys()
    parents = {item.key.uid: item.parent_uid for item in state.listed if item.key.kind is ObjectKind.FOLDER}

    def depth(item: ObjectSummary) -> int:
        deep, uid = 0, item.key.uid
        while item.key.kind is ObjectKind.FOLDER and deep < len(parents) and (uid := parents.get(uid, "")):
            deep += 1
        return deep

    kept = (item for item in state.listed if item.owned and item.key not in keys)
    return tuple(sorted(kept, key=lambda item: (-ORDER[item.key.kind], -depth(item), item.key.uid)))


def _at(body: Any, path: Path) -> Any:
    """The value at the path, or ABSENT."""
    for step in path:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return body


def _with(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with this value at the path."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(body, list):
        return [_with(part, rest, value) if index == step else part for index, part in enumerate(body)]
    return {**body, step: _with(body[step], rest, value)}
