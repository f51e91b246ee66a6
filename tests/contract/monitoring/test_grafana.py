"""What the adapter counts on, asked of the fake and of a real Grafana where ANDEN_GRAFANA_URL and its token are set.

Everything that is made here has a uid of its own and is deleted again; nothing else is touched.
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
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, resolved
from apps.monitoring.grafana.sync.plan import PlannedAction, SecretMatcher, actual_body, compare
from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.server import serving
from tests.grafana_documents import Documents, dashboard, rule

V1 = "/api/v1/provisioning"
WHERE = ("ANDEN_GRAFANA_URL", "ANDEN_GRAFANA_TOKEN")


@dataclass
class Place:
    """One Grafana, a name for this test's things, and what has to be deleted in the end."""

    url: str
    token: str
    name: str = field(default_factory=lambda: f"anden-contract-{secrets.token_hex(4)}")
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = GrafanaApiClient(self.url, self.token, retry=RequestRetryPolicy())

    def uid(self, word: str) -> str:
        return f"{self.name}-{word}"

    def documents(self) -> Documents:
        """A manifest's files with one of each kind, the policy excepted."""
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
            "board.json": dashboard(self.uid("d"), f"Board {self.name}"),
            "provisioning/contact-points.json": [
                {**mail, "settings": {"addresses": "sre@example.org"}},
                {**pager, "settings": {"integrationKey": "${ANDEN_GRAFANA_PAGER_KEY}"}},
            ],
            "provisioning/mute-timings.json": [{"name": self.uid("m"), "time_intervals": [weekend]}],
            "provisioning/alert-rules.json": [{"folderUid": folder, "title": "g", "interval": 60, "rules": [lag]}],
        }

    def manifest(self, files: Documents | None = None) -> Manifest:
        values = PlaceholderValues({}, {"ANDEN_GRAFANA_PAGER_KEY": "secret-one", "ANDEN_GRAFANA_HEADER": "secret-two"})
        return resolved(manifest_from_documents(files or self.documents()), values)[0]

    def make(self) -> Manifest:
        """Everything of the manifest, made in its order."""
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
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        with serving(FakeGrafana()) as url:
            yield Place(url, TOKEN)
        return
    url, token = (os.environ.get(name, "") for name in WHERE)
    if not (url and token):
        # An outside service: its absence is told, not held against this machine.
        pytest.skip(f"not run against a real Grafana: set {' and '.join(WHERE)}")
    real = Place(url, token)
    try:
        yield real
    finally:
        real.clear()


def test_it_tells_its_version_and_what_the_token_may_do(place: Place) -> None:
    grafana = grafana_connect(place.http)
    assert int(grafana.version.split(".")[0]) >= 11
    grafana.check_rights(write=True)


def test_a_wrong_token_is_refused(place: Place) -> None:
    stranger = GrafanaApiClient(place.url, "glsa_wrong", retry=RequestRetryPolicy())
    with pytest.raises(GrafanaRefused, match="rejects the token"):
        grafana_connect(stranger).check_rights(write=False)


def test_what_is_made_stands_there_as_it_was_sent(place: Place) -> None:
    wanted = place.make()
    state = grafana_connect(place.http).read(wanted)
    listed = state.listed_by_key()
    for item in wanted.objects:
        actual = actual_body(item, state)
        assert actual is not None, item.key
        assert compare(item, actual, SecretMatcher(trusting=True)) == (), item.key
        assert item.key.kind is ObjectKind.RULE_GROUP or listed[item.key].owned, item.key


def test_secrets_are_named_and_never_given_back(place: Place) -> None:
    wanted = place.make()
    state = grafana_connect(place.http).read(wanted)
    assert "secret-" not in str(state)
    changed = [
        item.key.uid for item in wanted.objects if compare(item, actual_body(item, state) or {}, SecretMatcher())
    ]
    assert changed == [place.uid("s"), place.uid("p")]  # of these two nobody can know


def test_making_it_a_second_time_finds_the_first(place: Place) -> None:
    """A POST whose answer was lost is sent again: nothing may come twice."""
    place.make()
    place.make()
    entries = GrafanaStateReader(place.http).state(Manifest(())).listed
    assert len([entry for entry in entries if entry.key.uid == place.uid("d")]) == 1
    assert len([entry for entry in entries if entry.key.uid == place.uid("c")]) == 1


def test_a_dashboard_is_not_saved_over_a_version_that_is_not_the_newest(place: Place) -> None:
    wanted = place.make()
    uid = place.uid("d")
    model = place.http.send("GET", f"/api/dashboards/uid/{uid}").body["dashboard"]
    sent: dict[str, Any] = {"folderUid": place.uid("f"), "overwrite": False, "message": "contract"}
    newer = place.http.send("POST", "/api/dashboards/db", body={**sent, "dashboard": {**model, "title": "T2"}})
    assert newer.ok
    assert newer.body["version"] == model["version"] + 1
    stale = place.http.send("POST", "/api/dashboards/db", body={**sent, "dashboard": {**model, "title": "T3"}})
    assert (stale.status, stale.body["status"]) == (412, "version-mismatch")
    state = grafana_connect(place.http).read(wanted)
    (item,) = (item for item in wanted.objects if item.key.uid == uid)
    assert [change.path for change in compare(item, actual_body(item, state) or {}, SecretMatcher())] == ["title"]


