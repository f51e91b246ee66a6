"""A sync applies the files once; it keeps foreign objects and reports conflicts with them."""

import copy
from collections.abc import Callable

import pytest

from apps.monitoring.errors import GrafanaConflict, GrafanaRefused, SyncRefused
from apps.monitoring.grafana.services import dashboards_plan, dashboards_prune, dashboards_sync
from apps.monitoring.grafana.sync.manifest import manifest_from_documents
from apps.monitoring.grafana.sync.objects import Manifest
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, resolve_placeholders
from apps.monitoring.grafana.sync.plan import PlannedAction
from tests.fakes.grafana import alerting
from tests.fakes.grafana.data import StoredDashboard
from tests.fakes.grafana.grafana import FakeGrafana
from tests.fakes.grafana.messages import Reply, Request
from tests.grafana_documents import (
    VALUES,
    MemorySyncHistory,
    dashboard,
    documents,
    manifest,
    rule,
    run_on,
    values_with,
)


def synced(wanted: Manifest | None = None) -> tuple[FakeGrafana, MemorySyncHistory]:
    """A Grafana in sync with the manifest, without recorded requests."""
    fake, history = FakeGrafana(), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), wanted or manifest())
    fake.forget()
    return fake, history


def test_a_second_sync_writes_nothing() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    planned = dashboards_plan(run_on(fake), manifest())
    assert fake.writes == []
    assert planned.count("create") == len(manifest().objects) == len(planned.actions)
    done = dashboards_sync(run_on(fake, history), manifest())
    assert done.actions == planned.actions
    fake.forget()
    again = dashboards_sync(run_on(fake, history), manifest())
    assert again.actions == ()
    assert again.unchanged == len(manifest().objects)
    assert fake.writes == []
    assert len(history.rows) == 1


def test_an_object_that_is_not_indexed_yet_is_not_created_again() -> None:
    fake, history = synced()
    fake.data.unindexed = {"anden-overview", "anden-alerts"}
    assert dashboards_sync(run_on(fake, history), manifest()).actions == ()
    assert fake.writes == []


def test_an_object_skipped_for_an_unset_variable_is_not_a_leftover() -> None:
    fake, history = synced()
    without, skipped = resolve_placeholders(manifest_from_documents(documents()), PlaceholderValues({}, VALUES.secret))
    assert len(skipped) == 3  # the data source, and the two groups that query it
    done = dashboards_sync(run_on(fake, history), without)
    assert done.leftovers == ()
    assert dashboards_prune(run_on(fake, history), without, force=True).actions == ()
    assert "anden-prometheus" in fake.data.sources
    assert len(fake.data.rules) == 3


def test_a_sync_with_changes_leaves_its_revision_and_one_annotation() -> None:
    fake, history = synced()
    files = documents()
    files["overview.json"] = dashboard(panels=4)
    dashboards_sync(run_on(fake, history, revision="def456"), manifest(files))
    assert fake.data.boards["anden-overview"].versions[-1] == (2, "Andén def456")
    assert [(note["tags"], note["text"]) for note in fake.data.annotations.values()] == [
        (["anden", "deploy"], "Andén abc"),
        (["anden", "deploy"], "Andén def456"),
    ]
    dashboards_sync(run_on(fake, history, revision="def457"), manifest(files))
    assert len(fake.data.annotations) == 2


def test_only_changed_objects_are_written() -> None:
    fake, history = synced()
    files = documents()
    files["overview.json"] = dashboard(panels=4)
    dashboards_sync(run_on(fake, history), manifest(files))
    assert [write for write in fake.writes if "annotations" not in write] == ["POST /api/dashboards/db"]


def test_a_moved_and_renamed_folder_is_restored() -> None:
    fake, history = synced()
    fake.data.folders["anden-alerts"].update(title="Andén wrong", parentUid="")
    dashboards_sync(run_on(fake, history), manifest())
    assert fake.data.folders["anden-alerts"]["title"] == "Andén alerts"
    assert fake.data.folders["anden-alerts"]["parentUid"] == "anden-dashboards"


def test_a_rule_moved_to_another_group_is_restored() -> None:
    fake, history = synced()
    fake.data.rules["anden-lag"]["ruleGroup"] = "elsewhere"
    fake.data.intervals["anden-alerts", "elsewhere"] = 60
    dashboards_sync(run_on(fake, history), manifest())
    assert fake.data.rules["anden-lag"]["ruleGroup"] == "ingest"
    fake.forget()
    dashboards_sync(run_on(fake, history), manifest())
    assert fake.writes == []


