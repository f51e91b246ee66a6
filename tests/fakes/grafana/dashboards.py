"""Folders, dashboards and the search of the fake."""

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.fakes.grafana.data import GrafanaData, Json, StoredDashboard
from tests.fakes.grafana.messages import GrafanaRejection, Reply, Request, need

UID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
SCHEMA: Final = 41
MOST_HITS: Final = 5_000
BUILT_IN: Final[Json] = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def search(data: GrafanaData, request: Request) -> Reply:
    """GET: hits of folders and dashboards, one page."""
    kind, tags, folders = request.first("type"), request.query.get("tag", []), request.query.get("folderUIDs", [])
    hits = [*_folder_hits(data), *_board_hits(data)]
    hits = [hit for hit in hits if hit["uid"] not in data.unindexed and (not kind or hit["type"] == kind)]
    hits = [hit for hit in hits if set(tags) <= set(hit["tags"])]
    hits = [hit for hit in hits if not folders or hit.get("folderUid", "") in folders]
    hits.sort(key=lambda hit: (hit["title"], hit["uid"]))
    limit = min(int(request.first("limit", "1000")), MOST_HITS)
    start = (int(request.first("page", "1")) - 1) * limit
    return Reply(200, hits[start : start + limit])


def _folder_hits(data: GrafanaData) -> Iterator[Json]:
    for uid, folder in data.folders.items():
        place = {"folderUid": folder["parentUid"]} if folder.get("parentUid") else {}
        yield {"id": folder["id"], "uid": uid, "title": folder["title"], "type": "dash-folder", "tags": [], **place}


def _board_hits(data: GrafanaData) -> Iterator[Json]:
    for uid, board in data.boards.items():
        place = {"folderUid": board.folder} if board.folder else {}
        tags = list(board.model.get("tags") or ())
        title = board.model["title"]
        yield {"id": board.model["id"], "uid": uid, "title": title, "type": "dash-db", "tags": tags, **place}


