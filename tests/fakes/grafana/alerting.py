"""Contact points, mute timings and the policy tree of the fake."""

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.fakes.grafana.dashboards import UID
from tests.fakes.grafana.data import GrafanaData, Json
from tests.fakes.grafana.messages import GrafanaRejection, Reply, Request, need

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "email": ("addresses",),
    "webhook": ("url",),
    "slack": (),
    "pagerduty": ("integrationKey",),
    "opsgenie": ("apiKey",),
    "teams": ("url",),
    "telegram": ("bottoken", "chatid"),
    "prometheus-alertmanager": ("url",),
}
"""Types of contact points, and their required settings."""

SECURE: Final = {"url": {"slack"}, "token": {"slack"}, "integrationKey": {"pagerduty"}, "apiKey": {"opsgenie"}} | {
    "password": {"webhook"},
    "authorization_credentials": {"webhook"},
    "bottoken": {"telegram"},
}
"""Settings that are never returned, and their types."""

REDACTED: Final = "[REDACTED]"
DURATION: Final = re.compile(r"(?:\d+(?:ms|s|m|h|d|w|y))+")
CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def keep_provenance(old: Json | None, new: str) -> None:
    """Raises GrafanaRejection: provisioned objects and manual ones cannot replace each other."""
    before = (old or {}).get("provenance", "")
    allowed = not before or before == new
    message = f"Resource with provenance status '{before}' cannot be managed via API that handles '{new}'"
    need(allowed, 403, message, messageId="alerting.notifications.invalidProvenance")


def contact_list(data: GrafanaData, _request: Request) -> Reply:
    """GET: all contact points, secrets redacted."""
    return Reply(200, [_hidden(contact) for contact in data.contacts.values()])


def _hidden(contact: Json) -> Json:
    settings = {
        name: REDACTED if contact["type"] in SECURE.get(name, ()) and value else value
        for name, value in contact["settings"].items()
    }
    return {**contact, "settings": settings}


def contact_post(data: GrafanaData, request: Request) -> Reply:
    """POST."""
    body = copy.deepcopy(request.body)
    uid = body.get("uid") or f"c{data.next_id()}"
    need(UID.fullmatch(uid), 400, "uid contains illegal characters or is too long")
    need(uid not in data.contacts, 409, f"contact point with UID {uid} exists")
    _check_contact(body)
    data.contacts[uid] = _contact(body, uid, request.provenance)
    return Reply(202, _hidden(data.contacts[uid]))


def contact_put(data: GrafanaData, request: Request, uid: str) -> Reply:
    """PUT: a redacted secret keeps its value."""
    need(uid in data.contacts, 404, "contact point not found")
    old, body = data.contacts[uid], copy.deepcopy(request.body)
    _check_contact(body)
    keep_provenance(old, request.provenance)
    for name, value in body["settings"].items():
        if value == REDACTED:
            body["settings"][name] = old["settings"].get(name)
    alone = sum(other["name"] == old["name"] for other in data.contacts.values()) == 1
    need(body["name"] == old["name"] or not alone or old["name"] not in set(_receivers(data)), 409, "receiver in use")
    data.contacts[uid] = _contact(body, uid, request.provenance)
    return Reply(202, {"message": "contactpoint updated"})


def _contact(body: Json, uid: str, provenance: str) -> Json:
    kept = {name: body[name] for name in ("name", "type", "settings")}
    silent = bool(body.get("disableResolveMessage"))
    return {"uid": uid, **kept, "disableResolveMessage": silent, "provenance": provenance}


def _check_contact(body: Json) -> None:
    need(body.get("name"), 400, "contact point must have a name")
    need(body.get("type") in REQUIRED, 400, f"unknown contact point type {body.get('type')}")
    settings = body.get("settings") or {}
    need(isinstance(settings, dict), 400, "settings must be an object")
    for name in REQUIRED[body["type"]]:
        need(settings.get(name), 400, f"invalid contact point: could not find {name} in settings")