def test_a_dashboard_needs_a_title_and_a_folder_that_is_there(place: Place) -> None:
    place.make()
    for broken in ({"title": ""}, {"folderUid": "anden-contract-nowhere"}):
        model = {**dashboard(place.uid("d2"), "Another"), **broken}
        folder = model.pop("folderUid", place.uid("f"))
        body = {"dashboard": {**model, "id": None}, "folderUid": folder, "overwrite": False}
        assert 400 <= place.http.send("POST", "/api/dashboards/db", body=body).status < 500


def test_a_data_source_keeps_its_name_for_itself_and_its_secret(place: Place) -> None:
    place.make()
    path = f"/api/datasources/uid/{place.uid('s')}"
    source = place.http.send("GET", path).body
    assert source["secureJsonFields"] == {"httpHeaderValue1": True}
    double = {"name": source["name"], "type": "prometheus", "access": "proxy", "url": "http://127.0.0.1:9"}
    assert place.http.send("POST", "/api/datasources", body=double).status == 409
    changed = {**double, "jsonData": source["jsonData"], "version": source["version"]}
    assert place.http.send("PUT", path, body=changed).ok
    assert place.http.send("PUT", path, body=changed).status == 409
    assert place.http.send("GET", path).body["secureJsonFields"] == {"httpHeaderValue1": True}


def test_a_group_is_replaced_whole_and_its_folder_stays_while_it_stands(place: Place) -> None:
    wanted = place.make()
    folder = place.uid("f")
    path = f"{V1}/folder/{folder}/rule-groups/g"
    group = place.http.send("GET", path).body
    assert [found["provenance"] for found in group["rules"]] == ["api"]
    answer = place.http.send("DELETE", f"/api/folders/{folder}")
    assert not answer.ok
    (item,) = (item for item in wanted.objects if item.key.kind is ObjectKind.RULE_GROUP)
    second = {**item.body["rules"][0], "uid": place.uid("r2"), "title": f"Second {place.name}"}
    assert place.http.send("PUT", path, body={**item.body, "rules": [*item.body["rules"], second]}).ok
    assert len(place.http.send("GET", path).body["rules"]) == 2
    assert place.http.send("PUT", path, body=item.body).ok
    assert [found["uid"] for found in place.http.send("GET", path).body["rules"]] == [place.uid("r")]


def test_a_condition_that_is_no_query_is_refused(place: Place) -> None:
    wanted = place.make()
    (item,) = (item for item in wanted.objects if item.key.kind is ObjectKind.RULE_GROUP)
    broken = {**item.body["rules"][0], "condition": "Z"}
    path = f"{V1}/folder/{place.uid('f')}/rule-groups/g"
    assert place.http.send("PUT", path, body={**item.body, "rules": [broken]}).status == 400


def test_what_provisioning_made_cannot_be_changed_as_if_by_a_person(place: Place) -> None:
    place.make()
    uid = place.uid("c")
    body = {"uid": uid, "name": uid, "type": "email", "settings": {"addresses": "me@example.org"}}
    free = {"X-Disable-Provenance": "true"}
    assert not place.http.send("PUT", f"{V1}/contact-points/{uid}", body=body, headers=free).ok
    assert place.http.send("PUT", f"{V1}/contact-points/{uid}", body=body).ok


def test_the_search_gives_each_dashboard_on_one_page(place: Place) -> None:
    place.make()
    pages = []
    for page in (1, 2, 3):
        params = {"type": "dash-db", "limit": 1, "page": page, "folderUIDs": place.uid("f")}
        pages.append([hit["uid"] for hit in place.http.send("GET", "/api/search", params=params).body])
    assert pages == [[place.uid("d")], [], []]


def test_a_folder_counts_what_lies_in_it(place: Place) -> None:
    place.make()
    counts = place.http.send("GET", f"/api/folders/{place.uid('f')}/counts").body
    assert {kind: count for kind, count in counts.items() if count} == {"dashboard": 1, "alertrule": 1}


def test_a_deployment_is_open_until_it_is_ended(place: Place) -> None:
    grafana = grafana_connect(place.http)
    if grafana.open_deployment() is not None:
        pytest.skip("a deployment of this Grafana is open: run `manage.py dashboards sync` first")
    begun = grafana.begin_deployment("contract", at_ms=1_700_000_000_000)
    assert grafana.open_deployment() == begun
    grafana.end_deployment(begun, "contract, ended")
    assert grafana.open_deployment() is None
    place.http.send("DELETE", f"/api/annotations/{begun.id}")


def test_a_route_to_nobody_is_refused_and_the_tree_stays(place: Place) -> None:
    tree = place.http.send("GET", f"{V1}/policies").body
    assert tree["receiver"]
    missing = {**tree, "routes": [*(tree.get("routes") or ()), {"receiver": place.uid("none")}]}
    headers = {} if tree.get("provenance") else {"X-Disable-Provenance": "true"}
    assert place.http.send("PUT", f"{V1}/policies", body=missing, headers=headers).status == 400
    assert place.http.send("GET", f"{V1}/policies").body == tree
