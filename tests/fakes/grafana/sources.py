"""Data sources and annotations of the fake."""

import copy
from typing import Final

from tests.fakes.grafana.dashboards import UID
from tests.fakes.grafana.data import GrafanaData, Json
from tests.fakes.grafana.messages import Reply, Request, need

TYPES: Final = {
    "prometheus": "Prometheus",
    "cloudwatch": "CloudWatch",
    "loki": "Loki",
    "tempo": "Tempo",
    "alertmanager": "Alertmanager",
    "grafana-postgresql-datasource": "PostgreSQL",
}
"""Installed types and their names."""


def source_list(data: GrafanaData, _request: Request) -> Reply:
    """GET: all data sources, without versions and secrets."""
    hidden = {"version", "secureJsonData"}
    return Reply(200, [{k: v for k, v in source.items() if k not in hidden} for source in data.sources.values()])


def source_get(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """GET: one data source, with the names of its secrets."""
    need(uid in data.sources, 404, "Data source not found")
    return Reply(200, _shown(data.sources[uid]))


def _shown(source: Json) -> Json:
    shown = {key: value for key, value in source.items() if key != "secureJsonData"}
    return {**copy.deepcopy(shown), "secureJsonFields": dict.fromkeys(source.get("secureJsonData") or {}, True)}


def source_post(data: GrafanaData, request: Request) -> Reply:
    """POST."""
    body = request.body
    _check(data, body, but=None)
    uid = body.get("uid") or f"s{data.next_id()}"
    need(UID.fullmatch(uid), 400, "uid contains illegal characters or is too long")
    need(uid not in data.sources, 409, "data source with the same uid already exists")
    source = _filled({**body, "uid": uid, "id": data.next_id(), "version": 1})
    data.sources[uid] = source
    return Reply(200, {"id": source["id"], "message": "Datasource added", "datasource": _shown(source)})


def source_put(data: GrafanaData, request: Request, uid: str) -> Reply:
    """PUT: secrets that are not sent are kept."""
    need(uid in data.sources, 404, "Data source not found")
    old, body = data.sources[uid], request.body
    _check(data, body, but=uid)
    newest = not body.get("version") or body["version"] == old["version"]
    need(newest, 409, "Datasource has already been updated by someone else. Please reload and try again")
    need(not old["readOnly"], 403, "Cannot update read-only data source")
    secrets = {**(old.get("secureJsonData") or {}), **(body.get("secureJsonData") or {})}
    data.sources[uid] = _filled(
        {**body, "uid": uid, "id": old["id"], "version": old["version"] + 1, "secureJsonData": secrets}
    )
    return Reply(200, {"message": "Datasource updated", "datasource": _shown(data.sources[uid])})


def _check(data: GrafanaData, body: Json, *, but: str | None) -> None:
    for field in ("name", "type", "access"):
        need(body.get(field), 400, f"bad request data: {field} is required")
    need(body["type"] in TYPES, 400, f"data source type {body['type']} is not installed")
    need(body["access"] in {"proxy", "direct"}, 400, "bad request data: access must be proxy or direct")
    for uid, other in data.sources.items():
        need(uid == but or other["name"] != body["name"], 409, "data source with the same name already exists")


def _filled(body: Json) -> Json:
    logo = f"public/app/plugins/datasource/{body['type']}/img/logo.svg"
    blank = {"url": "", "user": "", "database": "", "basicAuth": False, "basicAuthUser": "", "withCredentials": False}
    served = {"orgId": 1, "typeLogoUrl": logo, "typeName": TYPES[body["type"]], "readOnly": False}
    return {**blank, "isDefault": False, "jsonData": {}, **copy.deepcopy(body), **served}


def source_delete(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """DELETE."""
    need(uid in data.sources, 404, "Data source not found")
    need(not data.sources[uid]["readOnly"], 403, "Cannot delete read-only data source")
    del data.sources[uid]
    return Reply(200, {"message": "Data source deleted"})


def annotation_list(data: GrafanaData, request: Request) -> Reply:
    """GET: annotations with all requested tags, newest first."""
    tags = set(request.query.get("tags", []))
    found = [note for note in data.annotations.values() if tags <= set(note["tags"])]
    return Reply(200, sorted(found, key=lambda note: -note["id"])[: int(request.first("limit", "100"))])


def annotation_post(data: GrafanaData, request: Request) -> Reply:
    """POST: every call creates an annotation."""
    body = request.body
    need(body.get("text"), 400, "bad request data: text field should not be empty")
    number = data.next_id()
    data.annotations[number] = {
        "id": number,
        "time": body.get("time") or 0,
        "tags": body.get("tags") or [],
        "text": body["text"],
    }
    return Reply(200, {"message": "Annotation added", "id": number})


def annotation_patch(data: GrafanaData, request: Request, number: str) -> Reply:
    """PATCH: updates the fields that are sent."""
    need(int(number) in data.annotations, 404, "Annotation not found")
    kept = {key: request.body[key] for key in ("text", "tags", "time", "timeEnd") if request.body.get(key)}
    data.annotations[int(number)].update(kept)
    return Reply(200, {"message": "Annotation patched"})
