"""One change of one object as a request of Grafana's legacy `/api`."""

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
    """The answer to making, renaming, moving or deleting a folder."""
    uid, folders = _uid(action), client.api.folder
    if action.verb == "delete":
        return _delete_empty(client, action)
    body = _body(action)
    if action.verb == "create":
        return client.send("POST", "/api/folders", body=body)
    there = answer = client.call(folders.get_folder, uid)
    if there.ok and there.body["title"] != body["title"]:
        answer = client.call(folders.update_folder, uid, title=body["title"], version=there.body.get("version"))
    parent = body.get("parentUid", "")
    if answer.ok and (there.body.get("parentUid") or "") != parent:
        answer = client.send("POST", f"/api/folders/{uid}/move", body={"parentUid": parent})
    return answer


def _delete_empty(client: GrafanaApiClient, action: PlannedAction) -> GrafanaResponse:
    """The answer to deleting a folder, asked right before what lies in it: Grafana would delete that, too.

    Raises GrafanaConflict: something lies in it.
    """
    counts = client.send("GET", f"/api/folders/{_uid(action)}/counts")
    if not counts.ok:
        return counts
    inside = [f"{count} {kind}" for kind, count in sorted(counts.body.items()) if count]
    if inside:
        raise GrafanaConflict(f"{action.key} holds {', '.join(inside)}, which would be deleted with it: move it away")
    return client.call(client.api.folder.delete_folder, _uid(action))


def data_source(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """The answer to making, changing or deleting a data source."""
    sources = client.api.datasource
    if action.verb == "delete":
        return client.call(sources.delete_datasource_by_uid, _uid(action))
    if action.verb == "create":
        return client.call(sources.create_datasource, _body(action))
    version = (action.actual or {}).get("version")
    return client.call(sources.update_datasource_by_uid, _uid(action), {**_body(action), "version": version})


def dashboard(client: GrafanaApiClient, action: PlannedAction, message: str) -> GrafanaResponse:
    """The answer to saving or deleting a dashboard; saved only over the version that the plan saw."""
    if action.verb == "delete":
        return client.call(client.api.dashboard.delete_dashboard, _uid(action))
    model = _body(action)
    where = model.pop("folderUid")
    version = (action.actual or {}).get("version", 0)
    sent = {
        "dashboard": {**model, "id": None, "version": version},
        "folderUid": where,
        "message": message,
        "overwrite": False,
    }
    return client.call(client.api.dashboard.update_dashboard, sent)


def contact_point(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """The answer to making, changing or deleting a contact point."""
    alerting = client.api.alertingprovisioning
    if action.verb == "delete":
        return client.call(alerting.delete_contactpoint, _uid(action))
    if action.verb == "create":
        return client.call(alerting.create_contactpoint, _body(action))
    return client.call(alerting.update_contactpoint, _uid(action), _versioned(action))


def mute_timing(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """The answer to making, changing or deleting a mute timing."""
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
    """The answer to writing a group whole: rules that are elsewhere come in, rules that it lost come back.

    Grafana deletes the rules of a group that are not sent: those of ours that the code no longer has are sent on as
    they are, for `prune` to delete.

    Raises GrafanaConflict: somebody put a rule of their own into the group since the plan was made.
    """
    body = _body(action)
    get, place, title = rule_group_of(client, body["folderUid"], body["title"])
    there = client.call(get, place, title)
    sent = {rule["uid"] for rule in body["rules"]}
    kept = [rule for rule in there.body.get("rules") or () if rule["uid"] not in sent] if there.ok else []
    for rule in kept:
        if not owned(ObjectKind.RULE, rule["uid"], rule):
            raise GrafanaConflict(f"{action.key} holds the rule {rule['uid']}, which is not Andén's: move it away")
    whole = {**body, "rules": [*body["rules"], *kept]}
    return client.call(client.api.alertingprovisioning.update_rule_group, place, title, whole)


def rule(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """The answer to deleting one rule, by itself: whatever else is in its group stays."""
    return client.call(client.api.alertingprovisioning.delete_alertrule, _uid(action))


def policy(client: GrafanaApiClient, action: PlannedAction, _message: str) -> GrafanaResponse:
    """The answer to putting our subtree into the tree as it stands now; every other route stays as it is.

    The tree has no version: it is read right before, and is given back with the same provenance, so that it stays
    as editable for its other owners as it was.
    """
    alerting = client.api.alertingprovisioning
    answer = client.call(alerting.get_notification_policy_tree)
    if not answer.ok:
        return answer
    tree: Body = answer.body
    ours = owned_routes(tree)
    subtree = [] if action.verb == "delete" else [_body(action)]
    routes: list[Any] = list(tree.get("routes") or ())
    place = routes.index(ours[0]) if ours else 0
    others = [route for route in routes if route not in ours]
    whole = {**tree, "routes": [*others[:place], *subtree, *others[place:]]}
    provenance = whole.pop("provenance", "")
    return client.call(alerting.set_notification_policy_tree, whole, disable_provenance=not provenance)


def _uid(action: PlannedAction) -> str:
    """The object's uid as a part of an address: grafana-client takes it as it is."""
    return quote(action.key.uid, safe="")


def _body(action: PlannedAction) -> Body:
    """The whole body, secrets included."""
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
"""How each kind is written."""
