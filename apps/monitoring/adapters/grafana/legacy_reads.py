"""What stands in Grafana, read with few requests: lists for everything, bodies only where ours are compared."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from apps.monitoring.adapters.grafana.transport import Transport
from apps.monitoring.core.errors import GrafanaRefused
from apps.monitoring.core.grafana.manifest import POLICY_UID
from apps.monitoring.core.grafana.objects import Body, Key, Kind, Listed, Manifest, State, rules_of
from apps.monitoring.core.grafana.ownership import our_routes, owned
from apps.monitoring.core.grafana.plan import REDACTED

PAGE: Final = 1_000
"""Hits of one page of the search; Grafana gives 5,000 at most."""

PROVISIONING: Final = "/api/v1/provisioning"
ALERTING: Final = frozenset((Kind.RULE_GROUP, Kind.CONTACT_POINT, Kind.MUTE_TIMING, Kind.POLICY))


class Reader:
    """Reads states of one Grafana."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def state(self, manifest: Manifest, *, policy: bool = False) -> State:
        """What stands there, with the bodies of the manifest's objects; the policy if it has one, or when asked."""
        wanted = {item.key for item in manifest.objects}
        found: dict[Key, Body] = {}
        listed: list[Listed] = []
        for part in (self._folders, self._dashboards, self._data_sources, self._contact_points, self._mute_timings):
            for entry, body in part(wanted):
                listed.append(entry)
                if body is not None and entry.key in wanted:
                    found[entry.key] = body
        rules = self._get(f"{PROVISIONING}/alert-rules")
        listed += [_listed(Kind.RULE, rule["uid"], rule["title"], rule, rule["folderUID"]) for rule in rules]
        tree = None
        if policy or any(key.kind is Kind.POLICY for key in wanted):
            tree = self._get(f"{PROVISIONING}/policies")
            for route in our_routes(tree)[:1]:
                listed.append(Listed(Key(Kind.POLICY, POLICY_UID), str(route.get("receiver")), owned=True))
        return State(tuple(listed), found, tuple(rules), self._intervals(manifest, rules), tree)

    def _folders(self, wanted: set[Key]) -> Iterator[tuple[Listed, Body]]:
        """Every folder; those that we want are asked for by uid if the search's index does not have them yet."""
        hits = {hit["uid"]: {**hit, "parentUid": hit.get("folderUid")} for hit in self._search("dash-folder")}
        for key in sorted(wanted):
            if key.kind is Kind.FOLDER and key.uid not in hits:
                found = self._one(f"/api/folders/{quote(key.uid, safe='')}")
                hits.update({key.uid: found} if found else {})
        for uid, hit in hits.items():
            parent = hit.get("parentUid") or ""
            body = {"uid": uid, "title": hit["title"], "parentUid": parent}
            yield _listed(Kind.FOLDER, uid, hit["title"], body, parent), body

    def _dashboards(self, wanted: set[Key]) -> Iterator[tuple[Listed, Body | None]]:
        """Every dashboard: those that we want as they are saved, the others as the search's index has them."""
        for key in sorted(wanted):
            if key.kind is Kind.DASHBOARD and (found := self._one(f"/api/dashboards/uid/{quote(key.uid, safe='')}")):
                place = found["meta"].get("folderUid") or ""
                body = {**found["dashboard"], "folderUid": place}
                yield _listed(Kind.DASHBOARD, key.uid, body["title"], body, place), body
        for hit in self._search("dash-db"):
            entry = _listed(Kind.DASHBOARD, hit["uid"], hit["title"], hit, hit.get("folderUid") or "")
            if entry.key not in wanted:
                yield entry, None

    def _one(self, path: str) -> Body | None:
        """The object at this path; None when there is none."""
        answer = self._transport.send("GET", path)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise GrafanaRefused(f"{self._transport.where} refuses to read {path}: {answer.status} {answer.message}")
        return dict(answer.body)

    def _data_sources(self, wanted: set[Key]) -> Iterator[tuple[Listed, Body | None]]:
        for body in self._get("/api/datasources"):
            entry = _listed(Kind.DATA_SOURCE, body["uid"], body["name"], body)
            yield entry, self._data_source(body["uid"]) if entry.key in wanted else None

    def _data_source(self, uid: str) -> Body:
        """The data source whole, its secrets named as Grafana names those of contact points."""
        body: Body = self._get(f"/api/datasources/uid/{quote(uid, safe='')}")
        secrets = {name: REDACTED for name, there in (body.get("secureJsonFields") or {}).items() if there}
        return {**body, **({"secureJsonData": secrets} if secrets else {})}

    def _contact_points(self, _wanted: set[Key]) -> Iterator[tuple[Listed, Body]]:
        for body in self._get(f"{PROVISIONING}/contact-points"):
            yield _listed(Kind.CONTACT_POINT, body["uid"], body["name"], body), body

    def _mute_timings(self, _wanted: set[Key]) -> Iterator[tuple[Listed, Body]]:
        for body in self._get(f"{PROVISIONING}/mute-timings"):
            yield _listed(Kind.MUTE_TIMING, body["name"], body["name"], body), body

    def _intervals(self, manifest: Manifest, rules: list[Body]) -> dict[tuple[str, str], int]:
        """The interval of each wanted group that stands there."""
        standing = {(rule["folderUID"], rule["ruleGroup"]) for rule in rules}
        groups = [item for item in manifest.objects if rules_of(item)]
        intervals = {}
        for item in groups:
            folder, title = item.body["folderUid"], item.body["title"]
            if (folder, title) in standing:
                intervals[folder, title] = int(self._get(group_path(folder, title))["interval"])
        return intervals

    def _search(self, kind: str) -> Iterator[Body]:
        """All hits of this type, page by page; what moved between two pages comes once."""
        seen: set[str] = set()
        for page in count(1):
            hits = self._get("/api/search", {"type": kind, "limit": PAGE, "page": page})
            for hit in hits:
                if hit["uid"] not in seen:
                    seen.add(hit["uid"])
                    yield hit
            if len(hits) < PAGE:
                return

    def _get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        answer = self._transport.send("GET", path, params=params)
        if not answer.ok:
            raise GrafanaRefused(f"{self._transport.where} refuses to read {path}: {answer.status} {answer.message}")
        return answer.body if answer.body is not None else []


def group_path(folder: str, title: str) -> str:
    """Where a rule group is read and written."""
    return f"{PROVISIONING}/folder/{quote(folder, safe='')}/rule-groups/{quote(title, safe='')}"


def _listed(kind: Kind, uid: str, title: str, body: Body, place: str = "") -> Listed:
    return Listed(Key(kind, uid), title, place, owned(kind, uid, body))
