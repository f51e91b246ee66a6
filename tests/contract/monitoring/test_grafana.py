"""What the adapter relies on, tested against the fake and, if ANDEN_GRAFANA_URL and a token are set, a real Grafana.

The tests create objects with unique uids and delete them; they touch nothing else.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.monitoring.errors import GrafanaRefused
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.client.legacy_reads import GrafanaStateReader
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.sync.manifest import manifest_from_documents
from apps.monitoring.grafana.sync.objects import Manifest, ObjectKind
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, resolve_placeholders
from apps.monitoring.grafana.sync.plan import PlannedAction, SecretMatcher, actual_body, compare
from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.server import serving
from tests.grafana_documents import Documents, dashboard, rule

V1 = "/api/v1/provisioning"
WHERE = ("ANDEN_GRAFANA_URL", "ANDEN_GRAFANA_TOKEN")


@dataclass
class GrafanaSandbox:
    """A Grafana, a name prefix for this test, and the objects to delete afterwards."""

    url: str
    token: str
    name: str = field(default_factory=lambda: f"anden-contract-{secrets.token_hex(4)}")
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = GrafanaApiClient(self.url, self.token, retry=RequestRetryPolicy())

    def uid(self, word: str) -> str:
        return f"{self.name}-{word}"

    def documents(self) -> Documents:
        """Files with one object of each kind except the policy."""
        folder, source = self.uid("f"), self.uid("s")
        lag = rule(self.uid("r"), f"Lag {self.name}")
        lag["data"][0]["datasourceUid"] = source
        mail = {"uid": self.uid("c"), "name": self.uid("c"), "type": "email"}
        pager = {"uid": self.uid("p"), "name": self.uid("p"), "type": "pagerduty"}
        weekend = {"weekdays": ["saturday", "sunday"], "location": "UTC"}
        return {
            "provisioning/folders.json": [{"uid": folder, "title": f"Andén {self.name}"}],
            "provisioning/datasources.json": [
                {
                    "uid": source,
                    "name": source,
                    "type": "prometheus",
                    "url": "http://127.0.0.1:9",
                    "jsonData": {"httpMethod": "POST", "httpHeaderName1": "X-Tenant"},
                    "secureJsonData": {"httpHeaderValue1": "${ANDEN_GRAFANA_HEADER}"},
                }
            ],
            "board.json": dashboard(self.uid("d"), f"StoredDashboard {self.name}"),
            "provisioning/contact-points.json": [
                {**mail, "settings": {"addresses": "sre@example.org"}},
                {**pager, "settings": {"integrationKey": "${ANDEN_GRAFANA_PAGER_KEY}"}},
            ],
            "provisioning/mute-timings.json": [{"name": self.uid("m"), "time_intervals": [weekend]}],
            "provisioning/alert-rules.json": [{"folderUid": folder, "title": "g", "interval": 60, "rules": [lag]}],
        }

    def manifest(self, files: Documents | None = None) -> Manifest:
        values = PlaceholderValues({}, {"ANDEN_GRAFANA_PAGER_KEY": "secret-one", "ANDEN_GRAFANA_HEADER": "secret-two"})
        return resolve_placeholders(manifest_from_documents(files or self.documents()), values)[0]

    def create(self) -> Manifest:
        """Create every object of the manifest, in order."""
        wanted = self.manifest()
        grafana = grafana_connect(self.http)
        for item in wanted.objects:
            grafana.apply(PlannedAction("create", item.key, item.title, item=item), message="contract")
        return wanted

    def clear(self) -> None:
        for path in (
            f"{V1}/alert-rules/{self.uid('r')}",
            f"{V1}/mute-timings/{self.uid('m')}",
            f"{V1}/contact-points/{self.uid('c')}",
            f"{V1}/contact-points/{self.uid('p')}",
            f"/api/dashboards/uid/{self.uid('d')}",
            f"/api/dashboards/uid/{self.uid('d2')}",
            f"/api/datasources/uid/{self.uid('s')}",
            f"/api/folders/{self.uid('f')}",
        ):
            self.http.send("DELETE", path)


@pytest.fixture(params=["fake", "real"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[GrafanaSandbox]:
    if request.param == "fake":
        with serving(FakeGrafana()) as url:
            yield GrafanaSandbox(url, TOKEN)
        return
    url, token = (os.environ.get(name, "") for name in WHERE)
    if not (url and token):
        # An external service: without it the test is skipped, not failed.
        pytest.skip(f"not run against a real Grafana: set {' and '.join(WHERE)}")
    real = GrafanaSandbox(url, token)
    try:
        yield real
    finally:
        real.clear()


def test_grafana_returns_its_version_and_the_tokens_permissions(sandbox: GrafanaSandbox) -> None:
    grafana = grafana_connect(sandbox.http)
    assert int(grafana.version.split(".")[0]) >= 11
    grafana.check_rights(write=True)


def test_a_wrong_token_is_refused(sandbox: GrafanaSandbox) -> None:
    stranger = GrafanaApiClient(sandbox.url, "glsa_wrong", retry=RequestRetryPolicy())
    with pytest.raises(GrafanaRefused, match="rejects the token"):
        grafana_connect(stranger).check_rights(write=False)


def test_a_created_object_is_read_as_it_was_sent(sandbox: GrafanaSandbox) -> None:
    wanted = sandbox.create()
    state = grafana_connect(sandbox.http).read(wanted)
    listed = state.listed_by_key()
    for item in wanted.objects:
        actual = actual_body(item, state)
        assert actual is not None, item.key
        assert compare(item, actual, SecretMatcher(trusting=True)) == (), item.key
        assert item.key.kind is ObjectKind.RULE_GROUP or listed[item.key].owned, item.key


def test_secrets_are_listed_and_never_returned(sandbox: GrafanaSandbox) -> None:
    wanted = sandbox.create()
    state = grafana_connect(sandbox.http).read(wanted)
    assert "secret-" not in str(state)
    changed = [
        item.key.uid for item in wanted.objects if compare(item, actual_body(item, state) or {}, SecretMatcher())
    ]
    assert changed == [sandbox.uid("s"), sandbox.uid("p")]  # these two cannot be compared


def test_creating_an_object_twice_creates_one(sandbox: GrafanaSandbox) -> None:
    """A POST is retried after a lost response: it must not create two objects."""
    sandbox.create()
    sandbox.create()
    entries = GrafanaStateReader(sandbox.http).state(Manifest(())).listed
    assert len([entry for entry in entries if entry.key.uid == sandbox.uid("d")]) == 1
    assert len([entry for entry in entries if entry.key.uid == sandbox.uid("c")]) == 1


def test_a_dashboard_is_not_saved_over_a_newer_version(sandbox: GrafanaSandbox) -> None:
    wanted = sandbox.create()
    uid = sandbox.uid("d")
    model = sandbox.http.send("GET", f"/api/dashboards/uid/{uid}").body["dashboard"]
    sent: dict[str, Any] = {"folderUid": sandbox.uid("f"), "overwrite": False, "message": "contract"}
    newer = sandbox.http.send("POST", "/api/dashboards/db", body={**sent, "dashboard": {**model, "title": "T2"}})
    assert newer.ok
    assert newer.body["version"] == model["version"] + 1
    stale = sandbox.http.send("POST", "/api/dashboards/db", body={**sent, "dashboard": {**model, "title": "T3"}})
    assert (stale.status, stale.body["status"]) == (412, "version-mismatch")
    state = grafana_connect(sandbox.http).read(wanted)
    (item,) = (item for item in wanted.objects if item.key.uid == uid)
    assert [change.path for change in compare(item, actual_body(item, state) or {}, SecretMatcher())] == ["title"]


def test_a_dashboard_needs_a_title_and_an_existing_folder(sandbox: GrafanaSandbox) -> None:
    sandbox.create()
    for broken in ({"title": ""}, {"folderUid": "anden-contract-nowhere"}):
        model = {**dashboard(sandbox.uid("d2"), "Another"), **broken}
        folder = model.pop("folderUid", sandbox.uid("f"))
        body = {"dashboard": {**model, "id": None}, "folderUid": folder, "overwrite": False}
        assert 400 <= sandbox.http.send("POST", "/api/dashboards/db", body=body).status < 500


def test_the_name_of_a_data_source_is_unique_and_its_secret_is_kept(sandbox: GrafanaSandbox) -> None:
    sandbox.create()
    path = f"/api/datasources/uid/{sandbox.uid('s')}"
    source = sandbox.http.send("GET", path).body
    assert source["secureJsonFields"] == {"httpHeaderValue1": True}
    double = {"name": source["name"], "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:9"}
    assert sandbox.http.send("POST", "/api/datasources", body=double).status == 409
    changed = {**double, "jsonData": source["jsonData"], "version": source["version"]}
    assert sandbox.http.send("PUT", path, body=changed).ok
    assert sandbox.http.send("PUT", path, body=changed).status == 409
    assert sandbox.http.send("GET", path).body["secureJsonFields"] == {"httpHeaderValue1": True}


def test_a_group_is_replaced_and_protects_its_folder(sandbox: GrafanaSandbox) -> None:
    wanted = sandbox.create()
    folder = sandbox.uid("f")
    path = f"{V1}/folder/{folder}/rule-groups/g"
    group = sandbox.http.send("GET", path).body
    assert [found["provenance"] for found in group["rules"]] == ["api"]
    answer = sandbox.http.send("DELETE", f"/api/folders/{folder}")
    assert not answer.ok
    (item,) = (item for item in wanted.objects if item.key.kind is ObjectKind.RULE_GROUP)
    second = {**item.body["rules"][0], "uid": sandbox.uid("r2"), "title": f"Second {sandbox.name}"}
    assert sandbox.http.send("PUT", path, body={**item.body, "rules": [*item.body["rules"], second]}).ok
    assert len(sandbox.http.send("GET", path).body["rules"]) == 2
    assert sandbox.http.send("PUT", path, body=item.body).ok
    assert [found["uid"] for found in sandbox.http.send("GET", path).body["rules"]] == [sandbox.uid("r")]


def test_a_condition_that_is_not_a_query_is_refused(sandbox: GrafanaSandbox) -> None:
    wanted = sandbox.create()
    (item,) = (item for item in wanted.objects if item.key.kind is ObjectKind.RULE_GROUP)
    broken = {**item.body["rules"][0], "condition": "Z"}
    path = f"{V1}/folder/{sandbox.uid('f')}/rule-groups/g"
    assert sandbox.http.send("PUT", path, body={**item.body, "rules": [broken]}).status == 400


def test_a_provisioned_object_cannot_be_changed_manually(sandbox: GrafanaSandbox) -> None:
    sandbox.create()
    uid = sandbox.uid("c")
    body = {"uid": uid, "name": uid, "type": "email", "settings": {"addresses": "me@example.org"}}
    free = {"X-Disable-Provenance": "true"}
    assert not sandbox.http.send("PUT", f"{V1}/contact-points/{uid}", body=body, headers=free).ok
    assert sandbox.http.send("PUT", f"{V1}/contact-points/{uid}", body=body).ok


def test_the_search_returns_each_dashboard_on_one_page(sandbox: GrafanaSandbox) -> None:
    sandbox.create()
    pages = []
    for page in (1, 2, 3):
        params = {"type": "dash-db", "limit": 1, "page": page, "folderUIDs": sandbox.uid("f")}
        pages.append([hit["uid"] for hit in sandbox.http.send("GET", "/api/search", params=params).body])
    assert pages == [[sandbox.uid("d")], [], []]


def test_a_folder_counts_its_contents(sandbox: GrafanaSandbox) -> None:
    sandbox.create()
    counts = sandbox.http.send("GET", f"/api/folders/{sandbox.uid('f')}/counts").body
    assert {kind: count for kind, count in counts.items() if count} == {"dashboard": 1, "alertrule": 1}


def test_a_deployment_is_open_until_it_ends(sandbox: GrafanaSandbox) -> None:
    grafana = grafana_connect(sandbox.http)
    if grafana.open_deployment() is not None:
        pytest.skip("a deployment of this Grafana is open: run `manage.py dashboards sync` first")
    begun = grafana.begin_deployment("contract", at_ms=1_700_000_000_000)
    assert grafana.open_deployment() == begun
    grafana.end_deployment(begun, "contract, ended")
    assert grafana.open_deployment() is None
    sandbox.http.send("DELETE", f"/api/annotations/{begun.id}")


def test_a_route_to_an_unknown_receiver_is_refused_and_the_tree_is_unchanged(sandbox: GrafanaSandbox) -> None:
    tree = sandbox.http.send("GET", f"{V1}/policies").body
    assert tree["receiver"]
    missing = {**tree, "routes": [*(tree.get("routes") or ()), {"receiver": sandbox.uid("none")}]}
    headers = {} if tree.get("provenance") else {"X-Disable-Provenance": "true"}
    assert sandbox.http.send("PUT", f"{V1}/policies", body=missing, headers=headers).status == 400
    assert sandbox.http.send("GET", f"{V1}/policies").body == tree
