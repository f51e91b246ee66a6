"""One change of one object as a request of Grafana's legacy `/api`."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from apps.monitoring.adapters.grafana.legacy_reads import PROVISIONING, group_path
from apps.monitoring.adapters.grafana.transport import Answer, Transport
from apps.monitoring.core.errors import GrafanaChanged
from apps.monitoring.core.grafana.objects import Body, Kind
from apps.monitoring.core.grafana.ownership import our_routes, owned
from apps.monitoring.core.grafana.plan import Action

Writer = Callable[[Transport, Action, str], Answer]


def folder(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to making, renaming, moving or deleting a folder."""
    path = f"/api/folders/{quote(action.key.uid, safe='')}"
    if action.verb == "delete":
        return _delete_empty(transport, action, path)
    body = _body(action)
    if action.verb == "create":
        return transport.send("POST", "/api/folders", body=body)
    there = transport.send("GET", path)
    answer = there
    if there.ok and there.body["title"] != body["title"]:
        sent = {"title": body["title"], "version": there.body.get("version"), "overwrite": False}
        answer = transport.send("PUT", path, body=sent)
    if answer.ok and (there.body.get("parentUid") or "") != body.get("parentUid", ""):
        answer = transport.send("POST", f"{path}/move", body={"parentUid": body.get("parentUid", "")})
    return answer


def _delete_empty(transport: Transport, action: Action, path: str) -> Answer:
    """The answer to deleting a folder, asked right before what lies in it: Grafana would delete that, too.

    Raises GrafanaChanged: something lies in it.
    """
    counts = transport.send("GET", f"{path}/counts")
    if not counts.ok:
        return counts
    inside = [f"{count} {kind}" for kind, count in sorted(counts.body.items()) if count]
    if inside:
        raise GrafanaChanged(f"{action.key} holds {', '.join(inside)}, which would be deleted with it: move it away")
    return transport.send("DELETE", path)


def data_source(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to making, changing or deleting a data source."""
    path = f"/api/datasources/uid/{quote(action.key.uid, safe='')}"
    if action.verb == "delete":
        return transport.send("DELETE", path)
    if action.verb == "create":
        return transport.send("POST", "/api/datasources", body=_body(action))
    version = (action.actual or {}).get("version")
    return transport.send("PUT", path, body={**_body(action), "version": version})


def dashboard(transport: Transport, action: Action, message: str) -> Answer:
    """The answer to saving or deleting a dashboard; saved only over the version that the plan saw."""
    if action.verb == "delete":
        return transport.send("DELETE", f"/api/dashboards/uid/{quote(action.key.uid, safe='')}")
    model = _body(action)
    where = model.pop("folderUid")
    version = (action.actual or {}).get("version", 0)
    sent = {
        "dashboard": {**model, "id": None, "version": version},
        "folderUid": where,
        "message": message,
        "overwrite": False,
    }
    return transport.send("POST", "/api/dashboards/db", body=sent)


def contact_point(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to making, changing or deleting a contact point."""
    return _provisioned(transport, action, "contact-points")


def mute_timing(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to making, changing or deleting a mute timing."""
    return _provisioned(transport, action, "mute-timings")


def _provisioned(transport: Transport, action: Action, collection: str) -> Answer:
    path = f"{PROVISIONING}/{collection}"
    one = f"{path}/{quote(action.key.uid, safe='')}"
    if action.verb == "delete":
        return transport.send("DELETE", one)
    body = _body(action)
    if action.verb == "create":
        return transport.send("POST", path, body=body)
    version = (action.actual or {}).get("version")
    return transport.send("PUT", one, body={**body, **({"version": version} if version else {})})


def rule_group(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to writing a group whole: rules that are elsewhere come in, rules that it lost come back.

    Grafana deletes the rules of a group that are not sent: those of ours that the code no longer has are sent on as
    they are, for `prune` to delete.

    Raises GrafanaChanged: somebody put a rule of their own into the group since the plan was made.
    """
    body = _body(action)
    path = group_path(body["folderUid"], body["title"])
    there = transport.send("GET", path)
    sent = {rule["uid"] for rule in body["rules"]}
    kept = [rule for rule in there.body.get("rules") or () if rule["uid"] not in sent] if there.ok else []
    for rule in kept:
        if not owned(Kind.RULE, rule["uid"], rule):
            raise GrafanaChanged(f"{action.key} holds the rule {rule['uid']}, which is not Andén's: move it away")
    return transport.send("PUT", path, body={**body, "rules": [*body["rules"], *kept]})


def rule(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to deleting one rule, by itself: whatever else is in its group stays."""
    return transport.send("DELETE", f"{PROVISIONING}/alert-rules/{quote(action.key.uid, safe='')}")


def policy(transport: Transport, action: Action, _message: str) -> Answer:
    """The answer to putting our subtree into the tree as it stands now; every other route stays as it is.

    The tree has no version: it is read right before, and is given back with the same provenance, so that it stays
    as editable for its other owners as it was.
    """
    answer = transport.send("GET", f"{PROVISIONING}/policies")
    if not answer.ok:
        return answer
    tree: Body = answer.body
    ours = our_routes(tree)
    subtree = [] if action.verb == "delete" else [_body(action)]
    routes: list[Any] = list(tree.get("routes") or ())
    place = routes.index(ours[0]) if ours else 0
    others = [route for route in routes if route not in ours]
    whole = {**tree, "routes": [*others[:place], *subtree, *others[place:]]}
    provenance = whole.pop("provenance", "")
    headers = {} if provenance else {"X-Disable-Provenance": "true"}
    return transport.send("PUT", f"{PROVISIONING}/policies", body=whole, headers=headers)


def _body(action: Action) -> Body:
    """The whole body, secrets included."""
    return action.item.revealed() if action.item else {}


WRITERS: Final[Mapping[Kind, Writer]] = {
    Kind.FOLDER: folder,
    Kind.DATA_SOURCE: data_source,
    Kind.DASHBOARD: dashboard,
    Kind.CONTACT_POINT: contact_point,
    Kind.MUTE_TIMING: mute_timing,
    Kind.POLICY: policy,
    Kind.RULE_GROUP: rule_group,
    Kind.RULE: rule,
}
"""How each kind is written."""
