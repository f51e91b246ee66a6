"""`manage.py dashboards` end to end: committed files, history in PostgreSQL, Grafana over HTTP."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from pydantic import HttpUrl, SecretStr

from apps.monitoring.grafana import configuration
from apps.monitoring.metrics import DRIFTED, LAST_SYNC
from apps.monitoring.models import GrafanaSync
from apps.monitoring.renderers import rendering
from apps.monitoring.tasks import detect_drift
from apps.telemetry.prometheus import gauge, gauge_values
from embedded.ports import free_port
from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.messages import Fault
from tests.fakes.grafana.server import serving
from tests.station import Station


def dashboards(*words: str) -> str:
    out = StringIO()
    call_command("dashboards", *words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    """The error message of a failed command."""
    with pytest.raises(CommandError) as raised:
        dashboards(*words)
    return str(raised.value)


class Given:
    """Overrides the settings of Grafana and CloudWatch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def grafana(self, **values: Any) -> None:
        self._monkeypatch.setattr(settings, "GRAFANA", settings.GRAFANA.model_copy(update=values))

    def cloudwatch(self, **values: Any) -> None:
        self._monkeypatch.setattr(settings, "CLOUDWATCH", settings.CLOUDWATCH.model_copy(update=values))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(monkeypatch)


@pytest.fixture
def fake(given: Given, station: Station) -> Iterator[FakeGrafana]:
    """A Grafana at the configured URL, for an installation on AWS."""
    fake = FakeGrafana()
    with serving(fake) as url:
        given.grafana(
            url=HttpUrl(url),
            token=SecretStr(TOKEN),
            tries=2,
            pause_s=0.001,
            revision="abc123",
            runbooks_url=HttpUrl("https://example.org/runbooks"),
        )
        given.cloudwatch(region="eu-west-1")
        yield fake


def test_three_commands_bring_an_empty_grafana_in_sync(fake: FakeGrafana) -> None:
    assert dashboards("check") == ""
    planned = dashboards("plan")
    assert fake.writes == []
    created = re.search(r"Plan: (\d+) to create, 0 to update, 0 to delete, 0 unchanged\.", planned)
    assert created
    assert "  + create dashboard anden-overview" in planned
    done = dashboards("sync")
    assert f"Sync complete: {created[1]} created, 0 updated, 0 deleted, 0 unchanged." in done
    assert "create dashboard anden-overview" in done  # without a terminal: one line per change
    fake.forget()
    assert f"No changes. Grafana matches the code ({created[1]} objects)." in dashboards("sync")
    assert fake.writes == []
    assert "No drift." in dashboards("drift")
    assert "Nothing to prune." in dashboards("prune")
    row = GrafanaSync.objects.get()
    assert (row.revision, row.changes) == ("abc123", int(created[1]))


def test_an_installation_without_aws_skips_objects_that_query_cloudwatch(fake: FakeGrafana, given: Given) -> None:
    given.cloudwatch(region="")
    given.grafana(runbooks_url=None)
    output = dashboards("sync")
    assert "data source anden-cloudwatch skipped: ANDEN_CLOUDWATCH_REGION is not set" in output
    assert set(fake.data.sources) == {"anden-prometheus"}
    assert fake.data.rules == {}
    assert "anden-overview" in fake.data.boards


def test_an_unset_variable_is_named_before_the_first_request(fake: FakeGrafana, given: Given) -> None:
    given.grafana(runbooks_url=None)
    line = refused("sync")
    assert "ANDEN_GRAFANA_RUNBOOKS_URL is not set, but rule group" in line
    assert fake.requests == []


def test_the_policy_is_written_only_with_the_option(fake: FakeGrafana) -> None:
    dashboards("sync")
    assert "routes" not in fake.data.tree
    dashboards("sync", "--policy")
    assert len(fake.data.tree["routes"]) == 1
    fake.forget()
    dashboards("sync")
    dashboards("sync", "--policy")
    assert fake.writes == []


def test_a_manual_edit_is_listed_exported_and_reverted(fake: FakeGrafana) -> None:
    dashboards("sync")
    fake.data.boards["anden-overview"].model["title"] = "Mine"
    with pytest.raises(CommandError, match="1 object edited by hand; "):
        dashboards("drift")
    assert gauge(DRIFTED).labels("anden-overview")._value.get() == 1
    assert detect_drift() == 1
    dashboards("sync")
    assert detect_drift() == 0
    assert gauge(DRIFTED).labels("anden-overview")._value.get() == 0


def test_a_sync_without_changes_counts_as_a_sync(fake: FakeGrafana) -> None:
    dashboards("sync")
    last_month = timezone.now() - timedelta(days=30)
    GrafanaSync.objects.update(at=last_month)
    assert detect_drift() == 0
    assert gauge(LAST_SYNC)._value.get() == last_month.timestamp()
    dashboards("sync")
    row = GrafanaSync.objects.get()
    assert row.at == last_month
    assert row.confirmed_at is not None
    detect_drift()
    assert gauge(LAST_SYNC)._value.get() == row.confirmed_at.timestamp()
    fake.fail(range(1, 1000), Fault(status=503))
    gauge(LAST_SYNC).set(0)
    detect_drift()
    assert gauge(LAST_SYNC)._value.get() == row.confirmed_at.timestamp()  # exported also while Grafana is unavailable


