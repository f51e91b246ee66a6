"""The things of Grafana that are kept in step, each in the shape that Grafana's HTTP API gives it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

Body = dict[str, Any]
"""An object as JSON; a dashboard's has `folderUid` beside the model's own keys."""


class ObjectKind(StrEnum):
    """A kind of object, in the order in which they need one another: folders first, policy and rules last."""

    FOLDER = "folder"
    DATA_SOURCE = "data source"
    DASHBOARD = "dashboard"
    CONTACT_POINT = "contact point"
    MUTE_TIMING = "mute timing"
    POLICY = "policy"
    RULE_GROUP = "rule group"
    RULE = "rule"


ORDER: Final = {kind: place for place, kind in enumerate(ObjectKind)}


class ObjectKey(NamedTuple):
    """What names an object for good: kind and uid (a mute timing's is its name, a group's is folder/title)."""

    kind: ObjectKind
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


@dataclass(frozen=True, slots=True)
class GrafanaObject:
    """One object as it shall be. Secrets stand in the body as `${VARIABLE}`; `sealed` has their values by path."""

    key: ObjectKey
    title: str
    body: Body
    secrets: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, repr=False)

    def body_with_secrets(self) -> Body:
        """The body with its secrets, as it is sent: never shown, stored or logged."""
        whole: Body = _copied(self.body)
        for path, value in self.secrets.items():
            place: Any = whole
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
        return whole


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that shall stand in Grafana, in the order of dependency.

    `left_out` is what this station has no variable for: it is neither sent nor taken for a leftover.
    """

    objects: tuple[GrafanaObject, ...]
    left_out: frozenset[ObjectKey] = frozenset()

    def by_key(self) -> dict[ObjectKey, GrafanaObject]:
        """The objects by their keys."""
        return {item.key: item for item in self.objects}

    def all_keys(self) -> frozenset[ObjectKey]:
        """The keys of all objects, those of rules and of what was left out among them."""
        return self.left_out.union(key for item in self.objects for key in keys_of(item))

    def without(self, kind: ObjectKind) -> "Manifest":
        """The same without the objects of this kind."""
        return Manifest(tuple(item for item in self.objects if item.key.kind is not kind), self.left_out)


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """Something that stands in Grafana, ours or not: enough to know it, and what it stands in the way of."""

    key: ObjectKey
    title: str
    place: str = ""
    owned: bool = False


@dataclass(frozen=True, slots=True)
class GrafanaState:
    """What stands in Grafana: everything by name, and the bodies of what was asked for.

    `found` has the wanted objects that exist, as read. All rules of the organisation are in `rules`, the
    intervals of groups in `intervals`, by (folder, group). The policy tree is None when it was not asked for.
    """

    listed: tuple[ObjectSummary, ...]
    found: Mapping[ObjectKey, Body]
    rules: tuple[Body, ...] = ()
    intervals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    tree: Body | None = None

    def listed_by_key(self) -> dict[ObjectKey, ObjectSummary]:
        """What is there, by key."""
        return {item.key: item for item in self.listed}


def ordered(objects: Iterable[GrafanaObject]) -> tuple[GrafanaObject, ...]:
    """The objects in the order of dependency; folders after their parents, the rest by uid."""
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
    """The rules of a group; none for any other kind."""
    return list(item.body["rules"]) if item.key.kind is ObjectKind.RULE_GROUP else []


def keys_of(item: GrafanaObject) -> Iterator[ObjectKey]:
    """The key of the object, and those of its rules."""
    yield item.key
    for rule in rules_of(item):
        yield ObjectKey(ObjectKind.RULE, rule["uid"])


def group_key(folder: str, title: str) -> ObjectKey:
    """The key of a rule group."""
    return ObjectKey(ObjectKind.RULE_GROUP, f"{folder}/{title}")


def _copied(value: Any) -> Any:
    """A copy whose dicts and lists are new."""
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value
