"""The Grafana objects kept in sync, in the format of Grafana's HTTP API."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

Body = dict[str, Any]
"""An object as JSON; a dashboard also has `folderUid`."""


class ObjectKind(StrEnum):
    """A kind of object, in order of dependency: folders first, policy and rules last."""

    FOLDER = "folder"
    DATA_SOURCE = "data source"
    DASHBOARD = "dashboard"
    CONTACT_POINT = "contact point"
    MUTE_TIMING = "mute timing"
    POLICY = "policy"
    RULE_GROUP = "rule group"
    RULE = "rule"


ORDER: Final = {kind: position for position, kind in enumerate(ObjectKind)}


class ObjectKey(NamedTuple):
    """The identity of an object: kind and uid (a mute timing's name; folder/title for a rule group)."""

    kind: ObjectKind
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


@dataclass(frozen=True, slots=True)
class GrafanaObject:
    """A desired object. Its body has `${VARIABLE}` for each secret; `secrets` has the values by path."""

    key: ObjectKey
    title: str
    body: Body
    secrets: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, repr=False)

    def body_with_secrets(self) -> Body:
        """The body to send, with secrets: never print, store or log it."""
        body: Body = _deep_copy(self.body)
        for path, value in self.secrets.items():
            parent: Any = body
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = value
        return body


@dataclass(frozen=True, slots=True)
class Manifest:
    """All desired objects, in order of dependency.

    `skipped` has skipped objects whose variables are not set: they are neither sent nor pruned.
    """

    objects: tuple[GrafanaObject, ...]
    skipped: frozenset[ObjectKey] = frozenset()

    def by_key(self) -> dict[ObjectKey, GrafanaObject]:
        """The objects by key."""
        return {item.key: item for item in self.objects}

    def all_keys(self) -> frozenset[ObjectKey]:
        """All keys, including those of rules and skipped objects."""
        return self.skipped.union(key for item in self.objects for key in keys_of(item))

    def without(self, kind: ObjectKind) -> "Manifest":
        """The manifest without objects of this kind."""
        return Manifest(tuple(item for item in self.objects if item.key.kind is not kind), self.skipped)


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An existing object, Andén's or not: identity, title, parent and owner."""

    key: ObjectKey
    title: str
    parent_uid: str = ""
    owned: bool = False


@dataclass(frozen=True, slots=True)
class GrafanaState:
    """The state of Grafana: a summary of every object, and the bodies of the requested ones.

    `found` has the bodies, `rules` all rules of the organisation, `intervals` those of groups by (folder, group). The
    policy `tree` is None if it was not requested.
    """

    listed: tuple[ObjectSummary, ...]
    found: Mapping[ObjectKey, Body]
    rules: tuple[Body, ...] = ()
    intervals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    tree: Body | None = None

    def listed_by_key(self) -> dict[ObjectKey, ObjectSummary]:
        """The summaries by key."""
        return {item.key: item for item in self.listed}


def ordered(objects: Iterable[GrafanaObject]) -> tuple[GrafanaObject, ...]:
    """The objects in order of dependency: folders after their parents, the rest by uid."""
    items = list(objects)
    parents = {item.key.uid: item.body.get("parentUid", "") for item in items if item.key.kind is ObjectKind.FOLDER}

    def depth(uid: str) -> int:
        deep, seen = 0, {uid}
        while (uid := parents.get(uid, "")) and uid not in seen:
            seen.add(uid)
            deep += 1
        return deep

    return tuple(sorted(items, key=lambda item: (ORDER[item.key.kind], depth(item.key.uid), item.key.uid)))


def rules_of(item: GrafanaObject) -> list[Body]:
    """The rules of a group; empty for other kinds."""
    return list(item.body["rules"]) if item.key.kind is ObjectKind.RULE_GROUP else []


def keys_of(item: GrafanaObject) -> Iterator[ObjectKey]:
    """The key of the object, and those of its rules."""
    yield item.key
    for rule in rules_of(item):
        yield ObjectKey(ObjectKind.RULE, rule["uid"])


def group_key(folder: str, title: str) -> ObjectKey:
    """The key of a rule group."""
    return ObjectKey(ObjectKind.RULE_GROUP, f"{folder}/{title}")


def _deep_copy(value: Any) -> Any:
    """A deep copy of JSON."""
    if isinstance(value, dict):
        return {name: _deep_copy(part) for name, part in value.items()}
    return [_deep_copy(part) for part in value] if isinstance(value, list) else value