def contact_delete(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """DELETE: refused while a route or rule uses it."""
    contact = data.contacts.get(uid)
    if contact is None:
        return Reply(202, {"message": "contactpoint deleted"})
    alone = sum(other["name"] == contact["name"] for other in data.contacts.values()) == 1
    used = contact["name"] in set(_receivers(data))
    need(not (used and alone), 409, "contact point is currently used by a notification policy or alert rule")
    del data.contacts[uid]
    return Reply(202, {"message": "contactpoint deleted"})


def _routes(route: Json) -> Iterator[Json]:
    yield route
    for child in route.get("routes") or ():
        yield from _routes(child)


def _receivers(data: GrafanaData) -> Iterator[str]:
    yield from (route["receiver"] for route in _routes(data.tree) if route.get("receiver"))
    for rule in data.rules.values():
        yield str((rule.get("notification_settings") or {}).get("receiver") or "")


def mute_list(data: GrafanaData, _request: Request) -> Reply:
    """GET: all mute timings."""
    return Reply(200, list(data.mutes.values()))


def mute_post(data: GrafanaData, request: Request) -> Reply:
    """POST."""
    body = request.body
    _check_mute(body)
    need(body["name"] not in data.mutes, 400, "Time interval with this name already exists. Use a different name")
    data.mutes[body["name"]] = _mute(body, request.provenance)
    return Reply(201, data.mutes[body["name"]])


def mute_put(data: GrafanaData, request: Request, name: str) -> Reply:
    """PUT: refused if the version is outdated."""
    need(name in data.mutes, 404, "mute timing not found")
    old, body = data.mutes[name], {"name": name, **request.body}
    need(body["name"] == name, 400, "name in body does not match the name in the path")
    _check_mute(body)
    keep_provenance(old, request.provenance)
    newest = not body.get("version") or body["version"] == old["version"]
    need(newest, 409, "provided version of time interval does not match current version")
    data.mutes[name] = _mute(body, request.provenance)
    return Reply(202, data.mutes[name])


def _mute(body: Json, provenance: str) -> Json:
    intervals = copy.deepcopy(body["time_intervals"])
    version = hashlib.sha256(json.dumps(intervals, sort_keys=True).encode()).hexdigest()[:16]
    return {"name": body["name"], "time_intervals": intervals, "version": version, "provenance": provenance}


def _check_mute(body: Json) -> None:
    need(body.get("name"), 400, "mute timing must have a name")
    intervals = body.get("time_intervals") or []
    need(isinstance(intervals, list), 400, "time_intervals must be a list")
    for interval in intervals:
        unknown = set(interval) - {"times", "weekdays", "days_of_month", "months", "years", "location"}
        need(not unknown, 400, f"unknown field {', '.join(sorted(unknown))} in time interval")
        for clock in interval.get("times") or ():
            ends = (clock.get("start_time", ""), clock.get("end_time", ""))
            need(all(CLOCK.fullmatch(end) for end in ends), 400, f"couldn't parse timestamp {ends}")


def mute_delete(data: GrafanaData, _request: Request, name: str) -> Reply:
    """DELETE: refused while a route uses it."""
    used = any(name in (route.get("mute_time_intervals") or ()) for route in _routes(data.tree))
    need(not used, 409, "time interval is used by a notification policy")
    data.mutes.pop(name, None)
    return Reply(204)


def policy_get(data: GrafanaData, _request: Request) -> Reply:
    """GET: the tree."""
    return Reply(200, copy.deepcopy(data.tree))


def policy_put(data: GrafanaData, request: Request) -> Reply:
    """PUT: replaces the tree; the last writer wins."""
    tree = copy.deepcopy(request.body)
    need(tree.get("receiver"), 400, "invalid object specification: root route must specify a default receiver")
    need(not tree.get("object_matchers"), 400, "invalid object specification: root route must not have any matchers")
    names = {contact["name"] for contact in data.contacts.values()}
    for route in _routes(tree):
        _check_route(data, route, names)
    keep_provenance(data.tree, request.provenance)
    tree.pop("provenance", None)
    data.tree = {**_normal_route(tree), **({"provenance": request.provenance} if request.provenance else {})}
    return Reply(202, {"message": "policies updated"})


def _check_route(data: GrafanaData, route: Json, names: set[str]) -> None:
    receiver = route.get("receiver")
    need(not receiver or receiver in names, 400, f"invalid object specification: receiver '{receiver}' does not exist")
    for mute in route.get("mute_time_intervals") or ():
        need(mute in data.mutes, 400, f"invalid object specification: mute time interval '{mute}' does not exist")
    for matcher in route.get("object_matchers") or ():
        sound = len(matcher) == 3 and matcher[1] in {"=", "!=", "=~", "!~"}
        need(sound, 400, f"invalid object specification: bad matcher {matcher}")
    for name in ("group_wait", "group_interval", "repeat_interval"):
        need(not route.get(name) or DURATION.fullmatch(route[name]), 400, f"not a valid duration: {route.get(name)}")


def _normal_route(route: Json) -> Json:
    """A route as Grafana returns it: matchers sorted, durations in the largest unit, without empty values."""
    normal: dict[str, Any] = {key: value for key, value in route.items() if value not in (None, [], "")}
    if "object_matchers" in normal:
        normal["object_matchers"] = sorted(normal["object_matchers"])
    for name in ("group_wait", "group_interval", "repeat_interval"):
        if name in normal:
            normal[name] = duration(normal[name])
    if "routes" in normal:
        normal["routes"] = [_normal_route(child) for child in normal["routes"]]
    return normal


def duration(text: str) -> str:
    """A duration as Prometheus formats it: 60m becomes 1h. Raises GrafanaRejection: invalid."""
    if not DURATION.fullmatch(text):
        raise GrafanaRejection(400, f"not a valid duration string: {text!r}")
    units = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
    rest = sum(int(number) * units.get(unit, 0) for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    if not rest:
        return "0s"
    parts = []
    for unit, seconds in units.items():
        if rest >= seconds and (unit not in "wd" or rest % seconds == 0):
            parts.append(f"{rest // seconds}{unit}")
            rest %= seconds
    return "".join(parts)
