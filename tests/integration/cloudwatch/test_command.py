"""`manage.py cloudwatch` and `manage.py dashboards cloudwatch`: output, budget, errors, and a killed collector."""

import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pydantic import HttpUrl, ValidationError

from apps.cloudwatch import metrics
from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.cloudwatch.catalogue.resources import Resources
from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import DatabaseRequestBudget
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.collector.queries import catalogue_queries
from apps.cloudwatch.conf import CloudWatchSettings
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.models import CloudWatchMonth
from apps.cloudwatch.services import CloudWatchCollector
from apps.telemetry import prometheus
from tests.fakes.cloudwatch.fake import CloudWatchFault, FakeCloudWatch
from tests.station import Station

ROOT: Final = Path(__file__).resolve().parents[3]
SECRETS: Final = {
    "AWS_ACCESS_KEY_ID": "AKIDFAKE",
    "AWS_SECRET_ACCESS_KEY": "wJalrSECRETSECRETSECRET",
    "AWS_SESSION_TOKEN": "FwoGTOKENTOKENTOKENTOKEN",
}
NOW: Final = int(time.time() // 60) * 60
LABELS: Final = ("function_errors", "Sum", "notify")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloudWatch]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with FakeCloudWatch() as fake:
        yield fake


@pytest.fixture
def chosen(fake: FakeCloudWatch, settings: Any) -> CloudWatchSettings:
    settings.CLOUDWATCH = CloudWatchSettings(
        region="eu-west-1", endpoint_url=HttpUrl(fake.url), functions=("notify",), database_instances=("main",)
    )
    return settings.CLOUDWATCH  # type: ignore[no-any-return]


def output(*words: object, command: str = "cloudwatch") -> list[str]:
    out = io.StringIO()
    call_command(command, *map(str, words), stdout=out, stderr=out)
    return out.getvalue().splitlines()


def observe(fake: FakeCloudWatch, value: float, at_s: float) -> None:
    fake.put("AWS/Lambda", "Errors", {"FunctionName": "notify"}, at_s, value)


