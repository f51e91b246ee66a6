"""The canonical form: a body without everything that Grafana fills in.

It is applied to sent and read objects, so that they are equal unless one was edited. A list of named items becomes an
object keyed by name (`[Lag]` for a panel), so that paths are readable and an inserted item does not shift the others;
the order is kept as a separate value.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.monitoring.diff import ORDER_KEY
from apps.monitoring.grafana.sync.objects import Body, ObjectKind

RIGHTS: Final = ("hasAcl", "canSave", "canEdit", "canAdmin", "canDelete", "accessControl")
TIMESTAMPS: Final = ("created", "createdBy", "updated", "updatedBy")

SERVER_FIELDS: Final[Mapping[ObjectKind, frozenset[str]]] = {
    ObjectKind.FOLDER: frozenset((*RIGHTS, *TIMESTAMPS, "id", "orgId", "url", "version", "parents", "managedBy")),
    ObjectKind.DATA_SOURCE: frozenset(
        (*RIGHTS, "id", "orgId", "version", "readOnly", "typeLogoUrl", "typeName", "secureJsonFields", "apiVersion")
    ),
    ObjectKind.DASHBOARD: frozenset(("id", "version", "iteration", "schemaVersion", "gnetId")),
    ObjectKind.CONTACT_POINT: frozenset(("provenance",)),
    ObjectKind.MUTE_TIMING: frozenset(("provenance", "version", "uid")),
    ObjectKind.POLICY: frozenset(("provenance",)),
    ObjectKind.RULE_GROUP: frozenset(("provenance",)),
    ObjectKind.RULE: frozenset((*TIMESTAMPS, "id", "orgID", "provenance", "guid")),
}
"""Top-level fields that the server fills in: ids, versions, timestamps, permissions."""

DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "allowUiUpdates": (False,),
    "basicAuth": (False,),
    "collapsed": (False,),
    "continue": (False,),
    "disableResolveMessage": (False,),
    "editable": (True,),
    "exemplar": (False,),
    "fiscalYearStartMonth": (0,),
    "for": ("0s",),
    "graphTooltip": (0,),
    "hide": (0, False),
    "includeAll": (False,),
    "instant": (False,),
    "intervalMs": (1000,),
    "isDefault": (False,),
    "isPaused": (False,),
    "keep_firing_for": ("0s",),
    "liveNow": (False,),
    "maxDataPoints": (43200,),
    "multi": (False,),
    "pluginVersion": (),
    "preload": (False,),
    "relativeTimeRange": ({"from": 0, "to": 0},),
    "skipUrlSync": (False,),
    "transparent": (False,),
    "weekStart": ("browser",),
    "withCredentials": (False,),
}
"""Defaults that Grafana fills in, by key at any depth; () matches any value."""

NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "panels": ("id",),
    "list": ("name",),
    "targets": ("refId",),
    "data": ("refId",),
    "rules": ("uid",),
    "overrides": (),
    "links": ("title",),
    "transformations": ("id",),
}
"""Lists of named items, and the key with the name."""

DURATIONS: Final = frozenset(["for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval"])
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def canonical(kind: ObjectKind, body: Body) -> Body:
    """The canonical form of a sent or read body."""
    filled = SERVER_FIELDS[kind]
    kept = {name: value for name, value in body.items() if name not in filled}
    if kind is ObjectKind.RULE_GROUP:
        kept = {**kept, "rules": [_rule(rule) for rule in body.get("rules") or ()]}
    prepare = PREPARE.get(kind)
    cleaned: Body = _clean(prepare(kept) if prepare else kept)
    return cleaned


def _rule(rule: Body) -> Body:
    """The rule without what the server fills in; Grafana also writes a query's refId into its model."""
    kept = {name: value for name, value in rule.items() if name not in SERVER_FIELDS[ObjectKind.RULE]}
    queries = [
        {**query, "model": {"refId": query.get("refId"), **(query.get("model") or {})}}
        for query in rule.get("data") or ()
    ]
    return {**kept, "data": queries}


def _dashboard(body: Body) -> Body:
    """The dashboard without the annotation query that Grafana adds, and with sorted tags."""
    annotations = body.get("annotations") or {}
    queries = [query for query in annotations.get("list") or () if not query.get("builtIn")]
    tags = sorted(set(body.get("tags") or ()))
    return {**body, "annotations": {**annotations, "list": queries}, "tags": tags}


def _data_source(body: Body) -> Body:
    url = body.get("url")
    return {**body, "url": url.rstrip("/")} if isinstance(url, str) else body


def _policy(body: Body) -> Body:
    """The policy with sorted matchers, because Grafana sorts them."""
    matchers = sorted(list(matcher) for matcher in body.get("object_matchers") or ())
    routes = [_policy(route) for route in body.get("routes") or ()]
    return {**body, "object_matchers": matchers, "routes": routes}


PREPARE: Final[Mapping[ObjectKind, Callable[[Body], Body]]] = {
    ObjectKind.DASHBOARD: _dashboard,
    ObjectKind.DATA_SOURCE: _data_source,
    ObjectKind.POLICY: _policy,
}


def _clean(value: Any, name: str = "") -> Any:
    """The value without defaults and empty values; lists of named items keyed by name."""
    if isinstance(value, dict):
        parts = {key: _clean(part, key) for key, part in value.items()}
        return {key: part for key, part in parts.items() if not _is_default(key, part)}
    if isinstance(value, list):
        items = [_clean(part) for part in value]
        return _by_name(items, NAMED_BY.get(name, ()))
    if name in DURATIONS and isinstance(value, str):
        return _seconds(value)
    return value


def _is_default(name: str, value: Any) -> bool:
    if value is None or (not value and isinstance(value, str | list | dict)):
        return True  # Grafana adds and drops these
    if name not in DEFAULTS:
        return False
    defaults = DEFAULTS[name]
    return not defaults or any(type(value) is type(default) and value == default for default in defaults)


def _by_name(items: list[Any], keys: tuple[str, ...]) -> Any:
    """The items keyed by name, and the order of names; the list itself if not all have a unique name."""
    for key in keys:
        names = [item.get(key) if isinstance(item, dict) else None for item in items]
        if items and all(name not in (None, "") for name in names) and len(set(names)) == len(names):
            return {**{f"[{name}]": item for name, item in zip(names, items, strict=True)}, ORDER_KEY: names}
    return items


def _seconds(text: str) -> str:
    """A duration in seconds: 5m, 5m0s and 300s are equal."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return text
    return f"{sum(int(number) * _SECONDS[unit] for number, unit in parts):g}s"
