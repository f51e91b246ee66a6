"""Neither sync nor prune changes or deletes a foreign object, in any state of Grafana."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from apps.monitoring.errors import GrafanaRefused, SyncRefused
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.services import dashboards_prune, dashboards_sync
from apps.monitoring.grafana.sync import placeholders
from apps.monitoring.grafana.sync.ownership import OWNER
from tests.fakes.grafana.data import GrafanaData, StoredDashboard
from tests.fakes.grafana.grafana import FakeGrafana
from tests.fakes.grafana.server import serving
from tests.grafana_documents import MemorySyncHistory, dashboard, documents, manifest, rule, run_on

STATES = 1_000
OVER_HTTP = 24
WANTED = manifest()

Put = Callable[[random.Random, GrafanaData], None]


def uid_of(chance: random.Random) -> str:
    """Sometimes a uid of the manifest, sometimes one with Andén's prefix, mostly neither."""
    own = [item.key.uid for item in WANTED.objects if "/" not in item.key.uid]
    made = f"{chance.randrange(10_000):x}"
    return chance.choice([chance.choice(own), f"anden-{made}", *[f"team-{made}"] * 4])


def has_mark(chance: random.Random, uid: str) -> bool:
    """Foreign objects may carry Andén's mark, but never with its prefix."""
    return not uid.startswith("anden-") and chance.random() < 0.3


def put_folder(chance: random.Random, data: GrafanaData) -> None:
    uid = uid_of(chance)
    title = f"{'Andén ' if has_mark(chance, uid) else ''}{chance.randrange(10_000)}"
    parent = chance.choice(["", *data.folders])
    data.folders[uid] = {"id": data.next_id(), "uid": uid, "title": title, "version": 1, "parentUid": parent}


def put_board(chance: random.Random, data: GrafanaData) -> None:
    uid = uid_of(chance)
    tags = ["anden"] if has_mark(chance, uid) else chance.choice([[], ["team"]])
    title = chance.choice(["Overview", f"StoredDashboard {chance.randrange(10_000)}"])
    model = {**dashboard(uid, title), "tags": tags, "version": 1, "id": data.next_id()}
    data.boards[uid] = StoredDashboard(model, chance.choice(["", *data.folders]))


def put_source(chance: random.Random, data: GrafanaData) -> None:
    uid = uid_of(chance)
    extra = {"managedBy": OWNER} if has_mark(chance, uid) else {}
    name = chance.choice(["Andén Prometheus", f"Source {chance.randrange(10_000)}"])
    kept = {"id": data.next_id(), "version": 1, "readOnly": chance.random() < 0.2, "access": "proxy"}
    data.sources[uid] = {"uid": uid, "name": name, "type": "prometheus", "jsonData": extra, **kept}


def put_contact(chance: random.Random, data: GrafanaData) -> None:
    uid = uid_of(chance)
    name = chance.choice(["anden-mail", f"contact {chance.randrange(10_000)}"])
    provenance = "api" if has_mark(chance, uid) else chance.choice(["", "file"])
    body = {"type": "email", "settings": {"addresses": "team@example.org"}, "disableResolveMessage": False}
    data.contacts[uid] = {"uid": uid, "name": name, "provenance": provenance, **body}


def put_mute(chance: random.Random, data: GrafanaData) -> None:
    name = chance.choice(["anden-weekends", f"mute {chance.randrange(10_000)}"])
    provenance = "api" if has_mark(chance, name) else ""
    data.mutes[name] = {"name": name, "time_intervals": [], "provenance": provenance, "version": "1"}


def put_rule(chance: random.Random, data: GrafanaData) -> None:
    if not data.folders:
        return
    uid = chance.choice(["anden-lag", f"rule-{chance.randrange(10_000)}", f"rule-{chance.randrange(10_000)}"])
    folder = chance.choice([*data.folders, *(["anden-alerts"] if "anden-alerts" in data.folders else [])])
    group = chance.choice(["ingest", f"group {chance.randrange(5)}"])
    labels = {"managed_by": OWNER} if has_mark(chance, uid) else {"team": "other"}
    title = chance.choice(["Lag", f"Rule {chance.randrange(10_000)}"])
    placed = {"folderUID": folder, "ruleGroup": group, "provenance": chance.choice(["", "api", "file"])}
    data.rules[uid] = {**rule(uid, title), "labels": labels, **placed}
    data.intervals[folder, group] = 60