def test_plan_lists_the_metrics_and_their_cost_and_sends_nothing(
    fake: FakeCloudWatch, chosen: CloudWatchSettings
) -> None:
    lines = output("plan")
    queries = catalogue_queries(CATALOGUE, chosen.resources)
    dollars = len(queries) * 8_640 / 1_000 * 0.01
    assert lines[-2:] == [
        f"Plan: {len(queries)} metrics in 1 call per cycle, every 300 s.",
        f"Cost: {len(queries) * 8_640:,} metrics in 30 days, {dollars:.2f} of 25.00 USD.",
    ]
    table = lines[1 : lines.index("")]
    assert ["function", "notify", "function_invocations", "Sum", "0.086"] in [line.split() for line in table]
    assert ["function_duration", "p50,", "p95,", "p99", "0.259"] in [line.split() for line in table]
    assert len({len(line) for line in table}) == 1, "numbers are right-aligned"
    assert not fake.calls


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("region", "Ireland", "must be an AWS region such as eu-west-1"),
        ("balancer", "anden", "must be app/name/id, the end of the balancer's ARN"),
        ("kafka_brokers", "1;2", "must be comma-separated broker IDs: 1,2,3"),
        ("dashboard_prefix", "a", "must be 3 to 100 letters, digits, - and _"),
    ],
)
def test_an_invalid_setting_raises_with_the_expected_form(field: str, value: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CloudWatchSettings.model_validate({field: value})


def test_a_plan_over_budget_warns(chosen: CloudWatchSettings, settings: Any) -> None:
    settings.CLOUDWATCH = chosen.model_copy(update={"budget_usd": 1.0})
    assert output("plan")[-1] == "Over budget: collection would stop before the end of the month."


def test_one_cycle_prints_the_newest_points_and_is_counted(
    station: Station, fake: FakeCloudWatch, chosen: CloudWatchSettings
) -> None:
    now = int(time.time() // 60) * 60  # the command reads the clock, and NOW may be long ago
    observe(fake, 3.0, now - 120)
    observe(fake, 4.0, now - 60)
    lines = output("collect", "--once")
    asked = len(catalogue_queries(CATALOGUE, chosen.resources))
    assert lines == [
        f"calls: 1; points: 2 timely, 0 late; series: 1 current, {asked - 1} missing",
        "notify  function_errors Sum  4",
    ]
    month = CloudWatchMonth.objects.get()
    assert (month.metrics_requested, month.calls) == (asked, 1) == (fake.requested, len(fake.asked))
    cost = output("cost")
    assert f"{asked} metrics requested in 1 call, 0.00 USD" in cost[-3]
    assert cost[-1] == "Within budget."


def test_a_spent_budget_prints_one_line_and_sends_nothing(
    station: Station, fake: FakeCloudWatch, chosen: CloudWatchSettings, settings: Any
) -> None:
    settings.CLOUDWATCH = chosen.model_copy(update={"budget_usd": 0.0})
    with pytest.raises(CommandError, match=r"budget for .* is spent: 0 metrics, 0\.00 of 0\.00 USD\. .* stops until"):
        output("collect", "--once")
    assert not fake.calls
    assert "Budget spent: collection resumes on" in output("cost")[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": ""}, "ANDEN_CLOUDWATCH_REGION"),
        ({"functions": (), "database_instances": ()}, "no resource is set"),
    ],
)
def test_a_missing_setting_prints_one_line(
    chosen: CloudWatchSettings, settings: Any, changes: dict[str, Any], message: str
) -> None:
    settings.CLOUDWATCH = chosen.model_copy(update=changes)
    with pytest.raises(CommandError, match=message):
        output("collect", "--once")


def test_a_denied_call_names_the_action_that_the_role_lacks(
    station: Station, fake: FakeCloudWatch, chosen: CloudWatchSettings
) -> None:
    fake.denied.add("GetMetricData")
    with pytest.raises(CommandError, match="lacks the IAM action cloudwatch:GetMetricData"):
        output("collect", "--once")


def test_dashboards_are_uploaded_once_and_only_changed_ones_again(
    fake: FakeCloudWatch, chosen: CloudWatchSettings
) -> None:
    fake.dashboards["foreign"] = '{"widgets": []}'
    names = [f"anden-{path.stem}" for path in sorted((ROOT / "dashboards/cloudwatch").glob("*.json"))]
    assert output("cloudwatch", command="dashboards") == [f"+ {name}: created" for name in names]
    assert output("cloudwatch", command="dashboards") == [f"= {name}: unchanged" for name in names]
    assert fake.calls["PutDashboard"] == len(names)
    fake.dashboards[names[0]] = '{"widgets": []}'
    fake.faults.append(CloudWatchFault("Throttling", calls=2))
    assert output("cloudwatch", command="dashboards")[0] == f"~ {names[0]}: updated"
    assert set(fake.dashboards) == {*names, "foreign"}
    assert all(
        widget["properties"].get("region", "eu-west-1") == "eu-west-1"
        for name in names
        for widget in json.loads(fake.dashboards[name])["widgets"]
    )


def test_a_denied_dashboard_names_the_action(fake: FakeCloudWatch, chosen: CloudWatchSettings) -> None:
    fake.denied.add("PutDashboard")
    with pytest.raises(CommandError, match="lacks the IAM action cloudwatch:PutDashboard"):
        output("cloudwatch", command="dashboards")


def test_a_folder_without_dashboards_names_the_command_that_renders_them(
    fake: FakeCloudWatch, chosen: CloudWatchSettings, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="make render"):
        output("cloudwatch", "--folder", tmp_path, command="dashboards")


def test_concurrent_collectors_do_not_overspend(station: Station) -> None:
    budget, paid = DatabaseRequestBudget(budget_usd=0.01), []

    def spend(_: int) -> None:
        try:
            budget.reserve(70, now_s=NOW)
            paid.append(70)
        except BudgetSpent:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spend, range(40)))
    assert sum(paid) == CloudWatchMonth.objects.get().metrics_requested == 14 * 70


