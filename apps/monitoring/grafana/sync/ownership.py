"""Ownership: an object is Andén's if its uid has the prefix and it carries the mark of its kind.

| Kind | Mark |
|---|---|
| folder | its title starts with `Andén`: folders have no other custom field |
| data source | `jsonData.managedBy` is `anden` |
| dashboard | the tag `anden` |
| contact point, mute timing | provenance `api`: created by provisioning, not in the UI |
| rule | the label `managed_by` is `anden` |
| policy | a first-level route with the matcher `managed_by = anden` |

`sync` adds the marks, so rendered files need not contain them, except for a folder's title.
"""

from typing import Any, Final

from apps.monitoring.grafana.sync.objects import Body, ObjectKind

PREFIX: Final = "anden-"
TITLE: Final = "Andén"
TAG: Final = "anden"
LABEL: Final = "managed_by"
JSON_KEY: Final = "managedBy"
OWNER: Final = "anden"
MATCHER: Final = [LABEL, "=", OWNER]

MARKS: Final = {
    ObjectKind.FOLDER: f"a title that starts with {TITLE}",
    ObjectKind.DATA_SOURCE: f"jsonData.{JSON_KEY} = {OWNER}",
    ObjectKind.DASHBOARD: f"the tag {TAG}",
    ObjectKind.CONTACT_POINT: "provenance api",
    ObjectKind.MUTE_TIMING: "provenance api",
    ObjectKind.POLICY: f"the matcher {LABEL} = {OWNER}",
    ObjectKind.RULE_GROUP: f"the label {LABEL} = {OWNER} on every rule",
    ObjectKind.RULE: f"the label {LABEL} = {OWNER}",
}
"""The mark of each kind, for messages."""


def has_mark(kind: ObjectKind, body: Body) -> bool:
    """Whether the body has the mark of its kind."""
    match kind:
        case ObjectKind.FOLDER:
            return str(body.get("title", "")).startswith(TITLE)
        case ObjectKind.DATA_SOURCE:
            return (body.get("jsonData") or {}).get(JSON_KEY) == OWNER
        case ObjectKind.DASHBOARD:
            return TAG in (body.get("tags") or ())
        case ObjectKind.RULE:
            return (body.get("labels") or {}).get(LABEL) == OWNER
        case ObjectKind.RULE_GROUP:
            return all(has_mark(ObjectKind.RULE, rule) for rule in body.get("rules") or ())
        case ObjectKind.POLICY:
            return MATCHER in [list(matcher) for matcher in body.get("object_matchers") or ()]
        case _:
            return body.get("provenance") == "api"


def owned(kind: ObjectKind, uid: str, body: Body) -> bool:
    """Whether an object is Andén's."""
    return uid.startswith(PREFIX) and has_mark(kind, body)


def with_mark(kind: ObjectKind, body: Body) -> Body:
    """The body with the mark of its kind, if the body can carry one."""
    match kind:
        case ObjectKind.DATA_SOURCE:
            return {**body, "jsonData": {**(body.get("jsonData") or {}), JSON_KEY: OWNER}}
        case ObjectKind.DASHBOARD:
            tags = list(body.get("tags") or ())
            return {**body, "tags": tags if TAG in tags else [*tags, TAG]}
        case ObjectKind.RULE:
            return {**body, "labels": {**(body.get("labels") or {}), LABEL: OWNER}}
        case ObjectKind.RULE_GROUP:
            return {**body, "rules": [with_mark(ObjectKind.RULE, rule) for rule in body["rules"]]}
        case ObjectKind.POLICY:
            others = [list(matcher) for matcher in body.get("object_matchers") or ()]
            return {**body, "object_matchers": others if MATCHER in others else [MATCHER, *others]}
        case _:
            return body


def owned_routes(tree: Body) -> list[Body]:
    """Andén's first-level routes of the notification policy."""
    routes: list[Any] = tree.get("routes") or []
    return [route for route in routes if has_mark(ObjectKind.POLICY, route)]
