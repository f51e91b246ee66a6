"""One change of one object as a request to Grafana's legacy `/api`."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from apps.monitoring.errors import GrafanaConflict
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.legacy_reads import rule_group_of
from apps.monitoring.grafana.client.response import GrafanaResponse
from apps.monitoring.grafana.sync.objects import Body, ObjectKind
from apps.monitoring.grafana.sync.ownership import owned, owned_routes
from apps.monitoring.grafana.sync.plan import PlannedAction

ObjectWriter = Callable[[GrafanaApiClient, PlannedAction, str], GrafanaResponse]


def folder(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Create, rename, move or delete a folder."""
    uid, folders = _uid(action), client.api.folder
    if action.verb == "delete":
        return _delete_empty(client, action)
    body = _body(action)
    if action.verb == "create":
        return client.send("POST", "/api/folders", body=body)
    current = response = client.call(folders.get_folder, uid)
    if current.ok and current.body["title"] != body["title"]:
        response = client.call(folders.update_folder, uid, title=body["title"], version=current.body.get("version"))
    parent = body.get("parentUid", "")
    if response.ok and (current.body.get("parentUid") or "") != parent:
        response = client.send("POST", f"/api/folders/{uid}/move", body={"parentUid": parent})
    return response


def _delete_empty(client: GrafanaApiClient, action: PlannedAction) -> GrafanaResponse:
    """Delete a folder if it is empty: Grafana would also delete its contents.

    Raises GrafanaConflict: it is not empty.
    """
    counts = client.send("GET", f"/api/folders/{_uid(action)}/counts")
    if not counts.ok:
        return counts
    inside = [f"{count} {kind}" for kind, count in sorted(counts.body.items()) if count]
    if inside:
        raise GrafanaConflict(
            f"{action.key} contains {', '.join(inside)}, which would be deleted with it: move it to another folder"
        )
    return client.call(client.api.folder.delete_folder, _uid(action))


def data_source(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Create, update or delete a data source."""
    sources = client.api.datasource
    if action.verb == "delete":
        return client.call(sources.delete_datasource_by_uid, _uid(action))
    if action.verb == "create":
        return client.call(sources.create_datasource, _body(action))
    version = (action.actual or {}).get("version")
    return client.call(sources.update_datasource_by_uid, _uid(action), {**_body(action), "version": version})


def dashboard(client: GrafanaApiClient, action: PlannedAction, message: str) -> GrafanaResponse:
    """Save or delete a dashboard; it is saved only over the version in the plan."""
    if action.verb == "delete":
        return client.call(client.api.dashboard.delete_dashboard, _uid(action))
    model = _body(action)
    folder_uid = model.pop("folderUid")
    version = (action.actual or {}).get("version", 0)
    sent = {
        "dashboard": {**model, "id": None, "version": version},
        "folderUid": folder_uid,
        "message": message,
        "overwrite": False,
    }
    return client.call(client.api.dashboard.update_dashboard, sent)


def contact_point(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Create, update or delete a contact point."""
    alerting = client.api.alertingprovisioning
    if action.verb == "delete":
        return client.call(alerting.delete_contactpoint, _uid(action))
    if action.verb == "create":
        return client.call(alerting.create_contactpoint, _body(action))
    return client.call(alerting.update_contactpoint, _uid(action), _versioned(action))


def mute_timing(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Create, update or delete a mute timing."""
    alerting = client.api.alertingprovisioning
    if action.verb == "delete":
        return client.send("DELETE", f"/api/v1/provisioning/mute-timings/{_uid(action)}")
    if action.verb == "create":
        return client.call(alerting.create_mute_timing, _body(action))
    return client.call(alerting.update_mute_timing, _uid(action), _versioned(action))


def _versioned(action: PlannedAction) -> Body:
    version = (action.actual or {}).get("version")
    return {**_body(action), **({"version": version} if version else {})}


def rule_group(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Replace a rule group, which moves and restores its rules.

    Grafana deletes rules that are not sent, so Andén's rules that are no longer in the code are sent unchanged: only
    `prune` deletes them.

    Raises GrafanaConflict: a foreign rule was added to the group after the plan was made.
    """
    body = _body(action)
    get, folder_uid, title = rule_group_of(client, body["folderUid"], body["title"])
    current = client.call(get, folder_uid, title)
    sent = {rule["uid"] for rule in body["rules"]}
    kept = [rule for rule in current.body.get("rules") or () if rule["uid"] not in sent] if current.ok else []
    for rule in kept:
        if not owned(ObjectKind.RULE, rule["uid"], rule):
            raise GrafanaConflict(
                f"{action.key} contains the rule {rule['uid']}, which is not Andén's: move it to another group"
            )
    group = {**body, "rules": [*body["rules"], *kept]}
    return client.call(client.api.alertingprovisioning.update_rule_group, folder_uid, title, group)


def rule(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Delete one rule; the rest of its group stays."""
    return client.call(client.api.alertingprovisioning.delete_alertrule, _uid(action))


def policy(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """Replace Andén's subtree in the current policy tree; every other route is unchanged.

    The tree has no version, so it is read immediately before. Its provenance is kept, so that other owners can still
    edit it.
    """
    alerting = client.api.alertingprovisioning
    response = client.call(alerting.get_notification_policy_tree)
    if not response.ok:
        return response
    tree: Body = response.body
    own = owned_routes(tree)
    subtree = [] if action.verb == "delete" else [_body(action)]
    routes: list[Any] = list(tree.get("routes") or ())
    position = routes.index(own[0]) if own else 0
    others = [route for route in routes if route not in own]
    updated = {**tree, "routes": [*others[:position], *subtree, *others[position:]]}
    provenance = updated.pop("provenance", "")
    return client.call(alerting.set_notification_policy_tree, updated, disable_provenance=not provenance)


def _uid(action: PlannedAction) -> str:
    """The uid, quoted for a URL: grafana-client does not quote it."""
    return quote(action.key.uid, safe="")


def _body(action: PlannedAction) -> Body:
    """The body, including secrets."""
    return action.item.body_with_secrets() if action.item else {}


WRITERS: Final[Mapping[ObjectKind, ObjectWriter]] = {
    ObjectKind.FOLDER: folder,
    ObjectKind.DATA_SOURCE: data_source,
    ObjectKind.DASHBOARD: dashboard,
    ObjectKind.CONTACT_POINT: contact_point,
    ObjectKind.MUTE_TIMING: mute_timing,
    ObjectKind.POLICY: policy,
    ObjectKind.RULE_GROUP: rule_group,
    ObjectKind.RULE: rule,
}
"""The writer of each kind."""
