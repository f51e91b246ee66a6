"""One command rolls Grafana back from any state to any of the last ten syncs."""

from typing import Any

import pytest

from apps.monitoring.errors import SyncNotFound
from apps.monitoring.grafana.services import dashboards_rollback, dashboards_sync
from apps.monitoring.grafana.sync.history import MAX_SYNCS
from apps.monitoring.grafana.sync.objects import ObjectKey, ObjectKind
from apps.monitoring.grafana.sync.plan import SecretMatcher, actual_body, compare
from apps.monitoring.grafana.sync.report import result_line, sync_line
from tests.fakes.grafana.grafana import FakeGrafana
from tests.grafana_documents import VALUES, MemorySyncHistory, dashboard, documents, manifest, run_on


def release(number: int) -> dict[str, Any]:
    """Files that differ from release to release: changed, new and removed objects."""
    files = documents()
    files["overview.json"] = dashboard(panels=number + 1)
    files[f"extra-{number}.json"] = dashboard(f"anden-extra-{number}", f"Extra {number}")
    files["provisioning/alert-rules.json"][0]["rules"][0]["for"] = f"{number + 1}m"
    files["provisioning/mute-timings.json"][0]["time_intervals"][0]["weekdays"] = ["sunday"] * (number % 2 + 1)
    files["provisioning/datasources.json"][0]["jsonData"]["timeInterval"] = f"{number + 10}s"
    return files


def releases(count: int) -> tuple[FakeGrafana, MemorySyncHistory]:
    fake, history = FakeGrafana(), MemorySyncHistory()
    for number in range(count):
        dashboards_sync(run_on(fake, history, revision=f"r{number}"), manifest(release(number)))
    return fake, history


def extras(fake: FakeGrafana) -> set[str]:
    return {uid for uid in fake.data.boards if uid.startswith("anden-extra-")}


def test_a_rollback_to_each_of_the_last_ten_syncs_restores_it() -> None:
    fake, history = releases(12)
    assert [synced.revision for synced in history.syncs()] == [f"r{number}" for number in range(11, 1, -1)]
    for synced in list(history.syncs()):
        number = int(synced.revision[1:])
        target, _ = dashboards_rollback(run_on(fake, history), VALUES, to=synced.number, policy=True)
        assert target.revision == synced.revision
        wanted = manifest(release(number))
        state = run_on(fake).grafana.read(wanted)
        for item in wanted.objects:
            actual = actual_body(item, state)
            assert actual is not None
            assert compare(item, actual, SecretMatcher(trusting=True)) == ()
        # Objects of later syncs are deleted; those of the two evicted syncs are kept.
        assert extras(fake) - {"anden-extra-0", "anden-extra-1"} == {f"anden-extra-{n}" for n in range(2, number + 1)}
        assert fake.data.boards["anden-overview"].versions[-1][1] in {f"Andén {synced.revision}", "Andén r11"}
    assert len(history.syncs()) == MAX_SYNCS


def test_a_rollback_defaults_to_the_previous_sync_and_a_sync_leads_forward_again() -> None:
    fake, history = releases(3)
    dashboards_rollback(run_on(fake, history), VALUES, to=None)
    assert fake.data.rules["anden-lag"]["for"] == "2m"
    assert extras(fake) == {"anden-extra-0", "anden-extra-1"}
    newest = history.newest()
    assert newest is not None
    assert newest.rolled_back_to == 2
    dashboards_sync(run_on(fake, history), manifest(release(2)))
    assert fake.data.rules["anden-lag"]["for"] == "3m"


def test_a_rollback_reports_deletions_by_kind_and_excludes_them_from_leftovers() -> None:
    fake, history = releases(3)
    _, done = dashboards_rollback(run_on(fake, history), VALUES, to=1)
    assert done.count("delete") == 2
    assert "2 deleted (2 × dashboard)" in result_line(done)
    assert done.leftovers == ()
    _, again = dashboards_rollback(run_on(fake, history), VALUES, to=2)
    assert [item.key.uid for item in again.leftovers] == ["anden-extra-0"]  # added by sync 1, not by a later one
    assert "deleted, " in result_line(again)


def test_the_list_marks_the_active_sync() -> None:
    fake, history = releases(3)
    for to in (None, 1, 2):
        if to:
            dashboards_rollback(run_on(fake, history), VALUES, to=to)
        newest = history.newest()
        assert newest is not None
        assert newest.effective_number == (to or 3)
    lines = [sync_line(synced, active=synced.number == 2) for synced in history.syncs()]
    assert ["← active" in line for line in lines] == [False, True, False]


def test_the_policy_is_rolled_back_only_on_request() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    for wait in ("30s", "50s"):
        files = documents()
        files["provisioning/policy.json"]["group_wait"] = wait
        dashboards_sync(run_on(fake, history), manifest(files))
    dashboards_rollback(run_on(fake, history), VALUES, to=1)
    assert fake.data.tree["routes"][0]["group_wait"] == "50s"
    dashboards_rollback(run_on(fake, history), VALUES, to=1, policy=True)
    assert fake.data.tree["routes"][0]["group_wait"] == "30s"


def test_an_unknown_number_raises_sync_not_found() -> None:
    fake, history = releases(1)
    fake.forget()
    with pytest.raises(SyncNotFound, match="sync 77 does not exist"):
        dashboards_rollback(run_on(fake, history), VALUES, to=77)
    with pytest.raises(SyncNotFound, match="no earlier sync"):
        dashboards_rollback(run_on(fake, history), VALUES, to=None)
    assert fake.writes == []


def test_the_history_keeps_the_policy_of_an_earlier_sync() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    dashboards_sync(run_on(fake, history), manifest(release(1)).without(ObjectKind.POLICY))
    newest = history.newest()
    assert newest is not None
    assert ObjectKey(ObjectKind.POLICY, "anden-policy") in newest.manifest.all_keys()