def test_only_current_values_are_exported(
    station: Station, fake: FakeCloudWatch, boto: BotoCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    observe(fake, 3.0, NOW - 60)
    one = running(boto, budget_usd=8 * 3 * 0.01 / 1_000)
    one.run_cycle(now_s=NOW)
    assert prometheus.gauge_values(metrics.CLOUDWATCH_VALUE)[LABELS] == 3.0
    assert prometheus.gauge_values(metrics.CLOUDWATCH_STOPPED)[()] == 0
    one.run_cycle(now_s=NOW + 240)
    assert LABELS not in prometheus.gauge_values(metrics.CLOUDWATCH_VALUE)
    observe(fake, 5.0, NOW + 420)
    fake.clock = lambda: NOW + 480.0
    one.run_cycle(now_s=NOW + 480)
    assert prometheus.gauge_values(metrics.CLOUDWATCH_VALUE)[LABELS] == 5.0
    with caplog.at_level(logging.INFO):
        for late_s in (780, 1_080, 1_380):
            one.run_cycle(now_s=NOW + late_s)
    assert [
        record.getMessage().split(" is spent")[1][:15] for record in caplog.records if "spent" in record.message
    ] == [": 24 metrics, 0"], "one line when it starts"
    assert prometheus.gauge_values(metrics.CLOUDWATCH_STOPPED)[()] == 1
    assert prometheus.gauge_values(metrics.CLOUDWATCH_SPENT)[()] == pytest.approx(0.00024)
    assert LABELS not in prometheus.gauge_values(metrics.CLOUDWATCH_VALUE), "a stopped collector exports no old value"


def test_an_error_is_logged_once_when_it_starts_and_once_when_it_ends(
    station: Station, fake: FakeCloudWatch, boto: BotoCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = running(boto, budget_usd=1)
    fake.denied.add("GetMetricData")
    with caplog.at_level(logging.INFO, logger="apps.monitoring.cloudwatch"):
        assert [one.run_cycle(now_s=NOW + 300 * number) for number in range(3)] == [None, None, None]
        fake.denied.clear()
        assert one.run_cycle(now_s=NOW + 900)
    lines = [record.getMessage() for record in caplog.records if record.name == "apps.monitoring.cloudwatch"]
    assert [line.partition("lacks")[2][:16] or line for line in lines] == [" the IAM action ", "collection resumed"]


def test_nothing_is_requested_without_the_budget_table(
    station: Station, fake: FakeCloudWatch, boto: BotoCloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with station.admin() as admin:
        admin.execute("ALTER TABLE monitoring_cloudwatchmonth RENAME TO hidden")
        try:
            one = running(boto, budget_usd=1)
            assert one.run_cycle(now_s=NOW) is None
            assert "lacks a table or column: run `manage.py migrate`" in one.last_error
        finally:
            admin.execute("ALTER TABLE hidden RENAME TO monitoring_cloudwatchmonth")
    assert not fake.calls


def test_a_killed_collector_loses_no_spending_and_its_successor_requests_only_the_last_minutes(
    station: Station, fake: FakeCloudWatch
) -> None:
    fake.slow_s = 2.0  # so that it is killed before the next call, however late this process is
    environment = {
        **os.environ,
        **SECRETS,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "ANDEN_CLOUDWATCH_REGION": "eu-west-1",
        "ANDEN_CLOUDWATCH_ENDPOINT_URL": fake.url,
        "ANDEN_CLOUDWATCH_FUNCTIONS": ",".join(f"f{number}" for number in range(150)),
    }
    command = [sys.executable, "manage.py", "cloudwatch", "collect"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as collector:
        deadline = time.monotonic() + 60
        while len(fake.asked) < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        collector.kill()
    sent = sum(count for _, count in fake.asked)
    assert 500 <= sent < 1_200, "it was killed midway"
    counted = CloudWatchMonth.objects.get().metrics_requested
    assert sent <= counted <= sent + 500, "counted before it was sent"
    fake.slow_s = 0.0
    ended = subprocess.run([*command, "--once"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("calls: 3; points: 0 timely")
    assert CloudWatchMonth.objects.get().metrics_requested == counted + 1_200


def test_a_collector_survives_errors_and_stops_on_sigterm(station: Station, fake: FakeCloudWatch) -> None:
    fake.denied.add("GetMetricData")
    environment = {
        **os.environ,
        **SECRETS,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "ANDEN_CLOUDWATCH_REGION": "eu-west-1",
        "ANDEN_CLOUDWATCH_ENDPOINT_URL": fake.url,
        "ANDEN_CLOUDWATCH_FUNCTIONS": "notify",
        "ANDEN_LOG_LEVEL": "DEBUG",
    }
    with subprocess.Popen(
        [sys.executable, "manage.py", "cloudwatch", "collect", "--every", "60"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as collector:
        assert collector.stderr
        lines = iter(collector.stderr.readline, "")
        first = next(line for line in lines if line.startswith("CloudWatch"))
        collector.terminate()
        _, rest = collector.communicate(timeout=30)
    assert "lacks the IAM action cloudwatch:GetMetricData" in first
    assert collector.returncode == 0
    assert not any(secret in first + rest for secret in SECRETS.values())


@pytest.fixture
def boto(fake: FakeCloudWatch) -> Iterator[BotoCloudWatch]:
    boto = BotoCloudWatch(region="eu-west-1", endpoint_url=fake.url)
    yield boto
    boto.close()


def running(boto: BotoCloudWatch, *, budget_usd: float) -> CloudWatchCollector:
    queries = catalogue_queries(CATALOGUE, Resources(functions=("notify",)))
    return CloudWatchCollector(
        MeteredCloudWatch(boto, DatabaseRequestBudget(budget_usd), clock=lambda: float(NOW), sleep=lambda _: None),
        queries,
        period_s=60,
        cycle_s=300,
        budget_usd=budget_usd,
    )
