"""The manifest: the desired objects, from the rendered files.

`dashboards/grafana/*.json` are dashboards, in the folder that lists them, or else in the first one.
`dashboards/grafana/provisioning/` has, in the format of Grafana's HTTP API:

- folders.json: `[{"uid", "title", "parentUid"?, "dashboards": [uid, …]?}]`
- datasources.json: `[{"uid", "name", "type", "access", "url", "jsonData", "secureJsonData"?}]`
- alert-rules.json: `[{"folderUid", "title", "interval": seconds, "rules": [{"uid", "title", "data", …}]}]`
- contact-points.json: `[{"uid", "name", "type", "settings", "disableResolveMessage"?}]`
- mute-timings.json: `[{"name", "time_intervals"}]`, names with the prefix
- policy.json: one route, `{"receiver", "routes", …}`: the subtree

Every file is optional. Uids start with `anden-`. `${ANDEN_GRAFANA_…}` in a string is replaced by the setting.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from apps.monitoring.errors import ManifestInvalid
from apps.monitoring.grafana.sync.objects import (
    Body,
    GrafanaObject,
    Manifest,
    ObjectKey,
    ObjectKind,
    group_key,
    ordered,
    rules_of,
)
from apps.monitoring.grafana.sync.ownership import PREFIX, TITLE, with_mark

PROVISIONING: Final = "provisioning/"
LONGEST_UID: Final = 40
"""Grafana's limit."""

UID: Final = re.compile("[A-Za-z0-9_-]+")
"""Grafana's limit."""
POLICY_UID: Final = f"{PREFIX}policy"


def manifest_from_documents(documents: Mapping[str, Any]) -> Manifest:
    """The manifest of documents by their path below dashboards/grafana/.

    Raises ManifestInvalid: names every invalid file and object.
    """
    faults: list[str] = []
    objects: list[GrafanaObject] = []
    folders = _folders_by_dashboard(documents.get(f"{PROVISIONING}folders.json"))
    for path, document in sorted(documents.items()):
        try:
            objects += _objects(path, document, folders)
        except (KeyError, TypeError, AttributeError) as error:
            faults.append(f"{path}: does not match Grafana's API ({type(error).__name__}: {error})")
    faults += _faults(objects)
    if faults:
        raise ManifestInvalid("\n".join(faults))
    return Manifest(ordered(objects))


def _folders_by_dashboard(folders: Any) -> dict[str, str]:
    """The folder of each listed dashboard; under "" the folder of all others."""
    found = [folder for folder in folders if isinstance(folder, dict)] if isinstance(folders, list) else []
    named = {uid: str(folder.get("uid")) for folder in found for uid in folder.get("dashboards") or ()}
    return {"": str(found[0].get("uid")) if found else "", **named}


def _objects(path: str, document: Any, folders: Mapping[str, str]) -> Iterator[GrafanaObject]:
    if not path.startswith(PROVISIONING):
        folder = folders.get(document["uid"], folders[""])
        yield _object(ObjectKind.DASHBOARD, document["uid"], document["title"], {**document, "folderUid": folder})
        return
    reader = READERS.get(path.removeprefix(PROVISIONING))
    if reader is None:
        raise KeyError(f"unknown file name; expected one of {', '.join(READERS)}")
    yield from reader(document)


def _object(kind: ObjectKind, uid: str, title: str, body: Body) -> GrafanaObject:
    return GrafanaObject(ObjectKey(kind, uid), title, with_mark(kind, body))


def _folders(document: list[Body]) -> Iterator[GrafanaObject]:
    for body in document:
        own = {name: value for name, value in body.items() if name != "dashboards"}
        yield _object(ObjectKind.FOLDER, body["uid"], body["title"], own)


def _data_sources(document: list[Body]) -> Iterator[GrafanaObject]:
    for body in document:
        yield _object(ObjectKind.DATA_SOURCE, body["uid"], body["name"], {"access": "proxy", **body})


def _rule_groups(document: list[Body]) -> Iterator[GrafanaObject]:
    for body in document:
        folder, title = body.get("folderUid") or body["folderUID"], body["title"]
        rules = [{**rule, "folderUID": folder, "ruleGroup": title} for rule in body["rules"]]
        group = {"folderUid": folder, "title": title, "interval": int(body["interval"]), "rules": rules}
        yield _object(ObjectKind.RULE_GROUP, group_key(folder, title).uid, title, group)


def _contact_points(document: list[Body]) -> Iterator[GrafanaObject]:
    for body in document:
        yield _object(ObjectKind.CONTACT_POINT, body["uid"], body["name"], body)


def _mute_timings(document: list[Body]) -> Iterator[GrafanaObject]:
    for body in document:
        yield _object(ObjectKind.MUTE_TIMING, body["name"], body["name"], body)


def _policy(document: Body) -> Iterator[GrafanaObject]:
    yield _object(ObjectKind.POLICY, POLICY_UID, document["receiver"], document)


BY_NAME: Final = frozenset((ObjectKind.RULE_GROUP, ObjectKind.MUTE_TIMING))
"""Kinds that Grafana's API addresses by name."""

READERS: Final[Mapping[str, Callable[[Any], Iterator[GrafanaObject]]]] = {
    "folders.json": _folders,
    "datasources.json": _data_sources,
    "alert-rules.json": _rule_groups,
    "contact-points.json": _contact_points,
    "mute-timings.json": _mute_timings,
    "policy.json": _policy,
}


def _faults(objects: Iterable[GrafanaObject]) -> Iterator[str]:
    """Objects that cannot be sent, or that could not be recognized as Andén's later."""
    items = list(objects)
    uids = [item.key for item in items] + [
        ObjectKey(ObjectKind.RULE, rule["uid"]) for item in items for rule in rules_of(item)
    ]
    for key, times in Counter(uids).items():
        if times > 1:
            yield f"{key}: declared {times} times"
        if key.kind is not ObjectKind.RULE_GROUP and not key.uid.startswith(PREFIX):
            yield f"{key}: must start with {PREFIX}"
        if key.kind not in BY_NAME and len(key.uid) > LONGEST_UID:
            yield f"{key}: longer than {LONGEST_UID} characters"
        if key.kind not in BY_NAME and not UID.fullmatch(key.uid):
            yield f"{key}: a uid may contain only letters, digits, - and _"
    folders = {item.key.uid for item in items if item.key.kind is ObjectKind.FOLDER}
    for item in items:
        yield from _folder_faults(item, folders)
        if item.key.kind in BY_NAME and ("/" in item.title or item.title in {"", ".", ".."}):
            yield f'{item.key}: the API cannot address the name "{item.title}": remove the slash'


def _folder_faults(item: GrafanaObject, folders: set[str]) -> Iterator[str]:
    if item.key.kind is ObjectKind.FOLDER and not item.title.startswith(TITLE):
        yield f'{item.key}: the title "{item.title}" must start with {TITLE}, the mark of a folder'
    if item.key.kind in {ObjectKind.DASHBOARD, ObjectKind.RULE_GROUP} and item.body["folderUid"] not in folders:
        yield f'{item.key}: its folder "{item.body["folderUid"]}" is not in folders.json'
    if item.key.kind is ObjectKind.FOLDER and item.body.get("parentUid", "") not in {"", *folders}:
        yield f'{item.key}: its parent "{item.body["parentUid"]}" is not in folders.json'
