"""Prune deletes Andén's objects that are no longer in the code, in a valid order, and nothing else."""

import pytest

from apps.monitoring.errors import GrafanaConflict, GrafanaRefused, PruneRefused
from apps.monitoring.grafana.services import dashboards_prune, dashboards_sync
from apps.monitoring.grafana.sync.objects import Manifest
from tests.fakes.grafana.data import StoredDashboard
from tests.fakes.grafana.grafana import FakeGrafana
from tests.grafana_documents import MemorySyncHistory, dashboard, documents, manifest, many, run_on


def synced(wanted: Manifest | None = None) -> FakeGrafana:
    fake = FakeGrafana()
    dashboards_sync(run_on(fake, MemorySyncHistory()), wanted or manifest())
    fake.forget()
    return fake


def test_everything_is_pruned_when_the_code_is_empty() -> None:
    fake = synced()
    with pytest.raises(PruneRefused, match="12 of 12 objects would be deleted, more than 10%"):
        dashboards_prune(run_on(fake), Manifest(()), policy=True)
    assert fake.writes == []
    dashboards_prune(run_on(fake), Manifest(()), policy=True, force=True)
    data = fake.data
    assert (data.folders, data.boards, data.sources, data.rules, data.mutes) == ({}, {}, {}, {}, {})
    assert list(data.contacts) == ["default"]
    assert "routes" not in data.tree


def test_the_policy_is_kept_by_default_and_protects_what_it_uses() -> None:
    fake = synced()
    with pytest.raises(GrafanaRefused, match=r"refuses to delete mute timing anden-weekends: 409 .* used by"):
        dashboards_prune(run_on(fake), Manifest(()), force=True)
    assert len(fake.data.tree["routes"]) == 1


def test_more_than_a_tenth_is_deleted_only_with_force() -> None:
    files = many(folders=2, dashboards=36, rules=0)
    fake = synced(manifest(files))
    total = len(manifest(files).objects)
    for number in range(total // 10):
        del files[f"anden-board-{number}.json"]
    done = dashboards_prune(run_on(fake), manifest(files))
    assert len(done.actions) == total // 10
    for number in range(10, 15):
        del files[f"anden-board-{number}.json"]
    with pytest.raises(PruneRefused):
        dashboards_prune(run_on(fake), manifest(files))


def test_a_folder_with_foreign_content_is_kept_and_named() -> None:
    fake = synced()
    model = {**dashboard("theirs", "Theirs"), "tags": [], "version": 1, "id": 99}
    fake.data.boards["theirs"] = StoredDashboard(model, "anden-dashboards")
    done = dashboards_prune(run_on(fake), Manifest(()), policy=True, force=True)
    assert done.refusals == ('folder anden-dashboards "Andén" is kept: it contains dashboard theirs "Theirs"',)
    assert set(fake.data.boards) == {"theirs"}
    assert set(fake.data.folders) == {"anden-dashboards"}


def test_a_folder_filled_during_the_prune_is_not_deleted() -> None:
    fake = synced()
    model = {**dashboard("theirs", "Theirs"), "tags": [], "version": 1, "id": 99}
    fake.data.boards["theirs"] = StoredDashboard(model, "anden-dashboards")
    fake.data.unindexed = {"theirs"}  # the search does not tell of it yet
    with pytest.raises(
        GrafanaConflict, match="folder anden-dashboards contains 1 dashboard, which would be deleted with it"
    ):
        dashboards_prune(run_on(fake), Manifest(()), policy=True, force=True)
    assert set(fake.data.boards) == {"theirs"}


def test_a_rule_is_deleted_without_its_group() -> None:
    fake = synced()
    files = documents()
    files["provisioning/alert-rules.json"][0]["rules"].pop(0)
    dashboards_prune(run_on(fake), manifest(files), force=True)
    assert set(fake.data.rules) == {"anden-stopped", "anden-errors"}
    assert fake.writes == ["DELETE /api/v1/provisioning/alert-rules/anden-lag"]


def test_a_dry_run_writes_nothing() -> None:
    fake = synced()
    assert len(dashboards_prune(run_on(fake), Manifest(()), apply=False).actions) == 11
    assert fake.writes == []