def test_there_is_no_drift_before_the_first_sync(fake: FakeGrafana) -> None:
    assert "No sync yet." in dashboards("drift")
    assert detect_drift() == 0
    assert gauge(LAST_SYNC)._value.get() == 0
    assert not any(gauge(DRIFTED).labels(*labels)._value.get() for labels in gauge_values(DRIFTED))


def test_the_scheduled_check_does_nothing_without_a_grafana_and_survives_an_unavailable_one(
    given: Given, station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    given.grafana(url=None)
    assert detect_drift() == 0
    assert caplog.records == []
    given.grafana(url=HttpUrl(f"http://127.0.0.1:{free_port()}"), token=SecretStr("t"), tries=1)
    assert detect_drift() == 0
    assert "cannot check Grafana for manual edits" in caplog.text


def test_prune_needs_force_above_a_tenth(fake: FakeGrafana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dashboards("sync")
    rendered = rendering.render_all()
    kept = {path: text for path, text in rendered.items() if "provisioning" in path or "overview" in path}
    for path, text in kept.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(configuration, "rendered_folder", lambda: tmp_path)
    boards = len(fake.data.boards)
    line = refused("prune")
    assert f"{boards - 1} of " in line
    assert "more than 10%" in line
    assert len(fake.data.boards) == boards
    assert "- delete dashboard anden-fleet" in dashboards("prune", "--dry-run")
    assert len(fake.data.boards) == boards
    assert f"{boards - 1} deleted." in dashboards("prune", "--force")
    assert set(fake.data.boards) == {"anden-overview"}


def test_rollback_applies_an_earlier_sync_and_lists_them(fake: FakeGrafana, given: Given) -> None:
    dashboards("sync")
    given.grafana(revision="def456", prometheus_url=HttpUrl("http://elsewhere:9090"))
    dashboards("sync")
    assert fake.data.sources["anden-prometheus"]["url"] == "http://elsewhere:9090"
    first = GrafanaSync.objects.get(revision="abc123")
    listed = dashboards("rollback", "--list")
    assert [line.split()[3] for line in listed.splitlines()] == ["def456", "abc123"]
    output = dashboards("rollback", "--to", str(first.pk))
    assert f"Rolled back to sync {first.pk}, abc123." in output
    assert "o longer in the code" not in output
    marked = [line for line in dashboards("rollback", "--list").splitlines() if "← active" in line]
    assert [int(line.split()[0]) for line in marked] == [first.pk]
    assert f"Grafana matches sync {first.pk} (" in dashboards("rollback", "--to", str(first.pk))
    assert fake.data.sources["anden-prometheus"]["url"] == "http://prometheus:9090"
    assert "No drift." in dashboards("drift")
    assert "sync 999999 does not exist" in refused("rollback", "--to", "999999")


def test_only_the_last_ten_syncs_are_kept(fake: FakeGrafana, given: Given) -> None:
    for number in range(12):
        given.grafana(prometheus_url=HttpUrl(f"http://prometheus-{number}:9090"), revision=f"r{number}")
        dashboards("sync")
    assert [row.revision for row in GrafanaSync.objects.all()] == [f"r{number}" for number in range(11, 1, -1)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": None}, "ANDEN_GRAFANA_URL is not set: set it and ANDEN_GRAFANA_TOKEN"),
        ({"token": SecretStr("")}, "ANDEN_GRAFANA_TOKEN is not set"),
        ({"token": SecretStr("glsa_wrong_one")}, "rejects the token: check ANDEN_GRAFANA_TOKEN"),
        ({"ca": Path("nowhere.pem")}, "ANDEN_GRAFANA_CA is not a file"),
    ],
)
def test_an_error_is_one_line_without_the_token(
    fake: FakeGrafana, given: Given, values: dict[str, Any], message: str
) -> None:
    given.grafana(**values)
    for action in ("plan", "sync", "prune", "drift"):
        line = refused(action)
        assert message in line
        assert "\n" not in line
        assert "glsa_wrong_one" not in line
    assert fake.writes == []


def test_a_grafana_lost_during_a_sync_is_one_line_and_the_next_sync_continues(fake: FakeGrafana) -> None:
    fake.fail(range(15, 100), Fault(status=503))
    line = refused("sync")
    assert "with 503 after 2 attempts" in line
    fake.forget()
    dashboards("sync")
    assert "No drift." in dashboards("drift")
    assert [note["tags"] for note in fake.data.annotations.values()] == [["anden", "deploy"]]


def test_check_names_the_panel_and_render_fixes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(configuration, "rendered_folder", lambda: tmp_path)
    assert "wrote dashboards/grafana/overview.json" in dashboards("render")
    assert dashboards("check") == ""
    path = tmp_path / "grafana/overview.json"
    path.write_text(path.read_text().replace('"unit": "short"', '"unit": "s"', 1))
    out = StringIO()
    with pytest.raises(CommandError, match=r"^Differences between dashboards/ and the code \(file → code\): 1\."):
        call_command("dashboards", "check", stdout=out)
    assert out.getvalue().startswith("grafana/overview.json: ")
    assert 'fieldConfig.defaults.unit: "s" → "short"\n' in out.getvalue()
    assert dashboards("render") == "wrote dashboards/grafana/overview.json\n"
    assert dashboards("render") == ""