def folder_get(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """GET."""
    need(uid in data.folders, 404, "folder not found")
    return Reply(200, _folder(data, uid))


def _folder(data: GrafanaData, uid: str) -> Json:
    rights = {"canSave": True, "canEdit": True, "canAdmin": True, "canDelete": True, "hasAcl": False}
    return {**data.folders[uid], **rights, "url": f"/dashboards/f/{uid}/"}


def folder_counts(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """GET: the number of objects inside, at any depth."""
    need(uid in data.folders, 404, "folder not found")
    below, inside = {uid}, 0
    while len(below) > inside:
        inside = len(below)
        below |= {child for child, folder in data.folders.items() if folder.get("parentUid") in below}
    counts = {
        "folder": inside - 1,
        "dashboard": sum(board.folder in below for board in data.boards.values()),
        "alertrule": sum(rule["folderUID"] in below for rule in data.rules.values()),
    }
    return Reply(200, counts)


def folder_post(data: GrafanaData, request: Request) -> Reply:
    """POST."""
    body = request.body
    uid, title, parent = body.get("uid") or f"f{data.next_id()}", body.get("title"), body.get("parentUid") or ""
    need(title, 400, "folder title cannot be empty")
    need(UID.fullmatch(uid), 400, "uid contains illegal characters or is too long")
    need(uid not in data.folders, 409, "a folder with the same UID already exists")
    need(not parent or parent in data.folders, 404, "parent folder not found")
    _free_title(data, title, parent, but=uid)
    data.folders[uid] = {"id": data.next_id(), "uid": uid, "title": title, "version": 1, "parentUid": parent}
    return Reply(200, _folder(data, uid))


def _free_title(data: GrafanaData, title: str, parent: str, *, but: str) -> None:
    for uid, folder in data.folders.items():
        same = uid != but and folder["title"] == title and (folder.get("parentUid") or "") == parent
        need(not same, 409, "a folder with the same name already exists in the current location")


def folder_put(data: GrafanaData, request: Request, uid: str) -> Reply:
    """PUT: renames it; refused if the version is outdated."""
    need(uid in data.folders, 404, "folder not found")
    folder, body = data.folders[uid], request.body
    newest = body.get("overwrite") or body.get("version") == folder["version"]
    need(newest, 412, "the folder has been changed by someone else", status="version-mismatch")
    need(body.get("title"), 400, "folder title cannot be empty")
    _free_title(data, body["title"], folder.get("parentUid") or "", but=uid)
    folder.update(title=body["title"], version=folder["version"] + 1)
    return Reply(200, _folder(data, uid))


def folder_move(data: GrafanaData, request: Request, uid: str) -> Reply:
    """POST: changes the parent."""
    need(uid in data.folders, 404, "folder not found")
    parent = request.body.get("parentUid") or ""
    need(not parent or parent in data.folders, 404, "parent folder not found")
    data.folders[uid]["parentUid"] = parent
    return Reply(200, _folder(data, uid))


def folder_delete(data: GrafanaData, request: Request, uid: str) -> Reply:
    """DELETE: with its dashboards and folders; refused while it contains alert rules."""
    need(uid in data.folders, 404, "folder not found")
    ruled = any(rule["folderUID"] == uid for rule in data.rules.values())
    need(
        not ruled or request.first("forceDeleteRules") == "true", 400, "folder cannot be deleted: contains alert rules"
    )
    for child in [child for child, folder in data.folders.items() if folder.get("parentUid") == uid]:
        folder_delete(data, request, child)
    for board in [board for board, held in data.boards.items() if held.folder == uid]:
        del data.boards[board]
    del data.folders[uid]
    return Reply(200, {"message": "Folder deleted"})


def board_get(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """GET: a dashboard with its meta."""
    need(uid in data.boards, 404, "Dashboard not found")
    board = data.boards[uid]
    meta = {"folderUid": board.folder, "version": board.model["version"], "provisioned": False, "canSave": True}
    return Reply(200, {"dashboard": copy.deepcopy(board.model), "meta": meta})


def board_post(data: GrafanaData, request: Request) -> Reply:
    """POST: creates a dashboard, or saves it over the given version."""
    model, folder = copy.deepcopy(request.body.get("dashboard") or {}), request.body.get("folderUid") or ""
    uid = model.get("uid") or f"d{data.next_id()}"
    overwrite = bool(request.body.get("overwrite"))
    _check_model(data, model, uid, folder)
    old = data.boards.get(uid)
    _check_names(data, model["title"], folder, uid, overwrite=overwrite)
    if old and not overwrite and model.get("version") != old.model["version"]:
        raise GrafanaRejection(412, "The dashboard has been changed by someone else", status="version-mismatch")
    number = (old.model["version"] if old else 0) + 1
    filled = filled_in({**model, "uid": uid, "version": number, "id": old.model["id"] if old else data.next_id()})
    message = request.body.get("message") or ""
    data.boards[uid] = StoredDashboard(filled, folder, [*(old.versions if old else ()), (number, message)])
    return Reply(200, {"id": filled["id"], "uid": uid, "status": "success", "version": number, "folderUid": folder})


def _check_names(data: GrafanaData, title: str, folder: str, uid: str, *, overwrite: bool) -> None:
    for other, board in data.boards.items():
        same = other != uid and board.folder == folder and board.model["title"] == title
        if same and not overwrite:
            raise GrafanaRejection(
                412, "A dashboard with the same name in the folder already exists", status="name-exists"
            )


def _check_model(data: GrafanaData, model: Json, uid: str, folder: str) -> None:
    need(model.get("title"), 400, "Dashboard title cannot be empty", status="empty-name")
    need(UID.fullmatch(uid), 400, "uid contains illegal characters or is too long")
    need(not folder or folder in data.folders, 400, "folder not found")
    need(isinstance(model.get("tags") or [], list), 400, "bad request data: tags must be a list")
    ids: list[Any] = []
    for panel in panels(model):
        need(panel.get("type"), 400, f"panel {panel.get('id')} has no type")
        ids.append(panel.get("id"))
        for target in panel.get("targets") or ():
            need(target.get("refId"), 400, f"a target of panel {panel.get('id')} has no refId")
        _check_source(data, panel.get("datasource"))
    need(len(ids) == len(set(ids)), 400, "two panels have the same id")


def panels(model: Json) -> Iterator[Json]:
    """Every panel, including those in collapsed rows."""
    for panel in model.get("panels") or ():
        yield panel
        yield from panel.get("panels") or ()


def _check_source(data: GrafanaData, source: Any) -> None:
    """A reference has a type and the uid of an existing, built-in or variable data source."""
    if not isinstance(source, dict):
        return
    uid = str(source.get("uid") or "")
    known = uid.startswith(("${", "$", "-- ")) or uid in data.sources or uid == "grafana" or not uid
    need(known, 400, f"data source {uid} not found")


def filled_in(model: Json) -> Json:
    """The model as Grafana returns it: newer schema, defaults, empty lists, built-in annotation."""
    model = {key: value for key, value in model.items() if value is not None}
    model["schemaVersion"] = max(SCHEMA, int(model.get("schemaVersion") or 0))
    for key, value in (("editable", True), ("graphTooltip", 0), ("fiscalYearStartMonth", 0), ("liveNow", False)):
        model.setdefault(key, value)
    for key, empty in (("links", []), ("timepicker", {}), ("templating", {"list": []}), ("weekStart", "")):
        model.setdefault(key, empty)
    queries = model.setdefault("annotations", {}).setdefault("list", [])
    if not any(query.get("builtIn") for query in queries):
        queries.insert(0, dict(BUILT_IN))
    for panel in panels(model):
        _fill_panel(panel)
    for variable in model["templating"].get("list") or ():
        variable.setdefault("hide", 0)
        variable.setdefault("skipUrlSync", False)
    return model


def _fill_panel(panel: Json) -> None:
    panel.setdefault("pluginVersion", "11.6.0")
    panel.setdefault("transparent", False)
    config = panel.setdefault("fieldConfig", {})
    config.setdefault("overrides", [])
    defaults = config.setdefault("defaults", {})
    defaults.setdefault("mappings", [])
    for step in (defaults.get("thresholds") or {}).get("steps") or ():
        step.setdefault("value", None)
    for target in panel.get("targets") or ():
        target.setdefault("hide", False)
        target.setdefault("legendFormat", "")


def board_delete(data: GrafanaData, _request: Request, uid: str) -> Reply:
    """DELETE."""
    need(uid in data.boards, 404, "Dashboard not found")
    title = data.boards.pop(uid).model["title"]
    return Reply(200, {"title": title, "message": f"Dashboard {title} deleted"})