def test_a_rule_removed_from_the_code_is_kept_until_it_is_pruned() -> None:
    fake, history = synced()
    files = documents()
    files["provisioning/alert-rules.json"][0]["rules"].pop()
    files["provisioning/alert-rules.json"][0]["interval"] = 120
    done = dashboards_sync(run_on(fake, history), manifest(files))
    assert [item.key.uid for item in done.leftovers] == ["anden-stopped"]
    assert set(fake.data.rules) == {"anden-lag", "anden-stopped", "anden-errors"}
    fake.forget()
    dashboards_sync(run_on(fake, history), manifest(files))
    assert fake.writes == []


def foreign_board(fake: FakeGrafana) -> None:
    model = {**dashboard(), "tags": ["theirs"], "version": 1, "id": 900}
    fake.data.boards["anden-overview"] = StoredDashboard(model, "")


def foreign_title(fake: FakeGrafana) -> None:
    fake.data.folders["anden-dashboards"] = {"id": 1, "uid": "anden-dashboards", "title": "Andén", "version": 1}
    fake.data.boards["zzz"] = StoredDashboard(
        {**dashboard("zzz"), "tags": [], "version": 1, "id": 900}, "anden-dashboards"
    )


def foreign_source(fake: FakeGrafana) -> None:
    fake.data.sources["mine"] = {"uid": "mine", "name": "Andén Prometheus", "type": "prometheus", "jsonData": {}}


def foreign_rule_inside(fake: FakeGrafana) -> None:
    fake.data.folders["anden-alerts"] = {"id": 1, "uid": "anden-alerts", "title": "Andén alerts", "version": 1}
    foreign = {**rule("theirs", "Theirs"), "folderUID": "anden-alerts", "ruleGroup": "ingest", "provenance": ""}
    fake.data.rules["theirs"] = foreign
    fake.data.intervals["anden-alerts", "ingest"] = 60


def foreign_contact(fake: FakeGrafana) -> None:
    fake.data.contacts["c"] = {
        "uid": "c",
        "name": "anden-mail",
        "type": "email",
        "settings": {"addresses": "a@b"},
        "provenance": "",
    }


def foreign_mute(fake: FakeGrafana) -> None:
    fake.data.mutes["anden-weekends"] = {"name": "anden-weekends", "time_intervals": [], "provenance": ""}


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (
            foreign_board,
            r"dashboard anden-overview \"Overview\" exists in Grafana without Andén's mark \(the tag anden\)",
        ),
        (foreign_title, r'dashboard anden-overview: the title "Overview" is taken in its folder by dashboard zzz'),
        (foreign_source, r'the title "Andén Prometheus" is taken in the organisation by data source mine'),
        (foreign_rule_inside, r'rule group anden-alerts/ingest contains the rule theirs "Theirs"'),
        (foreign_contact, r'the title "anden-mail" is taken in the organisation by contact point c'),
        (foreign_mute, r"mute timing anden-weekends .* without Andén's mark \(provenance api\)"),
    ],
)
def test_a_conflict_stops_the_sync_before_its_first_write(put: Callable[[FakeGrafana], None], message: str) -> None:
    fake = FakeGrafana()
    put(fake)
    before = copy.deepcopy(fake.data.__dict__, memo={id(fake.data.ids): fake.data.ids})
    with pytest.raises(SyncRefused, match=message):
        dashboards_sync(run_on(fake), manifest())
    assert fake.writes == []
    assert fake.data.__dict__ == before


def test_a_title_taken_by_a_leftover_needs_a_prune_first() -> None:
    fake, history = synced()
    files = documents()
    files["ingest.json"]["uid"] = "anden-intake"
    with pytest.raises(SyncRefused, match=r"by dashboard anden-ingest, which is no longer in the code: run .* prune"):
        dashboards_sync(run_on(fake, history), manifest(files))
    dashboards_prune(run_on(fake, history), manifest(files))
    dashboards_sync(run_on(fake, history), manifest(files))
    assert set(fake.data.boards) == {"anden-overview", "anden-intake"}


def test_adopt_takes_over_objects_with_a_uid_of_the_manifest() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    foreign_board(fake)
    foreign_mute(fake)
    dashboards_sync(run_on(fake, history), manifest(), adopt=True)
    assert "anden" in fake.data.boards["anden-overview"].model["tags"]
    assert fake.data.mutes["anden-weekends"]["provenance"] == "api"
    fake.forget()
    assert dashboards_sync(run_on(fake, history), manifest()).actions == ()


class ConcurrentChange(FakeGrafana):
    """A Grafana that another client changes once, right before a given request."""

    def __init__(self, happens: Callable[[FakeGrafana], None], before: str) -> None:
        super().__init__()
        self.happens, self.before = happens, before
        self.armed = False

    def handle(self, request: Request) -> Reply:
        if self.armed and f"{request.method} {request.path}" == self.before:
            self.armed = False
            self.happens(self)
        return super().handle(request)


def saved_by_another(fake: FakeGrafana) -> None:
    board = fake.data.boards["anden-overview"]
    board.model.update(version=board.model["version"] + 1, title="Mine now")


