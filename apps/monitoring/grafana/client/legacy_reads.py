"""Reads Grafana's state with few requests: lists of everything, bodies only of the manifest's objects."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.response import GrafanaResponse
from apps.monitoring.grafana.sync.manifest import POLICY_UID
from apps.monitoring.grafana.sync.objects import (
    Body,
    GrafanaState,
    Manifest,
    ObjectKey,
    ObjectKind,
    ObjectSummary,
    rules_of,
)
from apps.monitoring.grafana.sync.ownership import owned, owned_routes
from apps.monitoring.grafana.sync.plan import REDACTED

PAGE: Final = 1_000
"""Hits per page of the search; Grafana's maximum is 5,000."""

Method = Callable[..., Any]
"""A method of grafana-client."""

ALERTING: Final = frozenset(
    (ObjectKind.RULE_GROUP, ObjectKind.CONTACT_POINT, ObjectKind.MUTE_TIMING, ObjectKind.POLICY)
)


class GrafanaStateReader:
    """Reads the state of one Grafana."""

    def __init__(self, client: GrafanaApiClient) -> None:
        self._client = client
        self._api = client.api

    def state(self, manifest: Manifest, *, policy: bool = False) -> GrafanaState:
        """Grafana's state, with bodies of the manifest's objects; the policy if the manifest has one or on request."""
        wanted = {item.key for item in manifest.objects}
        found: dict[ObjectKey, Body] = {}
        listed: list[ObjectSummary] = []
        for read in (self._folders, self._dashboards, self._data_sources, self._contact_points, self._mute_timings):
            for entry, body in read(wanted):
                listed.append(entry)
                if body is not None and entry.key in wanted:
                    found[entry.key] = body
        rules = self._get("the alert rules", self._api.alertingprovisioning.get_alertrules_all)
        listed += [_listed(ObjectKind.RULE, rule["uid"], rule["title"], rule, rule["folderUID"]) for rule in rules]
        tree = None
        if policy or any(key.kind is ObjectKind.POLICY for key in wanted):
            tree = self._get("the notification policy", self._api.alertingprovisioning.get_notification_policy_tree)
            for route in owned_routes(tree)[:1]:
                listed.append(
                    ObjectSummary(ObjectKey(ObjectKind.POLICY, POLICY_UID), str(route.get("receiver")), owned=True)
                )
        return GrafanaState(tuple(listed), found, tuple(rules), self._intervals(manifest, rules), tree)

    def _folders(self, wanted: set[ObjectKey]) -> Iterator[tuple[ObjectSummary, Body]]:
        """Every folder; wanted ones that the search has not indexed yet are read by uid."""
        hits = {hit["uid"]: {**hit, "parentUid": hit.get("folderUid")} for hit in self._search("dash-folder")}
        for key in sorted(wanted):
            if key.kind is ObjectKind.FOLDER and key.uid not in hits:
                found = self._one(key, self._api.folder.get_folder)
                hits.update({key.uid: found} if found else {})
        for uid, hit in hits.items():
            parent = hit.get("parentUid") or ""
            body = {"uid": uid, "title": hit["title"], "parentUid": parent}
            yield _listed(ObjectKind.FOLDER, uid, hit["title"], body, parent), body

    def _dashboards(self, wanted: set[ObjectKey]) -> Iterator[tuple[ObjectSummary, Body | None]]:
        """Every dashboard: wanted ones as saved, others from the search index."""
        for key in sorted(wanted):
            if key.kind is ObjectKind.DASHBOARD and (found := self._one(key, self._api.dashboard.get_dashboard)):
                folder = found["meta"].get("folderUid") or ""
                body = {**found["dashboard"], "folderUid": folder}
                yield _listed(ObjectKind.DASHBOARD, key.uid, body["title"], body, folder), body
        for hit in self._search("dash-db"):
            entry = _listed(ObjectKind.DASHBOARD, hit["uid"], hit["title"], hit, hit.get("folderUid") or "")
            if entry.key not in wanted:
                yield entry, None

    def _one(self, key: ObjectKey, method: Method) -> Body | None:
        """The object with this key, or None."""
        response = self._client.call(method, quote(key.uid, safe=""))
        return None if response.status == 404 else dict(self._read(str(key), response))

    def _data_sources(self, wanted: set[ObjectKey]) -> Iterator[tuple[ObjectSummary, Body | None]]:
        for body in self._get("the data sources", self._api.datasource.list_datasources):
            entry = _listed(ObjectKind.DATA_SOURCE, body["uid"], body["name"], body)
            yield entry, self._data_source(body["uid"]) if entry.key in wanted else None

    def _data_source(self, uid: str) -> Body:
        """The full data source; its secrets are REDACTED, as in contact points."""
        get = self._api.datasource.get_datasource_by_uid
        body: Body = self._get(f"data source {uid}", get, quote(uid, safe=""))
        secrets = {name: REDACTED for name, is_set in (body.get("secureJsonFields") or {}).items() if is_set}
        return {**body, **({"secureJsonData": secrets} if secrets else {})}

    def _contact_points(self, _wanted: set[ObjectKey]) -> Iterator[tuple[ObjectSummary, Body]]:
        for body in self._get("the contact points", self._api.alertingprovisioning.get_contactpoints):
            yield _listed(ObjectKind.CONTACT_POINT, body["uid"], body["name"], body), body

    def _mute_timings(self, _wanted: set[ObjectKey]) -> Iterator[tuple[ObjectSummary, Body]]:
        for body in self._get("the mute timings", self._api.alertingprovisioning.get_mute_timings):
            yield _listed(ObjectKind.MUTE_TIMING, body["name"], body["name"], body), body

    def _intervals(self, manifest: Manifest, rules: list[Body]) -> dict[tuple[str, str], int]:
        """The interval of each wanted group that exists."""
        existing = {(rule["folderUID"], rule["ruleGroup"]) for rule in rules}
        groups = [item for item in manifest.objects if rules_of(item)]
        intervals = {}
        for item in groups:
            folder, title = item.body["folderUid"], item.body["title"]
            if (folder, title) in existing:
                group = self._get(f"rule group {title}", *rule_group_of(self._client, folder, title))
                intervals[folder, title] = int(group["interval"])
        return intervals

    def _search(self, kind: str) -> Iterator[Body]:
        """All hits of this type, page by page, without duplicates."""
        seen: set[str] = set()
        for page in count(1):
            params = {"type": kind, "limit": PAGE, "page": page}
            hits = self._read("the search", self._client.send("GET", "/api/search", params=params))
            for hit in hits:
                if hit["uid"] not in seen:
                    seen.add(hit["uid"])
                    yield hit
            if len(hits) < PAGE:
                return

    def _get(self, what: str, method: Method, *args: str) -> Any:
        response = self._client.call(method, *args)
        return self._read(what, response)

    def _read(self, what: str, response: GrafanaResponse) -> Any:
        if not response.ok:
            raise GrafanaRefused(f"{self._client.where} refuses to read {what}: {response.status} {response.message}")
        return response.body if response.body is not None else []


def rule_group_of(client: GrafanaApiClient, folder: str, title: str) -> tuple[Method, str, str]:
    """The method that reads a rule group, and its arguments."""
    return client.api.alertingprovisioning.get_rule_group, quote(folder, safe=""), quote(title, safe="")


def _listed(kind: ObjectKind, uid: str, title: str, body: Body, parent_uid: str = "") -> ObjectSummary:
    return ObjectSummary(ObjectKey(kind, uid), title, parent_uid, owned(kind, uid, body))