def put_route(chance: random.Random, data: GrafanaData) -> None:
    matcher = ["team", "=", str(chance.randrange(100))]
    route = {"receiver": "grafana-default-email", "object_matchers": [matcher]}
    data.tree.setdefault("routes", []).append(route)


PUTS: tuple[Put, ...] = (put_folder, put_board, put_source, put_contact, put_mute, put_rule, put_route)


def some_grafana(chance: random.Random) -> tuple[FakeGrafana, MemorySyncHistory]:
    """A Grafana with any foreign objects, and perhaps an older version of Andén's."""
    fake, history = FakeGrafana(), MemorySyncHistory()
    if chance.random() < 0.5:
        dashboards_sync(run_on(fake, history), manifest(some_files(chance)))
    for _ in range(chance.randrange(12)):
        chance.choice(PUTS)(chance, fake.data)
    return fake, history


def some_files(chance: random.Random) -> dict[str, Any]:
    files = documents()
    for name in ("ingest.json", "provisioning/policy.json", "provisioning/mute-timings.json"):
        if chance.random() < 0.3:
            if "mute" in name:
                files.pop("provisioning/policy.json", None)
            files.pop(name, None)
    if chance.random() < 0.5:
        files["old.json"] = dashboard("anden-old", "Old")
        files["provisioning/folders.json"].append({"uid": "anden-old-folder", "title": "Andén old"})
    return files


MARKS: dict[str, Callable[[Any], bool]] = {
    "folders": lambda folder: folder["title"].startswith("Andén"),
    "boards": lambda board: "anden" in board.model["tags"],
    "sources": lambda source: source["jsonData"].get("managedBy") == "anden",
    "contacts": lambda contact: contact["provenance"] == "api",
    "mutes": lambda mute: mute["provenance"] == "api",
    "rules": lambda made: made["labels"].get("managed_by") == "anden",
}
"""The marks, defined independently of the code under test."""


def foreign(data: GrafanaData) -> dict[str, Any]:
    """All foreign objects."""
    kept: dict[str, Any] = {
        f"{name} {uid}": (thing.model, thing.folder, thing.versions) if isinstance(thing, StoredDashboard) else thing
        for name, mark in MARKS.items()
        for uid, thing in getattr(data, name).items()
        if not (uid.startswith("anden-") and mark(thing))
    }
    groups = {
        name: data.intervals[thing["folderUID"], thing["ruleGroup"]]
        for name, thing in kept.items()
        if name.startswith("rules ")
    }
    routes = data.tree.get("routes", [])
    others = [route for route in routes if ["managed_by", "=", "anden"] not in route["object_matchers"]]
    root = {name: value for name, value in data.tree.items() if name != "routes"}
    return {**kept, "intervals": groups, "routes": others, "root": root}


def use(fake: FakeGrafana, history: MemorySyncHistory, client: GrafanaApiClient | None, seed: int) -> str:
    """Sync and prune, assert that foreign objects are unchanged, and return the outcome."""
    before = copy.deepcopy(foreign(fake.data))
    outcome = "synced"
    try:
        dashboards_sync(run_on(fake, history, client=client), WANTED)
    except (SyncRefused, GrafanaRefused) as error:
        outcome = type(error).__name__
    assert foreign(fake.data) == before, (seed, outcome)
    try:
        dashboards_prune(run_on(fake, history, client=client), WANTED, force=True)
    except GrafanaRefused as error:
        outcome += f", {type(error).__name__} at prune"
    assert foreign(fake.data) == before, (seed, "prune")
    return outcome


@pytest.fixture(autouse=True)
def hash_lightly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hashes cheap: their cost is not tested here."""
    monkeypatch.setattr(placeholders, "ROUNDS", 1)


def test_foreign_objects_are_unchanged_in_a_thousand_states() -> None:
    outcomes: dict[str, int] = {}
    for seed in range(STATES):
        fake, history = some_grafana(random.Random(seed))  # noqa: S311 - a seed
        outcome = use(fake, history, None, seed)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)  # noqa: T201 - the figures
    assert outcomes["synced"] > STATES / 5
    assert outcomes["SyncRefused"] > STATES / 5


@pytest.mark.parametrize("seed", range(STATES, STATES + OVER_HTTP))
def test_foreign_objects_are_unchanged_over_http(seed: int) -> None:
    fake, history = some_grafana(random.Random(seed))  # noqa: S311 - a seed
    with serving(fake) as url:
        use(fake, history, GrafanaApiClient(url, "fake-token", retry=RequestRetryPolicy(pause_s=0)), seed)
