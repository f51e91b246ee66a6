"""Alert rules and their groups in the fake."""

import copy
from typing import Final

from tests.fakes.grafana.alerting import duration
from tests.fakes.grafana.dashboards import UID
from tests.fakes.grafana.data import GrafanaData, Json
from tests.fakes.grafana.messages import Reply, Request, need

EXPRESSION: Final = "__expr__"
NO_DATA: Final = {"Alerting", "NoData", "OK", "KeepLast"}
ON_ERROR: Final = {"OK", "Alerting", "Error", "KeepLast"}
TICK_S: Final = 10
"""Intervals are multiples of the scheduler's tick."""


def rule_list(data: GrafanaData, _request: Request) -> Reply:
    """GET: all rules, without the intervals of their groups."""
    return Reply(200, [copy.deepcopy(rule) for rule in data.rules.values()])


def group_get(data: GrafanaData, _request: Request, folder: str, title: str) -> Reply:
    """GET: a group with its interval."""
    rules = _inside(data, folder, title)
    need(rules, 404, "rule group not found")
    body = {"title": title, "folderUid": folder, "interval": data.intervals[folder, title]}
    return Reply(200, {**body, "rules": copy.deepcopy(rules)})


def _inside(data: GrafanaData, folder: str, title: str) -> list[Json]:
    return [rule for rule in data.rules.values() if (rule["folderUID"], rule["ruleGroup"]) == (folder, title)]


def group_put(data: GrafanaData, request: Request, folder: str, title: str) -> Reply:
    """PUT: replaces a group: deletes rules that are not sent, moves rules of other groups."""
    body = copy.deepcopy(request.body)
    need(folder in data.folders, 404, "folder not found")
    interval = body.get("interval")
    need(
        isinstance(interval, int) and interval > 0 and interval % TICK_S == 0, 400, "interval must be a multiple of 10"
    )
    rules = body.get("rules") or []
    for rule in rules:
        _check(data, rule, folder)
        _keep_provenance(data.rules.get(rule.get("uid", "")), request.provenance)
    titles = [rule["title"] for rule in rules]
    need(len(titles) == len(set(titles)), 409, "rule with the same title exists in the folder")
    sent = {rule.get("uid") for rule in rules}
    _free_titles(data, titles, folder, sent, title)
    for gone in [rule["uid"] for rule in _inside(data, folder, title) if rule["uid"] not in sent]:
        _keep_provenance(data.rules[gone], request.provenance)
        del data.rules[gone]
    for place, rule in enumerate(rules):
        filled = _filled(data, rule, folder, title, request.provenance)
        data.rules.pop(filled["uid"], None)  # in the order of the group
        data.rules[filled["uid"]] = filled
        rules[place] = filled
    data.intervals[folder, title] = interval
    return Reply(200, {"title": title, "folderUid": folder, "interval": interval, "rules": copy.deepcopy(rules)})


def _free_titles(data: GrafanaData, titles: list[str], folder: str, sent: set[str | None], group: str) -> None:
    for rule in data.rules.values():
        stays = rule["uid"] not in sent and rule["ruleGroup"] != group
        same = rule["folderUID"] == folder and rule["title"] in titles
        need(not (stays and same), 409, f"rule with title {rule['title']!r} already exists in the folder")


def _keep_provenance(old: Json | None, new: str) -> None:
    """Raises GrafanaRejection: provisioned by a file, or locked otherwise."""
    before = (old or {}).get("provenance", "")
    need(
        before in {"", new} or (before, new) == ("api", ""),
        409,
        f"cannot change provenance from '{before}' to '{new}'",
    )


def _check(data: GrafanaData, rule: Json, folder: str) -> None:
    name = rule.get("title")
    need(name, 400, "invalid alert rule: title is empty")
    need(not rule.get("uid") or UID.fullmatch(rule["uid"]), 400, f"invalid alert rule {name!r}: bad uid")
    need(rule.get("folderUID", folder) == folder, 400, f"invalid alert rule {name!r}: another folder than the group")
    queries = rule.get("data") or []
    refs = [query.get("refId") for query in queries]
    need(queries and all(refs) and len(set(refs)) == len(refs), 400, f"invalid alert rule {name!r}: bad refIds")
    need(rule.get("condition") in refs, 400, f"invalid alert rule {name!r}: condition is no refId of its data")
    for query in queries:
        uid = query.get("datasourceUid")
        need(
            uid == EXPRESSION or uid in data.sources, 400, f"invalid alert rule {name!r}: data source {uid} not found"
        )
        need(isinstance(query.get("model"), dict), 400, f"invalid alert rule {name!r}: a query without a model")
    need(rule.get("noDataState") in NO_DATA, 400, f"invalid alert rule {name!r}: unknown no data state")
    need(rule.get("execErrState") in ON_ERROR, 400, f"invalid alert rule {name!r}: unknown error state")
    receiver = (rule.get("notification_settings") or {}).get("receiver")
    names = {contact["name"] for contact in data.contacts.values()}
    need(not receiver or receiver in names, 400, f"invalid alert rule {name!r}: receiver {receiver} does not exist")


def _filled(data: GrafanaData, rule: Json, folder: str, group: str, provenance: str) -> Json:
    """The rule as Grafana returns it: ids, timestamps, nulls, and sampling of each query."""
    uid = rule.get("uid") or f"r{data.next_id()}"
    old = data.rules.get(uid, {})
    queries = [_query(query) for query in rule["data"]]
    blank: Json = {"isPaused": False, "notification_settings": None, "record": None, "labels": {}, "annotations": {}}
    served = {"uid": uid, "id": old.get("id") or data.next_id(), "orgID": 1, "updated": "2026-01-01T00:00:00Z"}
    placed = {"folderUID": folder, "ruleGroup": group, "provenance": provenance, "data": queries}
    times = {
        "for": duration(rule.get("for") or "0s"),
        "keep_firing_for": duration(rule.get("keep_firing_for") or "0s"),
    }
    return {**blank, **rule, **served, **placed, **times}


def _query(query: Json) -> Json:
    model = {"intervalMs": 1000, "maxDataPoints": 43200, "refId": query["refId"], **query["model"]}
    return {"queryType": "", "relativeTimeRange": {"from": 0, "to": 0}, **query, "model": model}


def rule_delete(data: GrafanaData, request: Request, uid: str) -> Reply:
    """DELETE: succeeds also if it does not exist."""
    if uid in data.rules:
        _keep_provenance(data.rules[uid], request.provenance)
        del data.rules[uid]
    return Reply(204)