def taken_by_another(fake: FakeGrafana) -> None:
    saved_by_another(fake)
    fake.data.boards["anden-overview"].model["tags"] = ["theirs"]


def changed_files() -> Manifest:
    files = documents()
    files["overview.json"] = dashboard(panels=5)
    return manifest(files)


def test_a_dashboard_saved_during_the_sync_is_written_over_its_newest_version() -> None:
    fake, history = ConcurrentChange(saved_by_another, "POST /api/dashboards/db"), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    fake.armed = True
    dashboards_sync(run_on(fake, history), changed_files())
    model = fake.data.boards["anden-overview"].model
    assert (model["title"], len(model["panels"]), model["version"]) == ("Overview", 5, 3)


def test_a_dashboard_taken_over_during_the_sync_raises_conflict() -> None:
    fake, history = ConcurrentChange(taken_by_another, "POST /api/dashboards/db"), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    fake.armed = True
    with pytest.raises(GrafanaConflict, match="anden-overview was taken over by someone else during the sync"):
        dashboards_sync(run_on(fake, history), changed_files())
    assert fake.data.boards["anden-overview"].model["title"] == "Mine now"


def test_a_rule_added_to_the_group_during_the_sync_is_not_deleted() -> None:
    path = "/api/v1/provisioning/folder/anden-alerts/rule-groups/ingest"
    fake, history = ConcurrentChange(foreign_rule_inside, f"GET {path}"), MemorySyncHistory()
    fake.armed = True
    with pytest.raises(GrafanaConflict, match="contains the rule theirs"):
        dashboards_sync(run_on(fake, history), manifest())
    assert "theirs" in fake.data.rules


def test_the_policy_keeps_every_other_route_and_its_provenance() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    theirs = [{"receiver": "grafana-default-email", "object_matchers": [["team", "=", name]]} for name in ("a", "b")]
    fake.data.tree["routes"] = copy.deepcopy(theirs)
    dashboards_sync(run_on(fake, history), manifest())
    routes = fake.data.tree["routes"]
    assert routes[1:] == theirs
    assert ["managed_by", "=", "anden"] in routes[0]["object_matchers"]
    assert "provenance" not in fake.data.tree
    fake.data.tree["routes"] = [theirs[0], routes[0], theirs[1]]
    files = documents()
    files["provisioning/policy.json"]["group_wait"] = "1m"
    dashboards_sync(run_on(fake, history), manifest(files))
    assert [route["receiver"] for route in fake.data.tree["routes"]] == [
        "grafana-default-email",
        "anden-mail",
        "grafana-default-email",
    ]


def test_only_a_changed_secret_is_sent() -> None:
    fake, history = synced()
    assert dashboards_sync(run_on(fake, history), manifest()).actions == ()
    rotated = manifest(values=values_with({"ANDEN_GRAFANA_PAGER_KEY": "second-secret"}))
    done = dashboards_sync(run_on(fake, history), rotated)
    assert [action.key.uid for action in done.actions] == ["anden-pager"]
    assert fake.data.contacts["anden-pager"]["settings"]["integrationKey"] == "second-secret"
    fake.forget()
    assert dashboards_sync(run_on(fake, history), rotated).actions == ()


def test_secrets_are_removed_from_grafanas_error_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeGrafana()
    monkeypatch.setitem(alerting.REQUIRED, "pagerduty", ("integrationKey", "first-secret"))
    with pytest.raises(GrafanaRefused, match=r"could not find \(secret\) in settings") as raised:
        dashboards_sync(run_on(fake), manifest())
    assert raised.value.__cause__ is None


def test_a_provisioned_object_is_reported_as_locked_not_as_a_missing_permission() -> None:
    fake = FakeGrafana()
    dashboards_sync(run_on(fake), manifest())
    fake.data.contacts["anden-mail"].update(provenance="file", settings={"addresses": "other@example.org"})
    with pytest.raises(SyncRefused, match=r"contact point anden-mail .* without Andén's mark"):
        dashboards_sync(run_on(fake), manifest())
    with pytest.raises(
        GrafanaRefused, match="refuses to update contact point anden-mail: 403 Resource with provenance"
    ):
        dashboards_sync(run_on(fake), manifest(), adopt=True)


def test_no_secret_is_stored_or_printed() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    actions: list[PlannedAction] = []
    run = run_on(fake, history)
    plan = dashboards_sync(run, manifest())
    actions += plan.actions
    rotated = manifest(values=values_with({"ANDEN_GRAFANA_PAGER_KEY": "second-secret"}))
    actions += dashboards_sync(run, rotated).actions
    text = repr(history.rows) + repr(actions) + repr([action.changes for action in actions])
    assert "first-secret" not in text
    assert "second-secret" not in text
